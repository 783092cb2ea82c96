/** What the page says of each gate and state, and its equation. */
import type { InBoth } from "../../shell/language.ts";
import type { Cell } from "./program.ts";

export interface Part {
  readonly name: string;
  readonly title: InBoth;
  readonly about: InBoth;
  /** Other parts are marked, so that the page can point at them. */
  readonly tex: string;
  /** From 0 to 1 by a sigmoid: it can be held. */
  readonly isGate: boolean;
}

const marked = (name: string, t = "t") => `\\htmlData{symbol=${name}}{${name}_{${t}}}`;
const before = "h_{t-1}";
const gate = (name: string) => `${marked(name)} = \\sigma(W_${name} x_t + R_${name} ${before} + b_${name})`;

const hidden: InBoth = [
  "The hidden state: what the next step and the answer read.",
  "은닉 상태. 다음 단계와 출력이 읽는 값입니다.",
];

export const partsOf: Readonly<Record<Cell, readonly Part[]>> = {
  lstm: [
    {
      name: "f",
      title: ["forget gate", "망각 게이트"],
      about: ["How much of the old memory c stays.", "예전 기억 c를 얼마나 남길지 정합니다."],
      tex: gate("f"),
      isGate: true,
    },
    {
      name: "i",
      title: ["input gate", "입력 게이트"],
      about: ["How much of the candidate g is written into c.", "후보 g를 기억 c에 얼마나 써넣을지 정합니다."],
      tex: gate("i"),
      isGate: true,
    },
    {
      name: "o",
      title: ["output gate", "출력 게이트"],
      about: ["How much of the memory c is shown as h.", "기억 c를 은닉 상태 h로 얼마나 내보낼지 정합니다."],
      tex: gate("o"),
      isGate: true,
    },
    {
      name: "g",
      title: ["candidate", "후보 값"],
      about: ["What could be written into c now.", "지금 c에 써넣을 수 있는 새 값입니다."],
      tex: `${marked("g")} = \\tanh(W_g x_t + R_g ${before} + b_g)`,
      isGate: false,
    },
    {
      name: "c",
      title: ["cell state", "셀 상태"],
      about: ["The memory: old content that stays, and new content.", "기억. 남긴 예전 값에 새 값을 더합니다."],
      tex: `${marked("c")} = ${marked("f")} \\odot ${marked("c", "t-1")} + ${marked("i")} \\odot ${marked("g")}`,
      isGate: false,
    },
    {
      name: "h",
      title: ["hidden state", "은닉 상태"],
      about: hidden,
      tex: `${marked("h")} = ${marked("o")} \\odot \\tanh(${marked("c")})`,
      isGate: false,
    },
  ],
  gru: [
    {
      name: "r",
      title: ["reset gate", "리셋 게이트"],
      about: ["How much of the old h the candidate n reads.", "후보 n이 예전 h를 얼마나 읽을지 정합니다."],
      tex: gate("r"),
      isGate: true,
    },
    {
      name: "z",
      title: ["update gate", "업데이트 게이트"],
      about: [
        "How much of the old h stays; the rest comes from n.",
        "예전 h를 얼마나 남길지 정합니다. 나머지는 n으로 채웁니다.",
      ],
      tex: gate("z"),
      isGate: true,
    },
    {
      name: "n",
      title: ["candidate", "후보 값"],
      about: ["What could become the new h.", "새 h가 될 수 있는 값입니다."],
      tex: `${marked("n")} = \\tanh(W_n x_t + b_n + ${marked("r")} \\odot (R_n ${marked("h", "t-1")} + b'_n))`,
      isGate: false,
    },
    {
      name: "h",
      title: ["hidden state", "은닉 상태"],
      about: hidden,
      tex: `${marked("h")} = (1 - ${marked("z")}) \\odot ${marked("n")} + ${marked("z")} \\odot ${marked("h", "t-1")}`,
      isGate: false,
    },
  ],
};
