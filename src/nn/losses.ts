import { checkOptions, OptionError, ShapeError } from "../errors.ts";
import { softmaxCrossEntropy } from "../graph/ops/cross-entropy.ts";
import type { Tensor } from "../graph/tensor.ts";
import { sameShape, showShape } from "../tensor-data.ts";

/** What a trainer minimises: from a model's logits and the targets to a mean and how many targets it is over. */
export interface Loss {
  readonly name: string;
  apply(logits: Tensor, target: Tensor): { loss: Tensor; count: Tensor };
}

/**
 * Softmax cross-entropy in nats, the mean over all targets that are not `ignoreIndex` (default -100), as
 * torch.nn.CrossEntropyLoss. Logits `[..., V]`, targets i32 `[...]`. A batch with no other target has loss 0.
 * @throws OptionError for an unknown option or an ignoreIndex that is no whole number
 */
export function crossEntropy(options: { ignoreIndex?: number } = {}): Loss {
  checkOptions("crossEntropy", options, ["ignoreIndex"]);
  const { ignoreIndex = -100 } = options;
  if (!Number.isSafeInteger(ignoreIndex) || Math.abs(ignoreIndex) > 2 ** 31 - 1) {
    throw new OptionError(`crossEntropy: ignoreIndex is ${ignoreIndex}, expected a whole number of 32 bits`);
  }
  return {
    name: "cross-entropy",
    apply(logits, target) {
      const expected = logits.shape.slice(0, -1);
      if (!sameShape(target.shape, expected) || target.dtype !== "i32") {
        throw new ShapeError(
          `crossEntropy: target is ${target.dtype} ${showShape(target.shape)}, expected i32 ${showShape(expected)} for logits ${showShape(logits.shape)}`,
        );
      }
      return softmaxCrossEntropy("loss", logits, target, ignoreIndex);
    },
  };
}
