import type { Dispatch, View } from "../plan/plan.ts";
import { crossEntropyCountWgsl } from "../shaders/cross-entropy-count.generated.ts";
import { crossEntropyMeanWgsl } from "../shaders/cross-entropy-mean.generated.ts";
import { defineKernel, dispatch, i32, read, readWrite, u32 } from "./kernel.ts";

// What all losses take their mean with.

/** Counts the targets that are neither ignored nor masked, each as often as its class weighs. */
export const crossEntropyCount = defineKernel({
  shader: crossEntropyCountWgsl,
  bindings: [
    read("targets", "i32", "[N]"),
    read("weight", "f32", "[V]"),
    read("mask", "i32", "[N]"),
    readWrite("count", "f32", "[1]"),
  ],
  params: [...u32("N"), ...i32("ignoreIndex"), ...u32("hasWeight", "hasMask")],
  variants: [{}],
  twin({ targets, weight, mask, count }, { N, ignoreIndex, hasWeight, hasMask }) {
    let n = 0;
    for (let i = 0; i < N; i++) {
      if (targets[i] === ignoreIndex || (hasMask && mask[i] === 0)) continue;
      n += hasWeight ? weight[targets[i]!]! : 1;
    }
    count[0] = n;
  },
});

/** Mean of the rows' losses over what counts; 0 where nothing does. */
export const crossEntropyMean = defineKernel({
  shader: crossEntropyMeanWgsl,
  bindings: [read("rowLoss", "f32", "[N]"), read("count", "f32", "[1]"), readWrite("loss", "f32", "[1]")],
  params: u32("N"),
  variants: [{}],
  twin({ rowLoss, count, loss }, { N }) {
    let sum = 0;
    for (let n = 0; n < N; n++) sum += rowLoss[n]!;
    loss[0] = sum / (count[0] || 1);
  },
});

/** How many targets there are, those with `ignoreIndex` or a mask of 0 left out, weighted by class. */
export const countTargets = (
  label: string,
  { N, ignoreIndex }: { readonly N: number; readonly ignoreIndex: number },
  views: { targets: View; weight: View | undefined; mask: View | undefined; count: View; unused: View },
): Dispatch =>
  dispatch(crossEntropyCount, {
    label,
    views: {
      targets: views.targets,
      weight: views.weight ?? views.unused,
      mask: views.mask ?? views.targets,
      count: views.count,
    },
    params: {
      N,
      ignoreIndex,
      hasWeight: Number(views.weight !== undefined),
      hasMask: Number(views.mask !== undefined),
    },
    grid: [1, 1, 1],
  });

/** Adds up the losses of N rows and divides by what counts. */
export const meanOfRows = (label: string, N: number, views: { rowLoss: View; count: View; loss: View }): Dispatch =>
  dispatch(crossEntropyMean, { label: `${label} mean`, views, params: { N }, grid: [1, 1, 1] });
