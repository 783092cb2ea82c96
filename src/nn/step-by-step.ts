import { OptionError } from "../errors.ts";
import { where } from "../graph/functions/arithmetic.ts";
import { noiseSeed } from "../graph/noise.ts";
import { concat, reshape, slice } from "../graph/ops/layout.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Module } from "./module.ts";
import { type LayerResult, type States, type StepwiseLayer, withStepRunner } from "./step-runner.ts";

/** One step of one layer, as {@link stepByStep} shows it. B batch, I input, H hidden (P with a projection). */
export interface LayerStep {
  /** The module: an RNN, LSTM, GRU or another `Recurrent`. */
  readonly module: Module;
  /** Which of its layers, from 0 on. */
  readonly layer: number;
  /** From 0 to steps - 1. */
  readonly step: number;
  readonly steps: number;
  /** What the layer reads: `[1,B,I]`, or i32 tokens `[1,B]`. */
  readonly x: Tensor;
  /** The states before, by name, `[1,B,H]`; undefined where they are zeros: in a first step. */
  readonly before: States | undefined;
  /** The states after. */
  readonly states: States;
}

/** Sees a step; states that it returns take the place of those after, for all that reads them. */
// A function that only looks returns nothing.
// biome-ignore lint/suspicious/noConfusingVoidType: so that it need not say so
export type OnStep = (step: LayerStep) => States | void;

/**
 * Traces with the steps of recurrent layers one by one, each an op of its own, so that the states of every step are tensors that
 * can be kept or changed: what a forward hook on a cell is in PyTorch. Slower than the layers as they are, and the same numbers.
 * Layers run in one direction, forwards, and without noise.
 *
 *     const hidden: Tensor[] = [];
 *     stepByStep(({ states }) => void hidden.push(states.h!), () => model.forward(x));
 *
 * @param onStep is called in the order of layers, and of steps within a layer
 * @param trace calls a model, within `runtime.compile`'s forward
 * @returns what `trace` returns
 * @throws OptionError for a layer that runs from the end, and in training
 */
export function stepByStep<R>(onStep: OnStep, trace: () => R): R {
  return withStepRunner((...layer) => runStepByStep(onStep, ...layer), trace);
}

/**
 * A layer, step by step.
 * @param run the layer on a part of its steps
 * @param mask i32 `[T,B]`
 * @throws OptionError as {@link stepByStep}
 */
function runStepByStep(
  onStep: OnStep,
  { module, layer, fromEnd, maskedOutput }: StepwiseLayer,
  { x, mask }: { readonly x: Tensor; readonly mask: Tensor | undefined },
  start: States | undefined,
  run: (x: Tensor, states: States | undefined, mask: Tensor | undefined) => LayerResult,
): LayerResult {
  if (fromEnd)
    throw new OptionError(
      `${module.title}: it runs from the end (bidirectional or goBackwards), and steps are seen one by one in one direction, forwards; look into a layer of one direction`,
    );
  if (noiseSeed())
    throw new OptionError(`${module.title}: steps are seen one by one without noise; leave out \`training\``);
  const [steps] = x.shape as [number];
  const outputs: Tensor[] = [];
  let before = start;
  for (let step = 0; step < steps; step++) {
    const input = slice(x, step, 1);
    const real = mask && slice(mask, step, 1);
    const { y, states } = run(input, before, real);
    const changed = onStep({ module, layer, step, steps, x: input, before, states });
    const after: States = { ...states, ...changed };
    const h = after[Object.keys(states)[0]!]!;
    const masked = real && maskedOutput === "zero" && reshape(real, [1, real.size, 1]);
    outputs.push(changed === undefined ? y : masked ? where(masked, h, y) : h);
    before = after;
  }
  return { y: concat(outputs), states: before! };
}
