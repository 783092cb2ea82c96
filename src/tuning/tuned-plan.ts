import { OptionError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { loadCommands } from "../graph/commands.ts";
import { inputTensor, type Tensor } from "../graph/tensor.ts";
import { applyModel, leavesOf, type SequenceModel } from "../graph/trace.ts";
import { inputsOf } from "../infer/session-trace.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Plan, Target } from "../plan/plan.ts";
import type { TuneOptions } from "./tune-options.ts";

/**
 * The plan of a model's call or training step, for any target.
 * @throws OptionError for options that say neither or both; ShapeError for what the model cannot be given
 */
export async function planMaker(
  weights: Weights,
  { inputs, trainer, batch }: TuneOptions,
): Promise<(target: Target) => Promise<Plan>> {
  if ((inputs === undefined) === (trainer === undefined) || (trainer === undefined) !== (batch === undefined))
    throw new OptionError(
      "tune: expected either inputs, as for runtime.session ({ inputs: { x: [1, 8, 40] } }), or a trainer and a batch ({ trainer, batch: { T: 64, B: 32 } })",
    );
  if (trainer && !trainer.trains(weights.model))
    throw new OptionError(
      `tune: the trainer is one of another model than this ${weights.model.constructor.name}; give its own`,
    );
  if (trainer) return (target) => trainer.plan(batch!, target);
  const given = [...inputsOf(inputs!)].map(([name, { shape, dtype }]) => [name, inputTensor(name, shape, dtype)]);
  const tensors: Readonly<Record<string, Tensor>> = Object.fromEntries(given);
  const x = given.length === 1 && tensors.x ? tensors.x : tensors;
  const { outputs, state } = applyModel(weights.model as Module & SequenceModel, x, undefined);
  const found = leavesOf({ ...outputs, ...(state !== undefined && { state }) });
  if (found.size === 0)
    throw new OptionError(
      `tune: ${weights.model.constructor.name}.forward returned no tensors, expected { logits } or others`,
    );
  await loadCommands([...found.values()]);
  const named = Object.fromEntries([...found].map(([path, tensor]) => [`output ${path}`, tensor]));
  return async (target) => buildPlan({ name: "tuning", target, layout: weights.layout, outputs: named });
}
