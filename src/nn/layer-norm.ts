import { checkCount, checkNumber, checkOptions, checkSwitch, ShapeError } from "../errors.ts";
import { layerNorm } from "../graph/ops/layer-norm.ts";
import { shownTensor, Tensor } from "../graph/tensor.ts";
import { ones, zeros } from "./init.ts";
import { Module, Parameter } from "./module.ts";

export interface LayerNormOptions {
  /** C: length of the last axis, over which the numbers are normalised. */
  readonly normalizedShape: number;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Whether there are a weight and a bias; default true. */
  readonly elementwiseAffine?: boolean;
  /** Whether there is a bias beside the weight; default true. */
  readonly bias?: boolean;
}

/**
 * Layer normalisation over the last axis: `(x - mean) / sqrt(variance + eps) · weight + bias`, with the biased variance. Ba, Kiros
 * and Hinton, "Layer Normalization", [arXiv 1607.06450](https://arxiv.org/abs/1607.06450); options and names as
 * [torch.nn.LayerNorm](https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html). `weight [C]` starts at 1, `bias [C]`
 * at 0.
 */
export class LayerNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly normalizedShape: number;
  readonly eps: number;

  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: LayerNormOptions) {
    super();
    checkOptions("LayerNorm", options, ["normalizedShape", "eps", "elementwiseAffine", "bias"]);
    this.normalizedShape = checkCount("LayerNorm", "normalizedShape", options.normalizedShape);
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    this.eps = checkNumber("LayerNorm", "eps", eps, 0);
    for (const [name, value] of Object.entries({ elementwiseAffine, bias })) checkSwitch("LayerNorm", name, value);
    this.weight = elementwiseAffine ? new Parameter([this.normalizedShape], ones) : undefined;
    this.bias = elementwiseAffine && bias ? new Parameter([this.normalizedShape], zeros) : undefined;
  }

  /**
   * @param x f32 `[..., C]`
   * @returns the same shape
   * @throws ShapeError when the last axis is not normalizedShape
   */
  forward(x: Tensor): Tensor {
    if (!(x instanceof Tensor) || x.dtype !== "f32" || x.shape.at(-1) !== this.normalizedShape) {
      const got = shownTensor(x);
      throw new ShapeError(
        `${this.title}: x is ${got}, expected f32 [..., ${this.normalizedShape}] (normalizedShape ${this.normalizedShape})`,
      );
    }
    return layerNorm(this.label, x, this.eps, this.weight?.tensor, this.bias?.tensor);
  }
}
