import { checkCount, checkOptions, checkSwitch, OptionError, ShapeError, shown } from "../errors.ts";
import { reshape, swapAxes } from "../graph/ops/layout.ts";
import { linear } from "../graph/ops/linear.ts";
import { windows } from "../graph/ops/windows.ts";
import { expectTensor, type Tensor } from "../graph/tensor.ts";
import { uniform } from "./init.ts";
import { Module, Parameter } from "./module.ts";

export interface Conv1dOptions {
  /** C: numbers in a step of the input. */
  readonly inChannels: number;
  /** O: numbers in a step of the output. */
  readonly outChannels: number;
  /** K: steps that an output step is made from. */
  readonly kernelSize: number;
  /** Steps from one window to the next; default 1. */
  readonly stride?: number;
  /**
   * Steps of zeros before and after the sequence; "same": as many as keep its length (stride 1 only), "causal": all of them before
   * it, so that no output step depends on a later input step. Default 0.
   */
  readonly padding?: number | "same" | "causal";
  /** Steps from one to the next within a window; default 1. */
  readonly dilation?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Sequences `[B,T,C]` instead of `[T,B,C]`; default false. */
  readonly batchFirst?: boolean;
}

/**
 * A convolution over time, as [torch.nn.Conv1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html) with its
 * parameters `weight [O,C,K]` and `bias [O]`, but for sequences `[T,B,C]` (`[B,T,C]` with `batchFirst`), as recurrent layers take
 * them, where torch wants `[B,C,T]`: one product over gathered windows.
 */
export class Conv1d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number | "same" | "causal";
  readonly batchFirst: boolean;

  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: Conv1dOptions) {
    super();
    const names = ["inChannels", "outChannels", "kernelSize", "stride", "padding", "dilation", "bias", "batchFirst"];
    checkOptions("Conv1d", options, names);
    const { stride = 1, padding = 0, dilation = 1, bias = true, batchFirst = false } = options;
    this.inChannels = checkCount("Conv1d", "inChannels", options.inChannels);
    this.outChannels = checkCount("Conv1d", "outChannels", options.outChannels);
    this.kernelSize = checkCount("Conv1d", "kernelSize", options.kernelSize);
    this.stride = checkCount("Conv1d", "stride", stride);
    this.dilation = checkCount("Conv1d", "dilation", dilation);
    if (typeof padding === "number") checkCount("Conv1d", "padding", padding, 0);
    else if (padding !== "same" && padding !== "causal")
      throw new OptionError(`Conv1d: padding is ${shown(padding)}, expected a number of steps, "same" or "causal"`);
    if (padding === "same" && stride !== 1)
      throw new OptionError(
        `Conv1d: padding "same" with stride ${stride}; it keeps the length with stride 1 only, give a number`,
      );
    this.padding = padding;
    this.batchFirst = checkSwitch("Conv1d", "batchFirst", batchFirst);
    const bound = 1 / Math.sqrt(this.inChannels * this.kernelSize);
    const shape = [this.outChannels, this.inChannels, this.kernelSize];
    this.weight = new Parameter(shape, uniform(-bound, bound));
    this.bias = checkSwitch("Conv1d", "bias", bias)
      ? new Parameter([this.outChannels], uniform(-bound, bound))
      : undefined;
  }

  /** How many output steps T input steps give. */
  outputLength(T: number): number {
    const { before, after } = this.#zeros();
    return Math.floor((T + before + after - this.#reach() - 1) / this.stride) + 1;
  }

  /** Steps from the first to the last one of a window. */
  #reach(): number {
    return this.dilation * (this.kernelSize - 1);
  }

  #zeros(): { readonly before: number; readonly after: number } {
    if (typeof this.padding === "number") return { before: this.padding, after: this.padding };
    const all = this.#reach();
    const before = this.padding === "causal" ? all : Math.floor(all / 2);
    return { before, after: all - before };
  }

  /**
   * @param x f32 `[T,B,C]` (`[B,T,C]` with `batchFirst`)
   * @returns `[outputLength(T),B,O]`
   * @throws ShapeError for other shapes, or a sequence that is shorter than a window
   */
  forward(x: Tensor): Tensor {
    const axes = this.batchFirst ? "[B,T,C]" : "[T,B,C]";
    const C = this.inChannels;
    expectTensor(`${this.title}: x`, x, [null, null, C], `${axes.replace("C", String(C))} (inChannels ${C})`);
    const steps = this.batchFirst ? swapAxes(this.label, x) : x;
    const [S, B] = steps.shape as [number, number];
    const T = this.outputLength(S);
    if (T < 1)
      throw new ShapeError(
        `${this.title}: x has ${S} steps, fewer than a window needs (${this.#reach() + 1}); pad it, or choose a smaller kernelSize or dilation`,
      );
    const { stride, dilation, kernelSize: K } = this;
    const gathered = windows(
      `${this.label} windows`,
      reshape(steps, [1, 1, S, B * C]),
      { K: [K, 1], P: [T, B * C], stride: [stride, 1], dilation: [dilation, 1], padding: [this.#zeros().before, 0] },
      { turned: true },
    );
    const y = linear(this.label, reshape(gathered, [T, B, C * K]), this.weight.tensor, this.bias?.tensor);
    return this.batchFirst ? swapAxes(this.label, y) : y;
  }
}
