/** What the page says. */
import { words } from "../../shell/language.ts";

export const text = words({
  question: ["Which word comes next?", "다음에 올 단어는?"],
  beginning: ["The sentence begins with", "문장의 앞부분"],
  word: ["How likely is the word", "확률을 알고 싶은 단어"],
  exampleBeginning: ["I got hungry and bought", "나는 배가 고파서"],
  exampleWord: ["rice", "밥을"],
  far: ["The doctor got thirsty and yesterday at home bought", "의사는 목이 말라서 어제 집에서"],
  farWord: ["water", "물을"],
  near: ["The usual question", "처음 질문"],
  farther: ["With a time and a place in between", "사이에 때와 곳이 끼면"],
  n: ["n: words in an n-gram", "n: n-gram의 단어 수"],
  smoothing: ["Smoothing of the counts", "횟수의 평활화"],
  none: ["none", "없음"],
  addK: ["add one (Laplace)", "1 더하기(라플라스)"],
  kneserNey: ["Kneser–Ney", "Kneser–Ney"],
  seen: ["seen by the {n}-gram", "{n}-gram이 보는 단어"],
  unseen: ["not seen by the {n}-gram", "{n}-gram이 보지 못하는 단어"],
  sees: [
    "The {n}-gram sees the {last} coloured words. The network has read all of them. <s> is the beginning.",
    "{n}-gram은 색칠한 {last}단어만 보고, 신경망은 앞의 단어를 모두 읽었습니다. <s>는 문장의 시작입니다.",
  ],
  sees0: [
    "The 1-gram sees no word before. The network has read all of them. <s> is the beginning.",
    "1-gram은 앞의 단어를 하나도 보지 않고, 신경망은 모두 읽었습니다. <s>는 문장의 시작입니다.",
  ],
  counted: ["Counting says", "횟수로 구하면"],
  learned: ["The network says", "신경망이 답하면"],
  by: ["divided by", "나누기"],
  noContext: [
    "These words were never seen together: 0 divided by 0. Counting has no answer.",
    "이 단어들이 나란히 나온 적이 없어 0 ÷ 0입니다. 횟수로는 답할 수 없습니다.",
  ],
  smoothed: ["With smoothing: {share}", "평활화하면 {share}"],
  state: ["from its hidden state after “{last}”", "‘{last}’까지 읽은 은닉 상태에서"],
  stateAtStart: ["from its hidden state at the beginning", "문장 시작의 은닉 상태에서"],
  end: ["(end)", "(문장 끝)"],
  waiting: ["The first answer comes after the first step.", "첫 단계가 끝나면 답이 나타납니다."],
  unknown: ["The network knows none of these words.", "신경망이 아는 단어가 없습니다."],
  perplexity: ["Perplexity while the network learns", "학습이 진행될 때의 퍼플렉서티"],
  perplexityHint: [
    "Measured on sentences kept apart. 3 means: as unsure as a choice among 3 equally likely words. Lower is better.",
    "떼어 둔 문장에서 잰 값입니다. 3이면 똑같이 그럴듯한 세 단어 중에서 고르는 만큼 망설인다는 뜻입니다. 낮을수록 좋습니다.",
  ],
  network: ["network", "신경망"],
  trained: ["network, on what it learns", "신경망, 학습하는 문장"],
  ngram: ["{n}-gram ({smoothing})", "{n}-gram({smoothing})"],
  infinite: [
    "Without smoothing, one n-gram that was never seen makes the perplexity infinite. The line is Kneser–Ney’s.",
    "평활화가 없으면 처음 보는 n-gram 하나만으로도 퍼플렉서티가 무한대가 됩니다. 그래서 Kneser–Ney의 값을 그렸습니다.",
  ],
  byN: ["Perplexity by n", "n에 따른 퍼플렉서티"],
  byNHint: [
    "On the same sentences. The 1-gram, which sees no word before, has {perplexity}.",
    "같은 문장에서 잰 값입니다. 앞의 단어를 보지 않는 1-gram은 {perplexity}입니다.",
  ],
  ngrams: ["n-grams", "n-gram"],
  sparsity: ["Never seen, by n", "n에 따른 희소성"],
  sparsityHint: [
    "The share of n-grams, and of their first n−1 words, that the sentences kept apart have and the counts do not.",
    "떼어 둔 문장의 n-gram과 그 앞 n−1단어 중에서, 학습한 글에 한 번도 나오지 않은 것의 비율입니다.",
  ],
  contexts: ["contexts never seen", "처음 보는 문맥"],
  unseenNGrams: ["n-grams never seen", "처음 보는 n-gram"],
  list: ["Contexts that were never seen", "한 번도 나오지 않은 문맥"],
  listHint: [
    "Beginnings of sentences kept apart. Choose one, and see who still has an answer.",
    "떼어 둔 문장의 앞부분입니다. 하나를 골라 누가 답할 수 있는지 보세요.",
  ],
  allSeen: [
    "With n = {n}, all contexts were seen. Try a larger n.",
    "n = {n}일 때는 모든 문맥이 나왔습니다. n을 늘려 보세요.",
  ],
});

export const explanation = [
  "How likely is “rice” after “I got hungry and bought”? The oldest answer is to count: how often do these words stand in the text, and how often does “rice” follow? A large n remembers more words, but most of its contexts were never seen, and then it has no answer. Smoothing lends a little probability to what was never seen.\nThe network learns from the same sentences, which are made up. Words become vectors, and a hidden state carries what was read. So it knows what a hungry doctor buys even if the text never says it, and it remembers the hunger beyond a time and a place.",
  "‘나는 배가 고파서’ 다음에 ‘밥을’이 나올 확률은 얼마일까요? 가장 오래된 방법은 글에서 횟수를 세는 것입니다. n이 크면 앞의 단어를 더 많이 보지만, 그만큼 처음 보는 문맥이 많아져 답하지 못합니다. 이것이 희소성 문제입니다. 평활화는 나온 적 없는 단어에도 확률을 조금 나누어 줍니다.\n신경망은 지어낸 같은 문장들로 학습합니다. 단어는 벡터가 되고, 지금까지 읽은 내용은 은닉 상태에 담깁니다. 그래서 배고픈 의사가 글에 한 번도 나오지 않아도 답할 수 있고, 때와 곳이 사이에 끼어도 배가 고프다는 것을 기억합니다.",
] as const;
