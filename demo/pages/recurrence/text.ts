/** The words of the page. */
import { words } from "../../shell/language.ts";

export const text = words({
  picture: ["The network, unrolled over three steps", "세 단계로 펼친 신경망"],
  label: [
    "Three steps: x₁ = {x1}, x₂ = {x2}, x₃ = {x3} go into the hidden states h₁ = ({h1}), h₂ = ({h2}), h₃ = ({h3}), and from there into y = ({y}) and the loss E₃ = {loss}.",
    "세 단계: x₁ = {x1}, x₂ = {x2}, x₃ = {x3}이 은닉 상태 h₁ = ({h1}), h₂ = ({h2}), h₃ = ({h3})으로 들어가고, 거기서 y = ({y})와 손실 E₃ = {loss}이 나옵니다.",
  ],
  moments: ["Moments", "장면"],
  play: ["Walk through", "차례로 보기"],
  stop: ["Stop", "멈춤"],
  before: ["Back", "이전"],
  after: ["Next", "다음"],
  whole: ["Overview", "전체"],
  cutHere: ["cut", "절단"],
  all: [
    "Read it from the left: three numbers come in, one at a time. Orange lines are positive weights, blue ones negative; the wider, the larger.",
    "시간 순서대로 읽어 보세요. 수 세 개가 하나씩 들어옵니다. 주황색 선은 양수, 파란색 선은 음수 가중치이고, 굵을수록 큽니다.",
  ],
  h1: [
    "The first number comes in. There is no state before it: h₀ is 0, so W has nothing to multiply.",
    "첫 번째 수가 들어옵니다. 앞선 상태가 없어 h₀은 0이므로 W가 곱할 것이 없습니다.",
  ],
  h2: [
    "The second number comes in. U, W and b are the same as before; h₁ brings what is remembered.",
    "두 번째 수가 들어옵니다. U, W, b는 앞에서 쓴 것과 같고, h₁이 기억한 것을 전해 줍니다.",
  ],
  h3: [
    "The third number comes in, and meets what h₂ has kept of the first two.",
    "세 번째 수가 들어와, 앞의 두 수를 담고 있는 h₂와 만납니다.",
  ],
  out: [
    "Only the last state is asked. V turns it into two probabilities; the loss is small when that of the right class is near 1.",
    "마지막 은닉 상태로만 답합니다. V가 이를 두 확률로 바꾸며, 정답 클래스의 확률이 1에 가까우면 손실이 작습니다.",
  ],
  back: [
    "Now back. The error is y less the right answer, and V carries it to h₃.",
    "이제 거꾸로 갑니다. 오차는 y에서 정답을 뺀 값이고, V를 거쳐 h₃에 전해집니다.",
  ],
  path3: ["The shortest path: W as it was used in step 3.", "가장 짧은 경로입니다. 3단계에서 쓰인 W로 갑니다."],
  path2: [
    "One step further back. On the way the gradient is multiplied by ∂h₃/∂h₂: once by W, once by the slope of the activation.",
    "한 단계 더 거슬러 갑니다. 도중에 ∂h₃/∂h₂가 곱해집니다. W가 한 번, 활성화 함수의 기울기가 한 번입니다.",
  ],
  path1: [
    "Back to the start: two such factors. Here W was multiplied by h₀ = 0, so this path adds nothing to W. To U and b it does.",
    "처음까지 거슬러 갑니다. 그런 인수가 두 번 곱해집니다. 여기서 W는 h₀ = 0과 곱해졌으므로 이 경로가 W에 더하는 것은 없습니다. U와 b에는 더합니다.",
  ],
  isCut: [
    "This path is cut: truncated back-propagation through time does not go back so far.",
    "이 경로는 잘려 있습니다. 절단 시간 역전파(truncated BPTT)는 여기까지 거슬러 가지 않습니다.",
  ],
  sum: [
    "W is the same in every step, so its gradient is the sum of all paths. One step of gradient descent goes a little against it.",
    "W는 모든 단계에서 같으므로 그 기울기는 모든 경로의 합입니다. 경사 하강법 한 단계는 기울기의 반대쪽으로 조금 움직입니다.",
  ],
  equations: ["The equations", "수식"],
  now: ["With its numbers", "숫자를 넣으면"],
  symbols: ["Symbols", "기호"],
  symbolHint: [
    "Point at a symbol, here or in the picture: it lights up in both.",
    "기호를 가리켜 보세요. 수식과 그림에서 함께 밝아집니다.",
  ],
  x: ["x: the number that comes in at a step", "x: 각 단계에 들어오는 수"],
  U: ["U: weights from the number to both units", "U: 들어온 수에서 두 유닛으로 가는 가중치"],
  h: ["h: the hidden state, two numbers", "h: 은닉 상태, 수 두 개"],
  W: ["W: weights from the hidden state to the next one", "W: 은닉 상태에서 다음 은닉 상태로 가는 가중치"],
  b: ["b: the bias, added in each step", "b: 단계마다 더하는 편향"],
  V: ["V: weights from the last hidden state to the answer", "V: 마지막 은닉 상태에서 답으로 가는 가중치"],
  y: ["y: probabilities of “negative” and “positive”", "y: ‘음수’와 ‘양수’의 확률"],
  E: ["E: the loss", "E: 손실"],
  gradient: ["The gradient, a sum of paths", "경로의 합인 기울기"],
  gradientHint: [
    "A path adds its share where the weights were used: ∂E₃/∂a at that step, times what came in. Choose a path to see it in the picture.",
    "경로는 가중치가 쓰인 단계에서 자기 몫을 더합니다. 그 단계의 ∂E₃/∂a에, 들어온 값을 곱한 것입니다. 경로를 고르면 그림에 나타납니다.",
  ],
  path: ["Path", "경로"],
  total: ["Sum", "합"],
  once: ["One step of gradient descent", "경사 하강법 한 단계"],
  onceHint: [
    "On this sequence: each weight less {rate} times its sum. Loss now: {loss}.",
    "이 수열로 한 단계: 가중치마다 {rate} × 합을 뺍니다. 지금 손실: {loss}.",
  ],
  knobs: ["Change the numbers", "숫자 바꾸기"],
  first: ["Before training", "학습 전으로"],
  activation: ["Activation φ", "활성화 함수 φ"],
  cut: ["Steps back", "역전파 단계 수"],
  cut3: ["3 (all)", "3(모두)"],
  cut2: ["2", "2"],
  cut1: ["1", "1"],
  rate: ["Learning rate η", "학습률 η"],
  restarts: [
    "Activation, cut and rate begin the training anew. Moving a weight pauses it; it goes on from there.",
    "활성화 함수, 절단, 학습률을 바꾸면 처음부터 다시 학습합니다. 가중치를 움직이면 학습이 멈추고, 계속하면 거기서 이어집니다.",
  ],
  beside: ["Beside it, a network without memory", "기억이 없는 신경망과 나란히"],
  besideLabel: [
    "A feed-forward network: x₃ = {x} goes into h = ({h}), and from there into y = ({y}) and the loss {loss}.",
    "순방향 신경망: x₃ = {x}이 h = ({h})으로 들어가고, 거기서 y = ({y})와 손실 {loss}이 나옵니다.",
  ],
  besideHint: [
    "The same two units without W, learning from the same sequences. It has x₃ only, so the first number is lost, and there is one path for its gradient.",
    "W가 없는 같은 유닛 두 개로, 같은 수열을 배웁니다. x₃만 보므로 첫 번째 수를 알 수 없고, 기울기의 경로도 하나뿐입니다.",
  ],
  eight: ["All eight sequences", "여덟 수열 모두"],
  eightHint: [
    "Probability of the right answer: was the first number positive? Press a sequence to see it above.",
    "정답의 확률입니다. 첫 번째 수가 양수였을까요? 수열을 누르면 위의 그림에 나타납니다.",
  ],
  sequence: ["Sequence", "수열"],
  recurrent: ["recurrent", "순환"],
  last: ["feed-forward, x₃ only", "순방향, x₃만"],
  allThree: ["feed-forward, all three", "순방향, 셋 모두"],
  positive: ["positive", "양수"],
  negative: ["negative", "음수"],
  loss: ["Loss over all eight sequences", "여덟 수열의 손실"],
  lossHint: [
    "Seen all at once, three numbers are no problem for a feed-forward network either. But each place has weights of its own, and there can be no fourth number.",
    "수 세 개를 한꺼번에 보면 순방향 신경망도 잘 배웁니다. 그러나 자리마다 가중치가 따로 있고, 네 번째 수는 받을 수 없습니다.",
  ],
  waiting: ["The numbers come in a moment.", "곧 숫자가 나타납니다."],
});
