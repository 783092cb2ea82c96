import type { Dispatch, Target, View } from "../plan/plan.ts";
import { holdRowsWgsl } from "../shaders/hold-rows.generated.ts";
import { maskRowsWgsl } from "../shaders/mask-rows.generated.ts";
import { sequenceMaskWgsl } from "../shaders/sequence-mask.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** Which steps are real: those before a sequence's length, where a given mask is not 0. */
export const sequenceMask = defineKernel({
  shader: sequenceMaskWgsl,
  bindings: [
    read("lengths", "i32", "[B]"),
    read("given", "i32", "[T,B] by strides"),
    readWrite("mask", "i32", "[T,B]"),
  ],
  params: u32("T", "B", "hasLengths", "hasGiven", "givenT", "givenB"),
  variants: [{}],
});

/** Rows, or zero where the mask is. */
export const maskRows = defineKernel({
  shader: maskRowsWgsl,
  bindings: [read("x", "f32", "[N,C]"), read("mask", "i32", "[N]"), readWrite("y", "f32", "[N,C]")],
  params: u32("N", "C", "accumulate"),
  variants: [{}],
});

/** The new state of active streams, the old one of the others. */
export const holdRows = defineKernel({
  shader: holdRowsWgsl,
  bindings: [
    read("x", "f32", "[N,B,C]"),
    read("old", "f32", "[N,B,C]"),
    read("steps", "i32", "[B]"),
    readWrite("y", "f32", "[N,B,C]"),
  ],
  params: u32("N", "B", "C"),
  variants: [{}],
});

export const holdStates = (
  target: Target,
  label: string,
  sizes: { readonly N: number; readonly B: number; readonly C: number },
  views: { x: View; old: View; steps: View; y: View },
): Dispatch =>
  dispatch(holdRows, {
    label,
    views,
    params: sizes,
    grid: gridFor(sizes.N * sizes.B * sizes.C, 64, target.maxWorkgroups),
  });

/** The mask of lengths, of a given mask (`[B,T]` with batchFirst), or of both: real is what both call real. */
export function makeMask(
  target: Target,
  label: string,
  { T, B, batchFirst }: { readonly T: number; readonly B: number; readonly batchFirst: boolean },
  { lengths, given, mask }: { lengths: View | undefined; given: View | undefined; mask: View },
): Dispatch {
  const any = (lengths ?? given)!;
  return dispatch(sequenceMask, {
    label,
    views: { lengths: lengths ?? any, given: given ?? any, mask },
    params: {
      T,
      B,
      hasLengths: lengths ? 1 : 0,
      hasGiven: given ? 1 : 0,
      ...(batchFirst ? { givenT: 1, givenB: T } : { givenT: B, givenB: 1 }),
    },
    grid: gridFor(T * B, 64, target.maxWorkgroups),
  });
}

export const zeroRows = (
  target: Target,
  label: string,
  sizes: { readonly N: number; readonly C: number; readonly accumulate?: boolean },
  views: { x: View; mask: View; y: View },
): Dispatch =>
  dispatch(maskRows, {
    label,
    views,
    params: { N: sizes.N, C: sizes.C, accumulate: sizes.accumulate ? 1 : 0 },
    grid: gridFor(sizes.N * sizes.C, 64, target.maxWorkgroups),
  });
