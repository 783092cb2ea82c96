import { sigmoid } from "../cells/activations.ts";
import type { Dispatch, Target, View } from "../plan/plan.ts";
import { defineKernel, dispatch, f32, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** The normal distribution function by Marsaglia's series, "Evaluating the Normal Distribution", J. Stat. Software 11(4), 2004. */
function normalBelow(x: number): number {
  if (!(Math.abs(x) <= 9)) return x > 0 ? 1 : x < 0 ? 0 : Number.NaN;
  let sum = 0;
  let term = x;
  for (let n = 3; sum + term !== sum; n += 2) {
    sum += term;
    term *= (x * x) / n;
  }
  return 0.5 + sum * normalDensity(x);
}

const normalDensity = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/** What the kernel can do with a number of `a` and one of `b`; the gradients take b as the gradient of the result. */
const operations = {
  sigmoid: (a: number) => sigmoid(a),
  tanh: (a: number) => Math.tanh(a),
  relu: (a: number) => Math.max(a, 0),
  gelu: (a: number) => a * normalBelow(a),
  // a is the activation's result
  sigmoidGradient: (a: number, b: number) => b * a * (1 - a),
  tanhGradient: (a: number, b: number) => b * (1 - a * a),
  reluGradient: (a: number, b: number) => (a > 0 ? b : 0),
  // a is the activation's input
  geluGradient: (a: number, b: number) => b * (normalBelow(a) + a * normalDensity(a)),
  weightedSum: (a: number, b: number, alpha: number, beta: number) => alpha * a + beta * b,
  product: (a: number, b: number) => a * b,
};
export type Operation = keyof typeof operations;
const names = Object.keys(operations) as Operation[];

/** One number from one or two, everywhere. */
export const pointwiseKernel = defineKernel({
  name: "pointwise",
  bindings: [read("a", "f32", "[N]"), read("b", "f32", "[period]"), readWrite("y", "f32", "[N]")],
  params: [...u32("N", "period", "accumulate"), ...f32("alpha", "beta")],
  variants: names.map((_, OPERATION) => ({ OPERATION })),
  twin({ a, b, y }, { N, period, accumulate, alpha, beta }, { constants }) {
    const operation = operations[names[Number(constants.OPERATION)]!];
    for (let i = 0; i < N; i++) {
      y[i] = operation(a[i]!, b[i % period]!, alpha, beta) + (accumulate ? y[i]! : 0);
    }
  },
});

/** `y[i] = operation(a[i], b[i])`; a shorter b is repeated. */
export const pointwise = (
  target: Target,
  label: string,
  call: {
    readonly operation: Operation;
    /** Length of a and y. */
    readonly N: number;
    /** Length of b; default N. */
    readonly period?: number;
    /** Factors of `weightedSum`; default 1. */
    readonly alpha?: number;
    readonly beta?: number;
    /** Add to what is there; default false. */
    readonly accumulate?: boolean;
  },
  { a, b, y }: { a: View; b?: View; y: View },
): Dispatch =>
  dispatch(pointwiseKernel, {
    label,
    views: { a, b: b ?? a, y },
    params: {
      N: call.N,
      period: call.period ?? call.N,
      accumulate: call.accumulate ? 1 : 0,
      alpha: call.alpha ?? 1,
      beta: call.beta ?? 1,
    },
    constants: { OPERATION: names.indexOf(call.operation) },
    grid: gridFor(call.N, 64, target.maxWorkgroups),
  });
