import type { Dispatch, Target, View } from "../plan/plan.ts";
import { pointwiseLossWgsl } from "../shaders/pointwise-loss.generated.ts";
import { defineKernel, dispatch, f32, gridFor, NAN_BITS, read, readWrite, u32 } from "./kernel.ts";

/** What one number costs against another; the shader knows them by their places here. */
export const pointwiseKinds = ["square", "absolute", "huber", "bceWithLogits"] as const;
export type PointwiseKind = (typeof pointwiseKinds)[number];

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
    params: { ...sizes, kind: pointwiseKinds.indexOf(sizes.kind), ...flags, nan: NAN_BITS },
    grid: gridFor(sizes.N, 64, target.maxWorkgroups),
  });
}
