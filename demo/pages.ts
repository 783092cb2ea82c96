/** The pages of the gallery, in the order of the path through them. A page is a folder in pages/ and an entry here. */
import type { InBoth } from "./shell/language.ts";

export interface GalleryPage {
  /** Its folder, and its address: NAME.html. */
  readonly name: string;
  readonly title: InBoth;
  /** One or two sentences, under the title and on its card. */
  readonly about: InBoth;
  /** Whom it is a step for on the paths of the start page; default learners and engineers. */
  readonly for?: "learners" | "engineers";
}

/** What the frame around a page shows of it, and of those before and after it on the path. */
export interface PageInFrame {
  readonly page: GalleryPage;
  readonly before: Pick<GalleryPage, "name" | "title"> | undefined;
  readonly after: Pick<GalleryPage, "name" | "title"> | undefined;
}

export const start: GalleryPage = {
  name: "index",
  title: ["Recurrent networks, trained before your eyes", "눈앞에서 학습하는 순환 신경망"],
  about: [
    "Every page trains a small network here in your browser, and shows what it does at each step. Nothing leaves this device.",
    "페이지마다 작은 신경망을 이 브라우저에서 바로 학습하며, 단계마다 무엇을 하는지 보여 줍니다. 아무것도 이 기기 밖으로 나가지 않습니다.",
  ],
};

export const pages: readonly GalleryPage[] = [
  {
    name: "recurrence",
    title: ["Recurrence, step by step", "순환, 한 단계씩"],
    about: [
      "Two units, three steps: follow every number forwards, and every factor of the chain rule back.",
      "유닛 두 개, 세 단계. 앞으로는 모든 숫자를, 거꾸로는 연쇄 법칙의 모든 인수를 하나씩 따라가 보세요.",
    ],
    for: "learners",
  },
  {
    name: "vanishing",
    title: ["Vanishing and exploding", "경사 소실과 경사 폭발"],
    about: [
      "How much of a gradient is left after 10 to 200 steps back, in six kinds of networks; and what clipping is good for.",
      "10단계에서 200단계까지 거슬러 가면 기울기가 얼마나 남을까요? 여섯 가지 신경망을 비교하고, 클리핑이 왜 필요한지 봅니다.",
    ],
    for: "learners",
  },
  {
    name: "memory",
    title: ["Long memory", "긴 기억"],
    about: [
      "RNN, GRU and LSTM race on problems that only memory solves. See at which distance each of them forgets.",
      "RNN, GRU, LSTM이 맨 앞의 정보를 끝까지 기억해야 하는 문제로 겨룹니다. 거리가 얼마나 멀어지면 잊는지 비교해 보세요.",
    ],
    for: "learners",
  },
  {
    name: "gates",
    title: ["Inside a gate", "게이트 들여다보기"],
    about: [
      "The gates of an LSTM and a GRU, word by word. Hold one at 0 or 1, and see what the network forgets.",
      "LSTM과 GRU의 게이트를 단어마다 들여다봅니다. 게이트를 0이나 1로 고정하면 신경망이 무엇을 잊는지 볼 수 있습니다.",
    ],
    for: "learners",
  },
  {
    name: "counts",
    title: ["Language: counts and networks", "언어 모델: 횟수와 신경망"],
    about: [
      "Which word comes next? One model counts n-grams, the other is a network that learns beside it, from the same sentences.",
      "다음에는 어떤 단어가 올까요? 같은 문장에서 한쪽은 n-gram의 횟수를 세고, 다른 쪽은 신경망으로 학습합니다.",
    ],
    for: "learners",
  },
  {
    name: "characters",
    title: ["Letter by letter", "한 글자씩"],
    about: [
      "A network learns to predict the next character of a text, and writes by itself. Give it a text of your own, and see what each unit follows.",
      "신경망이 글의 다음 글자를 예측하는 법을 배우고, 스스로 글을 씁니다. 여러분의 글로 가르치고, 유닛마다 무엇을 따라가는지 보세요.",
    ],
  },
  {
    name: "complete",
    title: ["Finish my sentence", "문장 이어 쓰기"],
    about: [
      "Type, and a network that has learned from the text suggests the next words and whole endings. Tab accepts.",
      "글을 쓰면, 글에서 배운 신경망이 다음 단어와 문장의 나머지를 제안합니다. Tab 키로 받아들입니다.",
    ],
  },
  {
    name: "vectors",
    title: ["Words as vectors", "벡터가 된 단어"],
    about: [
      "An embedding turns categories into vectors that are learned. Watch words find their places, and weekdays help to predict a price.",
      "임베딩은 범주를 학습되는 벡터로 바꿉니다. 단어들이 자리를 찾아가는 모습과, 요일이 가격 예측을 돕는 모습을 보세요.",
    ],
    for: "learners",
  },
  {
    name: "feeling",
    title: ["What reviewers feel", "리뷰에 담긴 감정"],
    about: [
      "Many to one: a network reads a review word by word and says what the writer felt. Write one, and see which words moved it.",
      "다대일: 신경망이 리뷰를 한 단어씩 읽고 쓴 사람의 감정을 맞힙니다. 직접 써 보고, 어떤 단어가 판단을 움직였는지 보세요.",
    ],
  },
  {
    name: "tags",
    title: ["Parts of speech", "품사 붙이기"],
    about: [
      "Many to many: each word of a sentence gets its part of speech while you type. The same word is a noun here and a verb there.",
      "다대다: 문장을 입력하는 동안 단어마다 품사를 붙입니다. 같은 단어라도 문장에 따라 품사가 달라집니다.",
    ],
  },
  {
    name: "translate",
    title: ["Translate", "번역"],
    about: [
      "Many to many: an encoder reads, a decoder writes, and attention shows where it looked. See which hypotheses a beam search keeps and drops.",
      "다대다: 인코더가 읽고 디코더가 씁니다. 어텐션이 어디를 보았는지, 빔 탐색이 어떤 후보를 남기고 버리는지 보세요.",
    ],
  },
  {
    name: "describe",
    title: ["Describe the picture", "그림 설명하기"],
    about: [
      "One to many: draw a shape, and a network writes a caption word by word. Sample several captions, and see where it is not sure.",
      "일대다: 도형을 그리면 신경망이 설명을 한 단어씩 씁니다. 설명을 여러 개 뽑아 보고 어디서 망설이는지 확인하세요.",
    ],
  },
  {
    name: "frames",
    title: ["Every frame", "프레임마다"],
    about: [
      "Many to many: a network watches a moving shape, or your hand, and says in each frame what happens. Lead the shape, and see how fast it answers.",
      "다대다: 신경망이 움직이는 도형이나 손짓을 지켜보며 프레임마다 무슨 일이 일어나는지 말합니다. 도형을 이끌며 얼마나 빨리 답하는지 보세요.",
    ],
  },
  {
    name: "forecast",
    title: ["What comes next", "다음에 올 값"],
    about: [
      "A network forecasts a series, with an interval, beside methods that need no training. Plan events, open a table of your own, or draw a curve that it goes on with.",
      "신경망이 시계열의 다음 값을 구간과 함께 예측하고, 학습이 필요 없는 방법과 견줍니다. 행사를 계획하거나, 내 표를 열거나, 곡선을 그려 이어 가게 해 보세요.",
    ],
  },
  {
    name: "autoencode",
    title: ["Squeeze and restore", "줄였다가 되살리기"],
    about: [
      "A network squeezes pen strokes into two numbers and draws them again. Wander over the map of these numbers, write a stroke of your own, and see which strokes are strange.",
      "신경망이 펜으로 쓴 획을 두 수로 줄였다가 다시 그립니다. 두 수의 지도를 돌아다니고, 획을 직접 써 보고, 어떤 획이 이상한지 보세요.",
    ],
  },
  {
    name: "life",
    title: ["Symbols of life", "생명의 기호"],
    about: [
      "Strings like DNA, made up: one network finds a hidden motif, another counts by three to follow a reading frame. Change a letter, and see both answer.",
      "지어낸 DNA 서열에서 한 신경망은 숨은 모티프를 찾고, 다른 신경망은 셋씩 세며 해독틀을 따라갑니다. 글자를 바꾸고 두 답이 어떻게 달라지는지 보세요.",
    ],
  },
  {
    name: "sound",
    title: ["Out of the noise", "잡음 속에서"],
    about: [
      "A network takes the noise out of sound while it comes in, 8 ms at a time. See it, hear it, and try it on your own voice or with published networks.",
      "신경망이 들어오는 소리에서 8 ms마다 잡음을 걷어 냅니다. 눈으로 보고 귀로 듣고, 여러분의 목소리나 공개된 신경망으로도 해 보세요.",
    ],
  },
  {
    name: "own",
    title: ["Bring your own", "내 모델 열기"],
    about: [
      "Open a model file of PyTorch, safetensors or ONNX: its layers and tensors, its plan as a picture, and one run compared on every backend. The file stays on this device.",
      "PyTorch, safetensors, ONNX 모델 파일을 열어 층과 텐서, 실행 계획 그림, 모든 백엔드의 실행 결과를 비교해 보세요. 파일은 이 기기를 떠나지 않습니다.",
    ],
    for: "engineers",
  },
  {
    name: "speed",
    title: ["How fast is this device", "이 기기는 얼마나 빠른가"],
    about: [
      "Networks and kernels, measured here on your GPU or CPU: by time steps, batch size and units, and below the roof that the device sets.",
      "신경망과 커널을 여러분의 GPU나 CPU에서 잽니다. 시점 수, 배치 크기, 유닛 수에 따라 걸리는 시간과, 기기가 정하는 지붕 아래 어디까지 오르는지 보세요.",
    ],
    for: "engineers",
  },
];
