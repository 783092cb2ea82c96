import type { Expression } from "../plan/expression.ts";
import { mathsOf } from "./expression.ts";

// How an expression is computed on the CPU.

type Numbers = Float64Array | Int32Array;

/** Where the numbers of an expression come from, on the CPU. */
export interface Inputs {
  readonly x: readonly Numbers[];
  /** Lengths of the axes of the index space but the first. */
  readonly n: readonly [number, number, number];
  /** By input, then by axis. */
  readonly strides: readonly (readonly number[])[];
}

/** Indices that are computed together: operations then run over whole arrays, not over one number after the other. */
const BLOCK = 512;

/** Computes an expression in float64 for the indices 0 to `count - 1`, and hands the results on block by block. */
export function evaluate(
  expression: Expression,
  { x, n, strides }: Inputs,
  count: number,
  accept: (from: number, results: Float64Array, length: number) => void,
): void {
  const results = expression.map((value) => {
    const array = new Float64Array(BLOCK);
    return "constant" in value ? array.fill(value.constant) : array;
  });
  const [n1, n2, n3] = n;
  const steps = expression.map((value, i): ((from: number, length: number) => void) => {
    const y = results[i]!;
    if ("constant" in value) return () => {};
    if ("load" in value) {
      const source = x[value.load]!;
      if (value.by === "all") return (from, length) => y.set(source.subarray(from, from + length));
      if (value.by === "one") return () => y.fill(source[0]!);
      const [s0, s1, s2, s3] = strides[value.load] as [number, number, number, number];
      return (from, length) => {
        for (let k = 0; k < length; k++) {
          const at = from + k;
          const rest = Math.floor(at / n3);
          const outer = Math.floor(rest / n2);
          y[k] = source[Math.floor(outer / n1) * s0 + (outer % n1) * s1 + (rest % n2) * s2 + (at % n3) * s3]!;
        }
      };
    }
    const { f } = mathsOf(expression, value);
    const [a, b, c] = value.to.map((to) => results[to]!) as [Float64Array, Float64Array?, Float64Array?];
    if (c) {
      return (_, length) => {
        for (let k = 0; k < length; k++) y[k] = f(a[k]!, b![k]!, c[k]!);
      };
    }
    if (b) {
      return (_, length) => {
        for (let k = 0; k < length; k++) y[k] = f(a[k]!, b[k]!, 0);
      };
    }
    return (_, length) => {
      for (let k = 0; k < length; k++) y[k] = f(a[k]!, 0, 0);
    };
  });
  for (let from = 0; from < count; from += BLOCK) {
    const length = Math.min(BLOCK, count - from);
    for (const step of steps) step(from, length);
    accept(from, results.at(-1)!, length);
  }
}
