import { checkNumber, checkOptions, OptionError, ShapeError } from "../errors.ts";
import { softmaxCrossEntropy } from "../graph/ops/cross-entropy.ts";
import { expectNumbers, Tensor } from "../graph/tensor.ts";
import { sameShape, showShape } from "../tensor-data.ts";
import { checkReduction, checkWeights, hintOfAxes, type Loss, maskOf, type Reduction } from "./loss.ts";

// In a module of its own: it is the default loss, which is loaded on demand, and would take the others along.

export interface CrossEntropyOptions {
  /** Targets that do not count; default -100. */
  readonly ignoreIndex?: number;
  /** A weight of at least 0 for each class, V of them; default: all 1. A mean is then over the targets' weights. */
  readonly weight?: readonly number[];
  /** How much of the goal is spread evenly over all classes, from 0 (default) to 1. */
  readonly labelSmoothing?: number;
  /** Default "mean". */
  readonly reduction?: Reduction;
}

/**
 * Softmax cross-entropy in nats, over all targets that are not `ignoreIndex`, as
 * [torch.nn.CrossEntropyLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html) with class
 * indices. Logits `[..., V]`, targets i32 `[...]`; logits must be finite (a class is ruled out by -1e9, not by -Infinity). A
 * batch with no target that counts has loss 0. Label smoothing is that of Szegedy et al. 2016, "Rethinking the Inception
 * Architecture for Computer Vision".
 * @throws OptionError for an unknown option or a bad value; when it is applied, ShapeError for wrong shapes
 */
export function crossEntropy(options: CrossEntropyOptions = {}): Loss {
  checkOptions("crossEntropy", options, ["ignoreIndex", "weight", "labelSmoothing", "reduction"]);
  const { ignoreIndex = -100, weight, labelSmoothing = 0 } = options;
  if (!Number.isSafeInteger(ignoreIndex) || Math.abs(ignoreIndex) > 2 ** 31 - 1) {
    throw new OptionError(`crossEntropy: ignoreIndex is ${ignoreIndex}, expected a whole number of 32 bits`);
  }
  checkNumber("crossEntropy", "labelSmoothing", labelSmoothing, 0, 1);
  checkWeights("crossEntropy", "weight", weight);
  const mean = checkReduction("crossEntropy", options.reduction) === "mean";
  return {
    name: "cross-entropy",
    reduction: mean ? "mean" : "sum",
    ignoreIndex,
    apply(logits, target, real) {
      expectNumbers("crossEntropy: logits", logits, "f32 [..., V]");
      const expected = logits.shape.slice(0, -1);
      if (!(target instanceof Tensor) || !sameShape(target.shape, expected) || target.dtype !== "i32") {
        const got = target instanceof Tensor ? `${target.dtype} ${showShape(target.shape)}` : typeof target;
        throw new ShapeError(
          `crossEntropy: target is ${got}, expected i32 ${showShape(expected)} for logits ${showShape(logits.shape)}${target instanceof Tensor ? hintOfAxes(expected, target.shape) : ""}`,
        );
      }
      const V = logits.shape.at(-1)!;
      if (weight && weight.length !== V)
        throw new ShapeError(
          `crossEntropy: weight has ${weight.length} numbers, the logits ${V} classes; give one for each class`,
        );
      const tensors = { logits, targets: target, mask: maskOf("crossEntropy", real, [expected]) };
      return softmaxCrossEntropy("loss", tensors, { ignoreIndex, smoothing: labelSmoothing, weight, mean });
    },
  };
}
