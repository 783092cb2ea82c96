import type { Dispatch, Target, View } from "../plan/plan.ts";
import { cumulativeSumWgsl } from "../shaders/cumulative-sum.generated.ts";
import { gatherWgsl } from "../shaders/gather.generated.ts";
import { gatherBackwardWgsl } from "../shaders/gather-backward.generated.ts";
import { topKWgsl } from "../shaders/top-k.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

// Kernels that work along one axis of a tensor, seen as [A,R,C]: the axis has R entries, C numbers apart.

/** A tensor seen along one of its axes. */
export interface Rows {
  readonly A: number;
  readonly R: number;
  readonly C: number;
}

/** The largest numbers of every row, or the smallest, and where they stand. */
export const topK = defineKernel({
  shader: topKWgsl,
  bindings: [read("x", "f32", "[A,R,C]"), readWrite("y", "f32", "[A,K,C]"), readWrite("index", "i32", "[A,K,C]")],
  params: u32("A", "R", "C", "K"),
  variants: [{ SMALLEST: false }, { SMALLEST: true }],
});

/** Entries of an axis by number. */
export const gather = defineKernel({
  shader: gatherWgsl,
  bindings: [read("x", "u32", "[A,R,C]"), read("index", "i32", "[A,K,C]"), readWrite("y", "u32", "[A,K,C]")],
  params: u32("A", "R", "C", "K"),
  variants: [{}],
});

/** Its gradient. */
export const gatherBackward = defineKernel({
  shader: gatherBackwardWgsl,
  bindings: [
    read("index", "i32", "[A,K,C]"),
    read("outputGradient", "f32", "[A,K,C]"),
    readWrite("gradient", "f32", "[A,R,C]"),
  ],
  params: u32("A", "R", "C", "K", "accumulate"),
  variants: [{}],
});

/** Sums of everything up to each entry of an axis. */
export const cumulativeSum = defineKernel({
  shader: cumulativeSumWgsl,
  bindings: [read("x", "f32", "[A,R,C]"), readWrite("y", "f32", "[A,R,C]")],
  params: u32("A", "R", "C", "reverse", "accumulate"),
  variants: [{}],
});

export const takeTopK = (
  target: Target,
  label: string,
  { A, R, C, K, smallest }: Rows & { readonly K: number; readonly smallest: boolean },
  views: { x: View; y: View; index: View },
): Dispatch =>
  dispatch(topK, {
    label,
    views,
    params: { A, R, C, K },
    constants: { SMALLEST: smallest },
    grid: gridFor(A * C, 64, target.maxWorkgroups),
  });

export const gatherAlong = (
  target: Target,
  label: string,
  { A, R, C, K }: Rows & { readonly K: number },
  views: { x: View; index: View; y: View },
): Dispatch =>
  dispatch(gather, { label, views, params: { A, R, C, K }, grid: gridFor(A * K * C, 64, target.maxWorkgroups) });

export const gatherGradient = (
  target: Target,
  label: string,
  { A, R, C, K, accumulate }: Rows & { readonly K: number; readonly accumulate: boolean },
  views: { index: View; outputGradient: View; gradient: View },
): Dispatch =>
  dispatch(gatherBackward, {
    label,
    views,
    params: { A, R, C, K, accumulate: accumulate ? 1 : 0 },
    grid: gridFor(A * R * C, 64, target.maxWorkgroups),
  });

export const sumCumulatively = (
  target: Target,
  label: string,
  { A, R, C, reverse, accumulate }: Rows & { readonly reverse: boolean; readonly accumulate: boolean },
  views: { x: View; y: View },
): Dispatch =>
  dispatch(cumulativeSum, {
    label,
    views,
    params: { A, R, C, reverse: reverse ? 1 : 0, accumulate: accumulate ? 1 : 0 },
    grid: gridFor(A * C, 64, target.maxWorkgroups),
  });
