import { checkCount, checkOptions, checkSwitch, OptionError, ShapeError } from "../errors.ts";
import { linear } from "../graph/ops/linear.ts";
import { linearTokens } from "../graph/ops/linear-tokens.ts";
import { shownTensor, Tensor } from "../graph/tensor.ts";
import { sameShape, showShape } from "../tensor-data.ts";
import { uniform } from "./init.ts";
import { Module, Parameter } from "./module.ts";

export interface LinearOptions {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Default true. */
  readonly bias?: boolean;
  /**
   * A parameter `[outFeatures, inFeatures]` of another module, to share it: an output layer tied to the embedding (Press and
   * Wolf 2017, "Using the Output Embedding to Improve Language Models"). Default: one of its own.
   */
  readonly weight?: Parameter;
}

/** `y = x·Wᵀ + b` on the last axis, as torch.nn.Linear: `weight [outFeatures, inFeatures]`, `bias [outFeatures]`. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly inFeatures: number;
  readonly outFeatures: number;

  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: LinearOptions) {
    super();
    checkOptions("Linear", options, ["inFeatures", "outFeatures", "bias", "weight"]);
    this.inFeatures = checkCount("Linear", "inFeatures", options.inFeatures);
    this.outFeatures = checkCount("Linear", "outFeatures", options.outFeatures);
    const { bias = true } = options;
    checkSwitch("Linear", "bias", bias);
    const bound = 1 / Math.sqrt(this.inFeatures);
    const shape = [this.outFeatures, this.inFeatures];
    const { weight = new Parameter(shape, uniform(-bound, bound)) } = options;
    if (!(weight instanceof Parameter) || !sameShape(weight.shape, shape)) {
      const got = weight instanceof Parameter ? showShape(weight.shape) : typeof weight;
      throw new OptionError(
        `Linear: weight is ${got}, expected a parameter [outFeatures, inFeatures] = ${showShape(shape)}`,
      );
    }
    this.weight = weight;
    this.bias = bias ? new Parameter([this.outFeatures], uniform(-bound, bound)) : undefined;
  }

  /**
   * @param x `[..., inFeatures]`, or tokens (i32 `[...]`, each in [0, inFeatures)), which stand for one-hot vectors: a column
   * of the weight is picked for each, the vectors are never made
   * @returns `[..., outFeatures]`
   * @throws ShapeError when the last axis is not inFeatures
   */
  forward(x: Tensor): Tensor {
    const { label, weight, bias } = this;
    if (x instanceof Tensor && x.dtype === "i32") return linearTokens(label, x, weight.tensor, bias?.tensor);
    if (!(x instanceof Tensor) || x.shape.at(-1) !== this.inFeatures) {
      const got = shownTensor(x);
      throw new ShapeError(
        `${this.title}: x is ${got}, expected f32 [..., ${this.inFeatures}] (inFeatures ${this.inFeatures}), or i32 tokens`,
      );
    }
    return linear(label, x, weight.tensor, bias?.tensor);
  }
}
