import { OptionError, shown } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Loss } from "../nn/loss.ts";

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

/** Whether a loss adds up over all targets, and is not their mean, as the default loss is. */
export const isSumOf = (loss: AnyLoss | undefined): boolean => typeof loss === "object" && loss.reduction === "sum";
