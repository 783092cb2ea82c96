import { checkNumber, checkOptions, checkSwitch, ShapeError } from "../errors.ts";
import { dropout } from "../graph/ops/dropout.ts";
import { shownTensor, Tensor } from "../graph/tensor.ts";
import { Module } from "./module.ts";

export interface DropoutOptions {
  /** Probability that a number becomes 0, from 0 to 1; default 0.5. */
  readonly p?: number;
  /** One mask for all steps: the mask is drawn for the axes behind the first, `[B,C]` of `[T,B,C]`; default false. */
  readonly variational?: boolean;
}

/**
 * Zeroes numbers at random in training and divides the others by `1 - p`; hands its input on otherwise. Srivastava et al.,
 * "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", [JMLR 15,
 * 2014](https://jmlr.org/papers/v15/srivastava14a.html), scaled as [torch.nn.Dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)
 * does. `variational`: Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks",
 * [arXiv 1512.05287](https://arxiv.org/abs/1512.05287).
 *
 * The random numbers are hashes of the step's seed, the layer's name, how often it was used before, and the position in the
 * tensor: the gradient draws the same ones again, and GPU and CPU draw alike.
 */
export class Dropout extends Module {
  readonly p: number;
  readonly variational: boolean;

  /** @throws OptionError for an unknown option, p outside [0, 1] or a switch that is no boolean */
  constructor(options: DropoutOptions = {}) {
    super();
    checkOptions("Dropout", options, ["p", "variational"]);
    const { p = 0.5, variational = false } = options;
    this.p = checkNumber("Dropout", "p", p, 0, 1);
    this.variational = checkSwitch("Dropout", "variational", variational);
  }

  /**
   * @param x f32 of any shape; `[T, ...]` when variational
   * @returns the same shape
   * @throws ShapeError for anything but f32, or when variational and there is no first axis
   */
  forward(x: Tensor): Tensor {
    if (!(x instanceof Tensor) || x.dtype !== "f32" || (this.variational && x.shape.length === 0)) {
      const got = shownTensor(x);
      throw new ShapeError(
        `${this.title}: x is ${got}, expected f32 ${this.variational ? "[T, ...]" : "of any shape"}`,
      );
    }
    return dropout(this.label, x, this.p, this.variational);
  }
}
