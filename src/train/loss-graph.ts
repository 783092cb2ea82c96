import { type AnyBatch, mapPart } from "../data/batch.ts";
import { OptionError, ShapeError, shown } from "../errors.ts";
import { type InputRanges, inputRanges } from "../graph/input-ranges.ts";
import { inputTensor, shownTensor, Tensor } from "../graph/tensor.ts";
import { logitsOf, type Outputs, type SequenceModel, type Stateful, traceStateful } from "../graph/trace.ts";
import type { Loss } from "../nn/loss.ts";
import { dtypeOf } from "../tensor-data.ts";

/**
 * The loss of a model with outputs of its own, or of several: from what `forward` returned (without `state`) and the
 * batch's target (one tensor, or a record of them) to one number, or to a {@link LossAndCount}. Called once for each shape.
 */
// The types of outputs and target are the model's and the batches'; they are not known here.
// biome-ignore lint/suspicious/noExplicitAny: so that any function of tensors can be given
export type LossFunction = (outputs: any, target: any) => Tensor | { readonly loss: Tensor; readonly count?: Tensor };

/** What training minimises: a {@link Loss} of the model's `logits` and the target, or a {@link LossFunction}. */
export type AnyLoss = Loss | LossFunction;

/** @throws OptionError for what is no loss */
export function checkLoss(what: string, loss: AnyLoss): AnyLoss {
  if (typeof loss === "function" || typeof loss?.apply === "function") return loss;
  throw new OptionError(
    `${what}: loss is ${shown(loss)}, expected a loss such as crossEntropy() or a function (outputs, target) => loss`,
  );
}

/** Whether a loss adds up over all targets, and is not their mean. */
export const isSumOf = (loss: AnyLoss): boolean => typeof loss !== "function" && loss.reduction === "sum";

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
