/** Where a network begins, and how good it is; for the worker, which has the library. */
import { RandomStream } from "webgpu-rnn";
import { sequences, type Weights } from "./data.ts";

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
