import type { Dispatch, Target, View } from "../plan/plan.ts";
import { normFinishWgsl } from "../shaders/norm-finish.generated.ts";
import { normPartialWgsl } from "../shaders/norm-partial.generated.ts";
import { defineKernel, dispatch, f32, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** A gradient clipped by value; NaN and infinities stay what they are, so that the norm shows them. */
export const clippedByValue = (g: number, limit: number): number =>
  Number.isFinite(g) ? Math.max(-limit, Math.min(limit, g)) : g;

/** Stands for "no clipping by value": the largest f32. */
export const NO_CLIP_VALUE = 3.4e38;

/** Sums of squares of the gradient, one for each workgroup. The twin deals them out one by one. */
export const normPartial = defineKernel({
  shader: normPartialWgsl,
  bindings: [read("gradient", "f32", "[P]"), readWrite("partial", "f32", "[groups]")],
  params: [...u32("P", "groups"), ...f32("clipValue")],
  variants: [{}],
  twin({ gradient, partial }, { P, groups, clipValue }) {
    partial.fill(0, 0, groups);
    for (let i = 0; i < P; i++) partial[i % groups]! += clippedByValue(gradient[i]!, clipValue) ** 2;
  },
});

/** The global norm and the factor that clips it. */
export const normFinish = defineKernel({
  shader: normFinishWgsl,
  bindings: [read("partial", "f32", "[N]"), readWrite("norm", "f32", "[2]")],
  params: [...u32("N"), ...f32("clipNorm")],
  variants: [{}],
  twin({ partial, norm }, { N, clipNorm }) {
    let sum = 0;
    for (let i = 0; i < N; i++) sum += partial[i]!;
    norm[0] = Math.sqrt(sum);
    norm[1] = clipNorm > 0 ? Math.min(1, clipNorm / (norm[0] + 1e-6)) : 1;
  },
});

/** How many partial sums a gradient of P numbers makes. */
export const normGroups = (P: number, target: Target): number =>
  gridFor(P, 1024, Math.min(64, target.maxWorkgroups))[0];

export const partialNorm = (
  target: Target,
  sizes: { P: number; clipValue: number | undefined },
  views: { gradient: View; partial: View },
): Dispatch =>
  dispatch(normPartial, {
    label: "gradient norm",
    views,
    params: { P: sizes.P, groups: normGroups(sizes.P, target), clipValue: sizes.clipValue ?? NO_CLIP_VALUE },
    grid: [normGroups(sizes.P, target), 1, 1],
  });

export const finishNorm = (
  sizes: { N: number; clipNorm: number | undefined },
  views: { partial: View; norm: View },
): Dispatch =>
  dispatch(normFinish, {
    label: "gradient norm finish",
    views,
    params: { N: sizes.N, clipNorm: sizes.clipNorm ?? 0 },
    grid: [1, 1, 1],
  });
