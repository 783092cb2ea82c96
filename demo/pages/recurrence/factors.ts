/** The factors of the chain rule, one by one: the page's own arithmetic, which its test holds against the library's. */
import type { Activation, Weights } from "./data.ts";

/** What the worker says of one sequence. Steps lie one after the other, two units each. */
export interface Numbers {
  readonly x: readonly number[];
  readonly label: number;
  readonly weights: Weights;
  readonly a: readonly number[];
  readonly h: readonly number[];
  readonly z: readonly number[];
  readonly y: readonly number[];
  readonly loss: number;
  /** From the last step to the first. */
  readonly paths: readonly ({ readonly step: number } & Omit<Weights, "V">)[];
  readonly gradient: Weights;
}

export interface Factors {
  /** ∂E/∂z: y less 1 at the class. */
  readonly byZ: readonly number[];
  /** By step, from 1 on: ∂E/∂h_t, φ'(a_t), ∂E/∂a_t and ∂h_t/∂h_(t-1), row by row. */
  readonly steps: readonly {
    readonly byH: readonly number[];
    readonly slope: readonly number[];
    readonly byA: readonly number[];
    readonly jacobian: readonly number[];
  }[];
}

/** The derivative of an activation, told from its value. */
const slopes: Readonly<Record<Activation, (h: number) => number>> = {
  tanh: (h) => 1 - h * h,
  sigmoid: (h) => h * (1 - h),
  relu: (h) => Number(h > 0),
};

/** Rows of a 2×2 matrix, turned over, times a vector. */
const transposedTimes = ([a, b, c, d]: readonly number[], [x, y]: readonly number[]) => [
  a! * x! + c! * y!,
  b! * x! + d! * y!,
];

export function factorsOf({ weights: { W, V }, h, y, label }: Numbers, activation: Activation): Factors {
  const byZ = y.map((one, k) => one - Number(k === label));
  const steps: Factors["steps"][number][] = [];
  let byH = transposedTimes(V, byZ);
  for (let t = h.length / 2; t >= 1; t--) {
    const slope = stepOf(h, t).map(slopes[activation]);
    const byA = byH.map((one, i) => one * slope[i]!);
    steps.unshift({ byH, slope, byA, jacobian: W.map((one, i) => slope[Math.floor(i / 2)]! * one) });
    byH = transposedTimes(W, byA);
  }
  return { byZ, steps };
}

/** The two units of step t, from 1 on; those of h_0 are 0. */
export const stepOf = (values: readonly number[], t: number): readonly number[] =>
  t === 0 ? [0, 0] : values.slice(2 * t - 2, 2 * t);

/** What truncated back-propagation adds up: the paths of at most `cut` steps, back from step T. */
export const isCut = (step: number, T: number, cut: number): boolean => T - step >= cut;

/** A column times a row: what a use of a matrix adds to its gradient. */
export const outer = (column: readonly number[], row: readonly number[]): number[] =>
  column.flatMap((one) => row.map((other) => one * other));

/** The sum of the paths that are left. */
export function sumOf({ paths, gradient, x }: Numbers, cut: number): Weights {
  const kept = paths.filter(({ step }) => !isCut(step, x.length, cut));
  const sum = (name: "U" | "W" | "b") =>
    gradient[name].map((_, i) => kept.reduce((all, path) => all + path[name][i]!, 0));
  return { U: sum("U"), W: sum("W"), b: sum("b"), V: gradient.V };
}
