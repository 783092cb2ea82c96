import { type AnyBatch, mapPart } from "../data/batch.ts";
import { OptionError, ShapeError } from "../errors.ts";
import { type InputRanges, inputRanges } from "../graph/input-ranges.ts";
import { inputTensor, shownTensor, Tensor } from "../graph/tensor.ts";
import { logitsOf, type Outputs, type SequenceModel, type Stateful, traceStateful } from "../graph/trace.ts";
import { dtypeOf } from "../tensor-data.ts";
import type { AnyLoss } from "./any-loss.ts";

/** A model applied to a batch, and its loss. */
export interface LossGraph extends Pick<Stateful, "states"> {
  /** What the model returned, without its state. */
  readonly outputs: Outputs;
  /** As the loss is given it: one tensor, or a record of them. */
  readonly target: Tensor | Readonly<Record<string, Tensor>>;
  readonly loss: Tensor;
  /** Absent when a loss function does not tell it. */
  readonly count: Tensor | undefined;
  /** Which numbers the i32 inputs may hold. */
  readonly ranges: InputRanges;
}

function applyLoss(loss: AnyLoss, model: SequenceModel, outputs: object, target: unknown) {
  if (typeof loss !== "function") {
    const logits = logitsOf(model, outputs as Stateful["outputs"]);
    if (target instanceof Tensor) return loss.apply(logits, target);
    throw new ShapeError(
      `the batch's target is a record of ${Object.keys(target as object).join(", ")}, and ${loss.name} takes one tensor; give a loss function (outputs, target) => loss`,
    );
  }
  const result = loss(outputs, target);
  if (Array.isArray(result))
    throw new ShapeError(`the loss function returned a list of ${result.length}; add them up with addLosses`);
  return result instanceof Tensor ? { loss: result, count: undefined } : { count: undefined, ...result };
}

/** @throws ShapeError when this is not one number */
function checkScalar(what: string, tensor: unknown): void {
  if (tensor instanceof Tensor && tensor.size === 1 && tensor.dtype === "f32") return;
  const got = shownTensor(tensor);
  throw new ShapeError(`the ${what} is ${got}, expected one number, f32 []; apply a loss, or add several of them up`);
}

/**
 * Traces a model and its loss on batches of these shapes.
 * @param options.carry whether the state goes on from batch to batch, and `carryState`, whether that was asked for
 * @param options.seed traces for training, with noise that starts from this i32 `[1]`
 * @throws ShapeError for what does not fit together
 */
export function traceLoss(
  model: SequenceModel,
  batch: Pick<AnyBatch, "x" | "target">,
  loss: AnyLoss,
  options: { readonly carry: boolean; readonly carryState?: boolean | undefined; readonly seed?: Tensor },
): LossGraph {
  const [x, target] = (["x", "target"] as const).map((name) =>
    mapPart(name, batch[name], (at, { shape, data }) => inputTensor(at, shape, dtypeOf(data))),
  );
  const { outputs, states } = traceStateful(model, x!, options);
  if (options.carryState && states.length === 0)
    throw new OptionError(
      `carryState is true, and ${model.constructor.name}.forward returns no state, so nothing would be carried; return { …, state }, or leave carryState out`,
    );
  const applied = applyLoss(loss, model, outputs, target);
  checkScalar("loss", applied.loss);
  if (applied.count !== undefined) checkScalar("count", applied.count);
  const ranges = inputRanges([applied.loss, ...states.flatMap(({ parts }) => parts.map(({ from }) => from))]);
  return { outputs, target: target!, loss: applied.loss, count: applied.count, states, ranges };
}
