import type { Dispatch, Target, View } from "../plan/plan.ts";
import { pointwiseLossWgsl } from "../shaders/pointwise-loss.generated.ts";
import { defineKernel, dispatch, f32, gridFor, NAN_BITS, read, readWrite, u32 } from "./kernel.ts";

/** What one number costs against another, and the slope by the first. */
type Formula = (x: number, y: number, options: { readonly delta: number; readonly weight: number }) => [number, number];

const formulas = {
  square: (x, y) => [(x - y) ** 2, 2 * (x - y)],
  absolute: (x, y) => [Math.abs(x - y), Math.sign(x - y)],
  huber(x, y, { delta }) {
    const d = x - y;
    const loss = Math.abs(d) < delta ? 0.5 * d * d : delta * (Math.abs(d) - 0.5 * delta);
    return [loss, Math.max(-delta, Math.min(delta, d))];
  },
  // -weight·y·log σ(x) - (1 - y)·log(1 - σ(x))
  bceWithLogits(x, y, { weight }) {
    const softplus = (v: number) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
    const sigmoid = Math.exp(-softplus(-x));
    return [weight * y * softplus(-x) + (1 - y) * softplus(x), (1 - y) * sigmoid - weight * y * (1 - sigmoid)];
  },
} as const satisfies Readonly<Record<string, Formula>>;

export type PointwiseKind = keyof typeof formulas;
const kinds = Object.keys(formulas) as readonly PointwiseKind[];

/** Losses of rows of numbers, and their gradient. */
export const pointwiseLoss = defineKernel({
  shader: pointwiseLossWgsl,
  bindings: [
    read("output", "f32", "[N,C]"),
    read("goal", "f32", "[N,C]"),
    read("posWeight", "f32", "[K]"),
    read("mask", "i32", "[N]"),
    read("count", "f32", "[1]"),
    readWrite("rowLoss", "f32", "[N]"),
    readWrite("gradient", "f32", "[N,C]"),
  ],
  params: [...u32("N", "C", "K", "kind"), ...f32("delta", "scale"), ...u32("hasMask", "hasGradient", "nan")],
  variants: [{}],
  twin({ output, goal, posWeight, mask, count, rowLoss, gradient }, params) {
    const { N, C, K, kind, delta, scale, hasMask, hasGradient } = params;
    const formula: Formula = formulas[kinds[kind]!];
    for (let n = 0; n < N; n++) {
      const used = !hasMask || mask[n] !== 0;
      let sum = 0;
      let bad = false;
      for (let i = n * C; i < (n + 1) * C; i++) {
        const [loss, slope] = formula(output[i]!, goal[i]!, { delta, weight: posWeight[i % K]! });
        sum += loss;
        bad ||= !Number.isFinite(output[i]!) || (used && !Number.isFinite(goal[i]!));
        if (hasGradient) gradient[i] = used ? (scale * slope) / (count[0] || 1) : 0;
      }
      rowLoss[n] = bad ? Number.NaN : used ? scale * sum : 0;
    }
  },
});

/** Losses of N rows of C numbers; without `gradient` no more than that. */
export function lossOfRows(
  target: Target,
  label: string,
  sizes: {
    readonly N: number;
    readonly C: number;
    readonly K: number;
    readonly kind: PointwiseKind;
    readonly delta: number;
    readonly scale: number;
  },
  views: {
    output: View;
    goal: View;
    posWeight: View;
    mask: View | undefined;
    count: View;
    rowLoss: View;
    gradient: View | undefined;
    unused: { f32: View; i32: View };
  },
): Dispatch {
  const { mask, gradient, unused, ...given } = views;
  const flags = { hasMask: Number(mask !== undefined), hasGradient: Number(gradient !== undefined) };
  return dispatch(pointwiseLoss, {
    label,
    views: { ...given, mask: mask ?? unused.i32, gradient: gradient ?? unused.f32 },
    params: { ...sizes, kind: kinds.indexOf(sizes.kind), ...flags, nan: NAN_BITS },
    grid: gridFor(sizes.N, 64, target.maxWorkgroups),
  });
}
