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

/** Whether number p at place i goes before number q at place j. */
function isBefore(p: number, i: number, q: number, j: number, smallest: boolean): boolean {
  if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) && (!Number.isNaN(q) || i < j);
  if (p === q) return i < j;
  return smallest ? p < q : p > q;
}

/** The largest numbers of every row, or the smallest, and where they stand. */
export const topK = defineKernel({
  shader: topKWgsl,
  bindings: [read("x", "f32", "[A,R,C]"), readWrite("y", "f32", "[A,K,C]"), readWrite("index", "i32", "[A,K,C]")],
  params: u32("A", "R", "C", "K"),
  variants: [{ SMALLEST: false }, { SMALLEST: true }],
  twin({ x, y, index }, { A, R, C, K }, { constants: { SMALLEST } }) {
    for (let a = 0; a < A; a++) {
      for (let c = 0; c < C; c++) {
        const of = (r: number) => x[(a * R + r) * C + c]!;
        const order = Array.from({ length: R }, (_, r) => r);
        order.sort((r, s) => (isBefore(of(r), r, of(s), s, SMALLEST === true) ? -1 : 1));
        for (let k = 0; k < K; k++) {
          y[(a * K + k) * C + c] = of(order[k]!);
          index[(a * K + k) * C + c] = order[k]!;
        }
      }
    }
  },
});

/** Entries of an axis by number. */
export const gather = defineKernel({
  shader: gatherWgsl,
  bindings: [read("x", "u32", "[A,R,C]"), read("index", "i32", "[A,K,C]"), readWrite("y", "u32", "[A,K,C]")],
  params: u32("A", "R", "C", "K"),
  variants: [{}],
  twin({ x, index, y }, { A, R, C, K }) {
    for (let i = 0; i < A * K * C; i++) {
      const a = Math.floor(i / (K * C));
      const r = index[i]!;
      const missing = y instanceof Int32Array ? 0x7fc00000 : Number.NaN;
      y[i] = r >= 0 && r < R ? x[(a * R + r) * C + (i % C)]! : missing;
    }
  },
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
  twin({ index, outputGradient, gradient }, { A, R, C, K, accumulate }) {
    if (!accumulate) gradient.fill(0, 0, A * R * C);
    for (let i = 0; i < A * K * C; i++) {
      const a = Math.floor(i / (K * C));
      const r = index[i]!;
      if (r >= 0 && r < R) gradient[(a * R + r) * C + (i % C)]! += outputGradient[i]!;
    }
  },
});

/** Sums of everything up to each entry of an axis. */
export const cumulativeSum = defineKernel({
  shader: cumulativeSumWgsl,
  bindings: [read("x", "f32", "[A,R,C]"), readWrite("y", "f32", "[A,R,C]")],
  params: u32("A", "R", "C", "reverse", "accumulate"),
  variants: [{}],
  twin({ x, y }, { A, R, C, reverse, accumulate }) {
    for (let a = 0; a < A; a++) {
      for (let c = 0; c < C; c++) {
        let sum = 0;
        for (let s = 0; s < R; s++) {
          const at = (a * R + (reverse ? R - 1 - s : s)) * C + c;
          sum += x[at]!;
          y[at] = sum + (accumulate ? y[at]! : 0);
        }
      }
    }
  },
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
