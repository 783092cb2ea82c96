import type { Dispatch, Target, View } from "../plan/plan.ts";
import { poolWgsl } from "../shaders/pool.generated.ts";
import { poolBackwardWgsl } from "../shaders/pool-backward.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

const kinds = {
  mean: { MEAN: true, MAX: false },
  max: { MEAN: false, MAX: true },
  last: { MEAN: false, MAX: false },
} as const;
export type PoolKind = keyof typeof kinds;

/** One row of numbers for each sequence, from its real steps. */
export const poolKernel = defineKernel({
  shader: poolWgsl,
  bindings: [
    read("x", "f32", "[T,B,C]"),
    read("mask", "i32", "[T,B]"),
    readWrite("y", "f32", "[B,C]"),
    readWrite("note", "i32", "[B,C]"),
  ],
  params: u32("T", "B", "C", "hasMask"),
  variants: Object.values(kinds),
  twin({ x, mask, y, note }, { T, B, C, hasMask }, { constants: { MEAN, MAX } }) {
    for (let b = 0; b < B; b++) {
      const real = Array.from({ length: T }, (_, t) => t).filter((t) => !hasMask || mask[t * B + b] !== 0);
      for (let c = 0; c < C; c++) {
        const of = (t: number) => x[(t * B + b) * C + c]!;
        const largest = () =>
          real.find((t) => Number.isNaN(of(t))) ?? real.find((t) => real.every((s) => of(t) >= of(s)));
        const taken = MAX ? largest() : real.at(-1);
        const mean = real.reduce((sum, t) => sum + of(t), 0) / Math.max(real.length, 1);
        y[b * C + c] = MEAN ? mean : taken === undefined ? 0 : of(taken);
        note[b * C + c] = MEAN ? real.length : (taken ?? -1);
      }
    }
  },
});

/** Its gradient. */
export const poolBackward = defineKernel({
  shader: poolBackwardWgsl,
  bindings: [
    read("mask", "i32", "[T,B]"),
    read("note", "i32", "[B,C]"),
    read("outputGradient", "f32", "[B,C]"),
    readWrite("gradient", "f32", "[T,B,C]"),
  ],
  params: u32("T", "B", "C", "hasMask", "accumulate"),
  variants: [{ MEAN: true }, { MEAN: false }],
  twin({ mask, note, outputGradient, gradient }, { T, B, C, hasMask, accumulate }, { constants: { MEAN } }) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < B * C; i++) {
        const real = !hasMask || mask[t * B + Math.floor(i / C)] !== 0;
        const share = MEAN ? (real ? 1 / Math.max(note[i]!, 1) : 0) : note[i] === t ? 1 : 0;
        const at = t * B * C + i;
        gradient[at] = share * outputGradient[i]! + (accumulate ? gradient[at]! : 0);
      }
    }
  },
});

interface Sizes {
  readonly T: number;
  readonly B: number;
  readonly C: number;
}

/** `note` is i32 `[B,C]`; the gradient reads it. */
export const pool = (
  target: Target,
  label: string,
  kind: PoolKind,
  { T, B, C }: Sizes,
  { mask, ...views }: { x: View; mask: View | undefined; y: View; note: View },
): Dispatch =>
  dispatch(poolKernel, {
    label,
    views: { ...views, mask: mask ?? views.x },
    params: { T, B, C, hasMask: mask ? 1 : 0 },
    constants: kinds[kind],
    grid: gridFor(B * C, 64, target.maxWorkgroups),
  });

export const poolGradient = (
  target: Target,
  label: string,
  kind: PoolKind,
  { T, B, C, accumulate }: Sizes & { readonly accumulate: boolean },
  { mask, ...views }: { mask: View | undefined; note: View; outputGradient: View; gradient: View },
): Dispatch =>
  dispatch(poolBackward, {
    label,
    views: { ...views, mask: mask ?? views.note },
    params: { T, B, C, hasMask: mask ? 1 : 0, accumulate: accumulate ? 1 : 0 },
    constants: { MEAN: kinds[kind].MEAN },
    grid: gridFor(T * B * C, 64, target.maxWorkgroups),
  });
