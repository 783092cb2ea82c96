import { checkCount, checkOptions, checkSwitch, OptionError } from "../errors.ts";
import {
  type ConvolutionOptions,
  convolve,
  convolveTransposed,
  type TransposedConvolutionOptions,
} from "../graph/functions/convolve.ts";
import { aroundAxes, type PerAxis, perAxis } from "../graph/functions/window-layout.ts";
import type { Tensor } from "../graph/tensor.ts";
import { uniform } from "./init.ts";
import { Module, Parameter } from "./module.ts";

interface Channels {
  /** C: channels of the input. */
  readonly inChannels: number;
  /** O: channels of the output. */
  readonly outChannels: number;
  /** Numbers of a window, along all axes or along each. */
  readonly kernelSize: PerAxis;
  /** Default true. */
  readonly bias?: boolean;
}
export interface Conv2dOptions extends Channels, ConvolutionOptions {}
export interface ConvTransposeOptions extends Channels, TransposedConvolutionOptions {}

const OWN = ["inChannels", "outChannels", "kernelSize", "bias"];
const OPTIONS = ["stride", "padding", "dilation", "groups"];

type Given = ConvolutionOptions & Pick<TransposedConvolutionOptions, "outputPadding">;

/** What the modules have in common: their parameters. */
abstract class Convolution<Options extends Channels & Given> extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  /** What it was made with. */
  readonly options: Readonly<Options>;

  constructor(what: string, axes: number, transposed: boolean, options: Options) {
    super();
    checkOptions(what, options, transposed ? [...OWN, ...OPTIONS, "outputPadding"] : [...OWN, ...OPTIONS]);
    const { groups = 1, bias = true } = options;
    const C = checkCount(what, "inChannels", options.inChannels);
    const O = checkCount(what, "outChannels", options.outChannels);
    checkCount(what, "groups", groups);
    if (C % groups !== 0 || O % groups !== 0)
      throw new OptionError(
        `${what}: groups is ${groups}, expected a divisor of inChannels ${C} and of outChannels ${O}`,
      );
    const kernel = perAxis(what, "kernelSize", options.kernelSize, axes);
    const { stride = 1, dilation = 1, padding = 0, outputPadding = 0 }: Given = options;
    perAxis(what, "stride", stride, axes);
    perAxis(what, "dilation", dilation, axes);
    perAxis(what, "outputPadding", outputPadding, axes, 0);
    if (transposed || padding !== "same") aroundAxes(what, padding, axes);
    const shape = transposed ? [C, O / groups, ...kernel] : [O, C / groups, ...kernel];
    // As torch: 1 / √ of the numbers that the second axis of the weight goes over.
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((product, n) => product * n, 1));
    this.weight = new Parameter(shape, uniform(-bound, bound));
    this.bias = checkSwitch(what, "bias", bias) ? new Parameter([O], uniform(-bound, bound)) : undefined;
    this.options = { ...options };
  }

  protected operands(x: Tensor): { x: Tensor; weight: Tensor; bias: Tensor | undefined } {
    return { x, weight: this.weight.tensor, bias: this.bias?.tensor };
  }
}

/** Options without those of the parameters. */
function rest<Options extends Channels>({ inChannels, outChannels, kernelSize, bias, ...others }: Options) {
  return others;
}

/**
 * A convolution of images, as [torch.nn.Conv2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html) with its
 * parameters `weight [O, C/groups, K1, K2]` and `bias [O]`. Over time there is `Conv1d`, which takes `[T,B,C]`.
 */
export class Conv2d extends Convolution<Conv2dOptions> {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: Conv2dOptions) {
    super("Conv2d", 2, false, options);
  }

  /**
   * @param x f32 `[N,C,H,W]`
   * @returns `[N,O,P1,P2]`, see `functional.conv2d`
   * @throws ShapeError for other shapes, or where x is smaller than a window; OptionError for a bad value
   */
  forward(x: Tensor): Tensor {
    const { title, label } = this;
    return convolve({ title, label, axes: 2 }, this.operands(x), rest(this.options));
  }
}

/**
 * A transposed convolution of sequences `[N,C,L]`, as
 * [torch.nn.ConvTranspose1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html) with its parameters
 * `weight [C, O/groups, K]` and `bias [O]`.
 */
export class ConvTranspose1d extends Convolution<ConvTransposeOptions> {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: ConvTransposeOptions) {
    super("ConvTranspose1d", 1, true, options);
  }

  /**
   * @param x f32 `[N,C,L]`
   * @returns `[N,O,P]`, see `functional.convTranspose1d`
   * @throws ShapeError for other shapes, or where nothing is left; OptionError for a bad value
   */
  forward(x: Tensor): Tensor {
    const { title, label } = this;
    return convolveTransposed({ title, label, axes: 1 }, this.operands(x), rest(this.options));
  }
}

/**
 * A transposed convolution of images, as
 * [torch.nn.ConvTranspose2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html) with its parameters
 * `weight [C, O/groups, K1, K2]` and `bias [O]`.
 */
export class ConvTranspose2d extends Convolution<ConvTransposeOptions> {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: ConvTransposeOptions) {
    super("ConvTranspose2d", 2, true, options);
  }

  /**
   * @param x f32 `[N,C,H,W]`
   * @returns `[N,O,P1,P2]`, see `functional.convTranspose2d`
   * @throws ShapeError for other shapes, or where nothing is left; OptionError for a bad value
   */
  forward(x: Tensor): Tensor {
    const { title, label } = this;
    return convolveTransposed({ title, label, axes: 2 }, this.operands(x), rest(this.options));
  }
}
