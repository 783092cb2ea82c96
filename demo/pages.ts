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
];
