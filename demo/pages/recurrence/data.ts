/** What the page learns from, and where it begins. */
import { RandomStream } from "webgpu-rnn";

export type Activation = "tanh" | "sigmoid" | "relu";

/** Row by row: U [2,I], W [2,2], b [2], V [2,2]. */
export interface Weights {
  readonly U: readonly number[];
  readonly W: readonly number[];
  readonly b: readonly number[];
  readonly V: readonly number[];
}

export interface Sequence {
  readonly x: readonly number[];
  /** The class: 1 where the first number is positive, else 0. */
  readonly label: number;
}

export const sequenceOf = (x: readonly number[]): Sequence => ({ x, label: Number(x[0]! > 0) });

/** All sequences of three signs: the first one says the class, those after it say nothing. */
export const sequences: readonly Sequence[] = Array.from({ length: 8 }, (_, i) =>
  sequenceOf([4, 2, 1].map((bit) => (i & bit ? -1 : 1))),
);

/** Uniform in ±1; b is 0. */
export function firstWeights(seed: number, inputSize: number): Weights {
  const draw = (name: string, count: number) => {
    const random = new RandomStream(seed, name);
    return Array.from({ length: count }, () => 2 * random.next() - 1);
  };
  return { U: draw("U", 2 * inputSize), W: draw("W", 4), b: [0, 0], V: draw("V", 4) };
}

export function softmax(z: readonly number[]): number[] {
  const most = Math.max(...z);
  const powers = z.map((one) => Math.exp(one - most));
  return powers.map((one) => one / powers.reduce((sum, other) => sum + other, 0));
}

/** The mean loss over all eight, from the probabilities of both classes. */
export const lossOf = (judged: readonly (readonly number[])[]): number =>
  sequences.reduce((sum, { label }, n) => sum - Math.log(judged[n]![label]!), 0) / sequences.length;
