import { checkCount } from "../../index.ts";
import { checkLanguage, type DataOptions, makeRows, type TextDataOptions, takeTurns } from "./draw.ts";
import { withParticle } from "./korean.ts";

export interface AddingRow {
  /** For each step a number in [0, 1) and a marker, 1 or 0. */
  readonly values: [value: number, marker: number][];
  /** The sum of the two values whose marker is 1. */
  readonly target: number;
}

export interface AddingOptions extends DataOptions {
  /** Steps, at least 2. */
  readonly length: number;
}

/**
 * The adding problem: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, section 5.4, with
 * values and target as in Le, Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units",
 * arXiv:1504.00941, 2015. One marker is in the first half of the steps, one in the second. Who always says 1 has a mean
 * squared error of 1/6.
 *
 * @throws OptionError for an unknown option, or a count, seed or length out of range
 */
export function addingProblem(options: AddingOptions): AddingRow[] {
  const length = checkCount("addingProblem", "length", options?.length, 2);
  return makeRows("addingProblem", options, ["length"], (draw) => {
    const half = Math.floor(length / 2);
    const marked = [draw.below(half), half + draw.below(length - half)];
    const values = Array.from({ length }, (_, step): [number, number] => [
      draw.uniform(),
      Number(marked.includes(step)),
    ]);
    return { values, target: values[marked[0]!]![0] + values[marked[1]!]![0] };
  });
}

export interface CopyRow {
  /** `length + 2 * copied` tokens. */
  readonly input: number[];
  /** As many. */
  readonly target: number[];
}

export interface CopyMemoryOptions extends DataOptions {
  /** How many steps the tokens have to be kept, at least 1: T of the paper. */
  readonly length: number;
  /** How many different tokens there are to remember, default 8. */
  readonly symbols?: number;
  /** How many tokens are to remember, default 10. */
  readonly copied?: number;
}

/**
 * Copy memory: Arjovsky, Shah and Bengio, "Unitary Evolution Recurrent Neural Networks", ICML 2016, section 4.1. Tokens 0 to
 * `symbols - 1` are to remember, `symbols` is the blank and `symbols + 1` says "now". The input is the tokens to
 * remember, `length - 1` blanks, "now" and `copied` blanks; the target is `length + copied` blanks and the tokens.
 *
 * @throws OptionError for an unknown option, or a count, seed, length, symbols or copied out of range
 */
export function copyMemory(options: CopyMemoryOptions): CopyRow[] {
  const length = checkCount("copyMemory", "length", options?.length);
  const symbols = checkCount("copyMemory", "symbols", options?.symbols ?? 8, 1, 2 ** 20);
  const copied = checkCount("copyMemory", "copied", options?.copied ?? 10);
  const blanks = (n: number) => Array.from({ length: n }, () => symbols);
  return makeRows("copyMemory", options, ["length", "symbols", "copied"], (draw) => {
    const tokens = Array.from({ length: copied }, () => draw.below(symbols));
    return {
      input: [...tokens, ...blanks(length - 1), symbols + 1, ...blanks(copied)],
      target: [...blanks(length + copied), ...tokens],
    };
  });
}

export interface PronounRow {
  /** The last one is the blank, `___`. */
  readonly words: string[];
  /** What belongs into the blank: "he" or "she", "그는" or "그녀는". */
  readonly label: string;
}

export interface PronounOptions extends TextDataOptions {
  /** How many words stand between the person and the blank, at least 0. */
  readonly distance: number;
}

const people = {
  en: {
    he: ["David", "Paul", "Peter", "Thomas", "Henry", "my father", "the king", "her uncle"],
    she: ["Anna", "Laura", "Emma", "Julia", "Helen", "my mother", "the queen", "his aunt"],
  },
  ko: {
    그는: ["아버지", "할아버지", "삼촌", "아저씨", "왕", "왕자", "신랑", "오빠"],
    그녀는: ["어머니", "할머니", "이모", "아주머니", "왕비", "공주", "신부", "언니"],
  },
} as const;
/** Nobody is in these. */
const between = {
  en: [
    "{the|a} {street|garden|market} was {quiet|full|empty} and the {rain|wind|sun} {came|went} {early|late}",
    "there {was|is} {an old|a small|a dark} {house|bridge|tree} near the {river|road|station}",
    "the {train|bus|boat} {left|stopped} at {noon|night|ten} and {nothing|everything} {changed|moved} {then|there}",
  ],
  ko: [
    "{거리는|정원은|시장은} {조용했고|복잡했고|비어 있었고} {비가|바람이} {일찍|늦게} 왔다",
    "{강|길|역} 옆에 {오래된|작은|어두운} {집이|다리가|나무가} 있었다",
    "{기차가|버스가|배가} {정오에|밤에|열 시에} {떠났고|멈췄고} {모든 것이|아무것도} {그대로였다|달라지지 않았다}",
  ],
};

/**
 * A person, then `distance` words about nobody, then a blank that asks he or she: "Anna … the train left at noon . ___". In
 * Korean the person is one like 할머니 or 왕자, for names do not tell, and the blank 그는 or 그녀는. As many of each class.
 * The words between are sentences, of which the first is cut so that the distance is exact.
 *
 * @throws OptionError for an unknown option or language, or a count, seed or distance out of range
 */
export function pronounAtDistance(options: PronounOptions): PronounRow[] {
  const language = checkLanguage("pronounAtDistance", options?.language ?? "en");
  const distance = checkCount("pronounAtDistance", "distance", options?.distance, 0);
  const byLabel: Readonly<Record<string, readonly string[]>> = people[language];
  const nextLabel = takeTurns(Object.keys(byLabel));
  return makeRows("pronounAtDistance", options, ["language", "distance"], (draw) => {
    const label = nextLabel(draw);
    const person = draw.pick(byLabel[label]!);
    const words: string[] = [];
    while (words.length < distance) words.push(...draw.fill(draw.pick(between[language])).split(" "), ".");
    const start = language === "en" ? person : withParticle(person, "이/가");
    return { words: [...start.split(" "), ...words.slice(words.length - distance), "___"], label };
  });
}
