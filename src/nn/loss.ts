import { checkChoice, checkNumber, checkOptions, OptionError, ShapeError, shown } from "../errors.ts";
import type { LossAndCount } from "../graph/ops/loss-gradient.ts";
import { sequenceMask } from "../graph/ops/mask.ts";
import { pointwise } from "../graph/ops/pointwise.ts";
import { expectNumbers, expectTensor, Tensor } from "../graph/tensor.ts";
import { type Shape, sameShape, showShape } from "../tensor-data.ts";

export type { LossAndCount };

/** Which targets count, said in one of two ways or in both; without it all of them do. Each loss tells which shapes it takes. */
export interface RealTargets {
  /** i32 of the targets' shape (or, for losses of numbers, of that shape without its last axis): 1 counts, 0 does not. */
  readonly mask?: Tensor;
  /** i32 `[B]`, for targets `[T,B]`: of sequence b the first `lengths[b]` steps count. */
  readonly lengths?: Tensor;
}

/**
 * A loss: from a model's output and the target to one number. A trainer minimises it on the model's `logits` and the batch's
 * target; a model of several losses applies each by itself, in the trainer's loss function.
 */
export interface Loss {
  readonly name: string;
  /** Whether batches that make one step add up or are averaged; default "mean". */
  readonly reduction?: Reduction;
  /** Targets that do not count. */
  readonly ignoreIndex?: number;
  /**
   * @param output what the model says
   * @param target what it should have said
   * @param real which targets count; default all
   * @returns the loss `[]`, and `[]` what it was divided by: how many targets count, or 1 for a sum
   * @throws ShapeError when the shapes do not fit
   */
  apply(output: Tensor, target: Tensor, real?: RealTargets): LossAndCount;
}

/**
 * "mean": divided by how many targets count (their weights, where they have some); "sum": not divided. As in
 * [torch.nn](https://docs.pytorch.org/docs/stable/nn.html#loss-functions).
 */
export type Reduction = "mean" | "sum";

/** @throws OptionError for any other word */
export function checkReduction(what: string, reduction: Reduction = "mean"): Reduction {
  return checkChoice(what, "reduction", reduction, ["mean", "sum"]);
}

/** @throws OptionError when these are no finite numbers of at least 0 */
export function checkWeights(what: string, name: string, weights: readonly number[] | undefined): void {
  if (weights === undefined) return;
  if (!Array.isArray(weights) || weights.length === 0)
    throw new OptionError(`${what}: ${name} is ${shown(weights)}, expected a list of numbers`);
  weights.forEach((weight, i) => {
    checkNumber(what, `${name}[${i}]`, weight, 0);
  });
}

/**
 * What to do where the output has an axis more in front than the targets, for messages: that of the layers of a state, or time.
 * @param output without its classes
 */
export function hintOfAxes(output: Shape, target: Shape): string {
  if (!sameShape(output.slice(1), target)) return "";
  return output[0] === 1
    ? "; the first axis is that of the layers, as in a state [L,B,H]: take it away with functional.squeeze(h, 0), or use functional.lastPool(output) in place of the state"
    : "; with one target for each sequence take one output for each, with functional.lastPool(output), meanPool or maxPool";
}

/**
 * The mask of a loss's targets.
 * @param shapes what shapes it may have
 * @throws ShapeError when it has another one, OptionError for anything but `mask` and `lengths`
 */
export function maskOf(what: string, real: RealTargets | undefined, shapes: readonly Shape[]): Tensor | undefined {
  if (real === undefined) return undefined;
  const wanted = shapes.map(showShape).join(" or ");
  if (real === null || typeof real !== "object" || real instanceof Tensor) {
    const got = real instanceof Tensor ? "a tensor" : String(real);
    throw new ShapeError(`${what}: the targets that count are ${got}, expected { mask, lengths }, or one of them`);
  }
  checkOptions(what, real, ["mask", "lengths"]);
  const { mask, lengths } = real;
  if (lengths !== undefined) {
    const steps = shapes.find(({ length }) => length === 2);
    if (!steps)
      throw new ShapeError(
        `${what}: lengths are of sequences [T,B], and these targets are ${wanted}; give a mask in place of lengths`,
      );
    return sequenceMask(what, real, steps[0]!, steps[1]!);
  }
  if (mask === undefined) return undefined;
  if (mask instanceof Tensor && !shapes.some((shape) => sameShape(shape, mask.shape)))
    throw new ShapeError(`${what}: mask has shape ${showShape(mask.shape)}, expected ${wanted}`);
  return expectTensor(`${what}: mask`, mask, mask.shape, wanted, "i32");
}

/**
 * Several losses as one to train on: `weights[0]·losses[0] + weights[1]·losses[1] + …`.
 * @param losses each `[]`, as a {@link Loss} gives it
 * @param weights one finite number for each; default 1
 * @returns `[]`
 * @throws ShapeError for what is no loss, OptionError for other weights
 */
export function addLosses(losses: readonly Tensor[], weights: readonly number[] = losses.map(() => 1)): Tensor {
  if (losses.length === 0) throw new ShapeError("addLosses: there is no loss; give at least one");
  losses.forEach((loss, i) => {
    if (expectNumbers(`addLosses: losses[${i}]`, loss, "f32 []").size !== 1)
      throw new ShapeError(`addLosses: losses[${i}] has shape ${showShape(loss.shape)}, expected one number, []`);
  });
  if (!Array.isArray(weights) || weights.length !== losses.length)
    throw new OptionError(`addLosses: weights are ${shown(weights)}, expected ${losses.length} numbers`);
  weights.forEach((weight, i) => {
    checkNumber("addLosses", `weights[${i}]`, weight);
  });
  const scaled = losses.map((loss, i) => {
    const weight = (weights as readonly number[])[i]!;
    return weight === 1 ? loss : pointwise("loss", "mul", [loss, weight]);
  });
  return scaled.reduce((sum, loss) => pointwise("loss", "add", [sum, loss]));
}
