import { checkCount, checkOptions, checkSwitch, ShapeError } from "../errors.ts";
import { connectionistLoss } from "../graph/ops/ctc.ts";
import { expectNumbers, expectTensor, Tensor } from "../graph/tensor.ts";
import { showShape } from "../tensor-data.ts";
import { checkReduction, type LossAndCount, type Reduction } from "./loss.ts";

export interface CTCOptions {
  /** The class that stands for no label; default 0. */
  readonly blank?: number;
  /** Default "mean": each sequence's loss is divided by its number of labels (at least 1), and their mean is taken. */
  readonly reduction?: Reduction;
  /** A sequence whose labels do not fit its steps has loss and gradient 0, where otherwise its loss is infinite. Default false. */
  readonly zeroInfinity?: boolean;
}

/** How long each sequence is. */
export interface CTCLengths {
  /** Steps, i32 `[B]`, from 0 to T; default T. */
  readonly inputLengths?: Tensor;
  /** Labels, i32 `[B]`, from 0 to S; default S. */
  readonly targetLengths?: Tensor;
}

/** A {@link Loss} of whole sequences, for labels whose positions in time are not known; made by {@link ctc}. */
export interface CTCLoss {
  readonly name: string;
  /** Whether batches that make one step add up or are averaged; default "mean". */
  readonly reduction?: Reduction;
  /**
   * @param logits `[T,B,C]`, before the softmax
   * @param target labels i32 `[B,S]`, padded with anything in range or -1; none of them the blank
   * @param lengths default: all T steps and all S labels
   * @returns the loss in nats `[]`, and `[]` what it was divided by: B, or 1 for a sum
   * @throws ShapeError when the shapes do not fit
   */
  apply(logits: Tensor, target: Tensor, lengths?: CTCLengths): LossAndCount;
}

/**
 * Connectionist temporal classification (Graves et al. 2006, "Connectionist Temporal Classification: Labelling Unsegmented
 * Sequence Data with Recurrent Neural Networks"), as
 * [torch.nn.CTCLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.CTCLoss.html) behind a log_softmax: minus the
 * logarithm of the probability of all ways to spread the labels over the steps.
 *
 * Labels that do not fit (fewer steps than labels, and one more for each pair of equal neighbours) make the loss infinite,
 * which stops a trainer with a DivergedError; their gradient is 0 (torch's is NaN). With `zeroInfinity` they count for
 * nothing.
 * @throws OptionError for an unknown option or a bad value
 */
export function ctc(options: CTCOptions = {}): CTCLoss {
  checkOptions("ctc", options, ["blank", "reduction", "zeroInfinity"]);
  const blank = checkCount("ctc", "blank", options.blank ?? 0, 0);
  const { zeroInfinity = false } = options;
  checkSwitch("ctc", "zeroInfinity", zeroInfinity);
  const mean = checkReduction("ctc", options.reduction) === "mean";
  return {
    name: "ctc",
    reduction: mean ? "mean" : "sum",
    apply(logits, target, lengths = {}) {
      expectNumbers("ctc: logits", logits, "f32 [T,B,C]");
      if (logits.shape.length !== 3)
        throw new ShapeError(`ctc: logits have shape ${showShape(logits.shape)}, expected [T,B,C]`);
      const [, B, C] = logits.shape as [number, number, number];
      expectTensor("ctc: target", target, [B, null], `[B,S] with B = ${B}`, "i32");
      if (blank >= C)
        throw new ShapeError(
          `ctc: blank is ${blank}, and the logits have the classes 0 to ${C - 1}; name one of these`,
        );
      if (lengths === null || typeof lengths !== "object" || lengths instanceof Tensor)
        throw new ShapeError("ctc: the lengths are no record, expected { inputLengths, targetLengths }");
      checkOptions("ctc", lengths, ["inputLengths", "targetLengths"]);
      for (const name of ["inputLengths", "targetLengths"] as const) {
        if (lengths[name] !== undefined) expectTensor(`ctc: ${name}`, lengths[name], [B], `[B] = [${B}]`, "i32");
      }
      const { inputLengths: stepCounts, targetLengths: labelCounts } = lengths;
      const tensors = { logits, labels: target, stepCounts, labelCounts };
      return connectionistLoss("ctc", tensors, { blank, mean, zeroInfinity });
    },
  };
}
