/** Every word of the page of examples, in every language. The programs themselves print English. */
import type { Language } from "../shell/language.ts";

interface Words {
  readonly title: string;
  readonly lead: string;
  readonly language: string;
  readonly run: string;
  readonly stop: string;
  readonly running: string;
  readonly done: string;
  readonly stopped: string;
  readonly failed: string;
  readonly source: string;
  readonly back: string;
  /** By file: a title, and what it does. */
  readonly examples: Readonly<Record<ExampleName, readonly [title: string, about: string]>>;
}

export const exampleNames = [
  "classifier",
  "forecaster",
  "translator",
  "streaming",
  "from-pytorch",
  "pairs",
  "writer",
  "resume",
] as const;
export type ExampleName = (typeof exampleNames)[number];

export const words: Readonly<Record<Language, Words>> = {
  en: {
    title: "Examples",
    lead: "Small programs, each for one use of recurrent networks, as they stand in demo/examples. They train in this page, on data that they make up; nothing leaves it.",
    language: "Language",
    run: "Run",
    stop: "Stop",
    running: "Running…",
    done: "Done in {seconds} seconds.",
    stopped: "Stopped.",
    failed: "It failed: {reason}",
    source: "Program",
    back: "All pages",
    examples: {
      classifier: [
        "Classifier",
        "Sentences of several lengths, one class each: many to one, with early stopping and accuracy.",
      ],
      forecaster: ["Forecaster", "The next six values of a series, with an interval of 80 %, by a quantile loss."],
      translator: [
        "Translator",
        "Dates in words to dates in digits: an encoder, a decoder, and attention between them.",
      ],
      streaming: [
        "Streaming",
        "A sensor's readings, step by step, of four machines at once: a session keeps their states.",
      ],
      "from-pytorch": [
        "From PyTorch",
        "Weights of a PyTorch model, compared with its own outputs, trained further and saved.",
      ],
      pairs: ["Pairs", "Tracks drawn by one hand find each other: a convolution, a GRU and a contrastive loss."],
      writer: ["Writer", "A language model of words: it writes, and finishes a sentence in the likeliest ways."],
      resume: ["Resume", "A training that is saved and resumed, with losses that go on bit for bit."],
    },
  },
  ko: {
    title: "예제",
    lead: "순환 신경망의 쓰임새를 하나씩 보여 주는 작은 프로그램들로, demo/examples에 있는 그대로입니다. 스스로 만든 데이터로 이 페이지 안에서 학습하며, 아무것도 밖으로 나가지 않습니다.",
    language: "언어",
    run: "실행",
    stop: "중지",
    running: "실행 중…",
    done: "{seconds}초 만에 끝났습니다.",
    stopped: "중지했습니다.",
    failed: "실패했습니다: {reason}",
    source: "프로그램",
    back: "모든 페이지",
    examples: {
      classifier: ["분류기", "길이가 서로 다른 문장마다 클래스 하나: 다대일, 조기 종료와 정확도."],
      forecaster: ["예측기", "시계열의 다음 여섯 값과 80 % 구간을 분위수 손실로 예측합니다."],
      translator: ["번역기", "말로 쓴 날짜를 숫자로: 인코더와 디코더, 그 사이의 어텐션."],
      streaming: ["스트리밍", "기계 네 대의 센서 값을 한 단계씩 읽으며, 세션이 상태를 간직합니다."],
      "from-pytorch": ["PyTorch에서", "PyTorch 모델의 가중치를 가져와 출력을 견주고, 더 학습해 저장합니다."],
      pairs: ["짝 찾기", "한 손이 그린 궤적끼리 서로 찾습니다: 합성곱, GRU, 대조 손실."],
      writer: ["글쓰기", "단어 언어 모델: 글을 쓰고, 문장을 가장 그럴듯하게 끝맺습니다."],
      resume: ["이어서 학습", "저장했다가 이어서 한 학습의 손실이 비트까지 똑같이 이어집니다."],
    },
  },
};
