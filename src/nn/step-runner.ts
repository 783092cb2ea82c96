import type { Tensor } from "../graph/tensor.ts";
import type { Module } from "./module.ts";

// How a layer's steps are run, apart from what runs them one by one: who never looks at steps does not load that.

/** States of one layer by name, each `[D,B,H]`. */
export type States = Readonly<Record<string, Tensor>>;

/** What a layer makes of some steps: `y [T,B,P]`, and the states after them. */
export interface LayerResult {
  readonly y: Tensor;
  readonly states: States;
}

export interface StepwiseLayer {
  readonly module: Module;
  readonly layer: number;
  readonly fromEnd: boolean;
  /** What the layer puts out in steps that its mask passes over. */
  readonly maskedOutput: "zero" | "hold";
}

/**
 * Runs a layer in another way than all steps at once.
 * @param run the layer on a part of its steps
 */
export type StepRunner = (
  layer: StepwiseLayer,
  inputs: { readonly x: Tensor; readonly mask: Tensor | undefined },
  start: States | undefined,
  run: (x: Tensor, states: States | undefined, mask: Tensor | undefined) => LayerResult,
) => LayerResult;

let current: StepRunner | undefined;

/** What runs layers now; undefined where they run as they are. */
export const stepRunner = (): StepRunner | undefined => current;

/** Traces with layers run by `runner`. */
export function withStepRunner<R>(runner: StepRunner, trace: () => R): R {
  const outer = current;
  current = runner;
  try {
    return trace();
  } finally {
    current = outer;
  }
}
