import { checkOptions, checkSwitch, ShapeError } from "../../errors.ts";
import { topK } from "../ops/along-axis.ts";
import { reshape } from "../ops/layout.ts";
import { pointwise, sum } from "../ops/pointwise.ts";
import { windows } from "../ops/windows.ts";
import { constantTensor, expectTensor, type Tensor } from "../tensor.ts";
import {
  type Along,
  type Around,
  aroundAxes,
  layoutOf,
  onTwoAxes,
  type PerAxis,
  perAxis,
  reachOf,
} from "./window-layout.ts";

// Pooling over windows on the last one or two axes, in torch's layouts: [N,C,L] and [N,C,H,W].

export interface PoolingOptions {
  /** Numbers from one window to the next; default kernelSize. */
  readonly stride?: PerAxis;
  /** What windows may show around x: at all ends, of each axis, or `[before, after]` of each axis. Default 0. */
  readonly padding?: Around;
  /** Numbers from one to the next within a window; default 1. */
  readonly dilation?: PerAxis;
  /** The last window of an axis may reach beyond x and its padding, if it begins before the padding at the end; default false. */
  readonly ceilMode?: boolean;
}

export interface MeanPoolingOptions extends PoolingOptions {
  /** The padding counts as zeros; else the mean is that of what a window shows of x. Default true. */
  readonly countIncludePad?: boolean;
}

const NAMES = ["stride", "padding", "dilation", "ceilMode"];

interface Pooled {
  /** `[N*C, K, windows]` */
  readonly gathered: Tensor;
  readonly shape: readonly number[];
  readonly along: readonly Along[];
  readonly counts: readonly number[];
}

/** Windows of each channel by itself. */
function pooled(
  what: string,
  x: Tensor,
  kernelSize: PerAxis,
  options: PoolingOptions,
  axes: number,
  fill: number,
): Pooled {
  expectTensor(`${what}: x`, x, new Array<null>(axes + 2).fill(null), axes === 1 ? "[N,C,L]" : "[N,C,H,W]");
  const { stride = kernelSize, padding = 0, dilation = 1, ceilMode = false } = options;
  const sizes = perAxis(what, "kernelSize", kernelSize, axes);
  const strides = perAxis(what, "stride", stride, axes);
  const around = aroundAxes(what, padding, axes);
  const dilations = perAxis(what, "dilation", dilation, axes);
  checkSwitch(what, "ceilMode", ceilMode);
  const [N, C, ...lengths] = x.shape as [number, number, ...number[]];
  const along = lengths.map((S, i): Along => {
    const [before, after] = around[i]!;
    return { S, K: sizes[i]!, stride: strides[i]!, dilation: dilations[i]!, before, after };
  });
  const counts = along.map((axis) => countPooled(what, axis, ceilMode));
  const flat = reshape(x, onTwoAxes([1, N * C, ...lengths]));
  const gathered = windows(`${what} windows`, flat, layoutOf(along, counts), { fill });
  const K = sizes.reduce((product, n) => product * n, 1);
  const all = counts.reduce((product, n) => product * n, 1);
  return { gathered: reshape(gathered, [N * C, K, all]), shape: [N, C, ...counts], along, counts };
}

function countPooled(what: string, axis: Along, ceilMode: boolean): number {
  const { S, stride, before, after } = axis;
  const free = S + before + after - reachOf(axis);
  const last = ceilMode ? Math.ceil(free / stride) : Math.floor(free / stride);
  // As in torch, where a window would begin behind x.
  const count = ceilMode && last * stride >= S + before ? last : last + 1;
  if (count < 1)
    throw new ShapeError(
      `${what}: x has ${S} numbers along an axis, ${S + before + after} with its padding, fewer than a window needs (${reachOf(axis)}); pad it, or choose a smaller kernelSize or dilation`,
    );
  const empty = shownOf(axis, count, 0, S).indexOf(0);
  if (empty >= 0)
    throw new ShapeError(
      `${what}: window ${empty} of an axis of ${S} numbers shows nothing but padding; choose less padding than a window is long (${reachOf(axis)})`,
    );
  return count;
}

/** How many numbers from `from` to `to - 1` each window of an axis shows. */
const shownOf = ({ K, stride, dilation, before }: Along, count: number, from: number, to: number): number[] =>
  Array.from({ length: count }, (_, p) => {
    const places = Array.from({ length: K }, (__, k) => p * stride + k * dilation - before);
    return places.filter((s) => s >= from && s < to).length;
  });

function largest(what: string, axes: number, x: Tensor, kernelSize: PerAxis, options: PoolingOptions): Tensor {
  checkOptions(what, options, NAMES);
  const { gathered, shape } = pooled(what, x, kernelSize, options, axes, Number.NEGATIVE_INFINITY);
  return reshape(topK(what, gathered, 1, 1, false).values, shape);
}

function mean(what: string, axes: number, x: Tensor, kernelSize: PerAxis, options: MeanPoolingOptions): Tensor {
  checkOptions(what, options, [...NAMES, "countIncludePad"]);
  const { countIncludePad = true, ...others } = options;
  checkSwitch(what, "countIncludePad", countIncludePad);
  const { gathered, shape, along, counts } = pooled(what, x, kernelSize, others, axes, 0);
  const K = gathered.shape[1]!;
  const shown = along.map((axis, i) => {
    const [from, to] = countIncludePad ? [-axis.before, axis.S + axis.after] : [0, axis.S];
    return shownOf(axis, counts[i]!, from, to);
  });
  const divisors = shown.reduce((all, own) => all.flatMap((n) => own.map((m) => n * m)), [1]);
  if (divisors.every((n) => n === K)) return reshape(sum(what, gathered, [1], false, 1 / K), shape);
  const factors = constantTensor(
    "windows",
    divisors.map((n) => 1 / n),
  );
  return reshape(pointwise(what, "mul", [sum(what, gathered, [1], false), factors]), shape);
}

/**
 * The largest number of each window along the last axis, as [torch.nn.functional.max_pool1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool1d.html).
 * The gradient goes to the first of equal ones. For the largest of all steps of sequences see `maxPool`.
 * @param x f32 `[N,C,L]`
 * @param kernelSize numbers of a window
 * @returns `[N,C,P]`
 * @throws ShapeError for other shapes, or a window without anything of x; OptionError for an unknown option or a bad value
 */
export const maxPool1d = (x: Tensor, kernelSize: PerAxis, options: PoolingOptions = {}): Tensor =>
  largest("maxPool1d", 1, x, kernelSize, options);

/**
 * The largest number of each window on the last two axes, as [torch.nn.functional.max_pool2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html).
 * @param x f32 `[N,C,H,W]`
 * @param kernelSize numbers of a window along both axes, or along each
 * @returns `[N,C,P1,P2]`
 * @throws as {@link maxPool1d}
 */
export const maxPool2d = (x: Tensor, kernelSize: PerAxis, options: PoolingOptions = {}): Tensor =>
  largest("maxPool2d", 2, x, kernelSize, options);

/**
 * The mean of each window along the last axis, as [torch.nn.functional.avg_pool1d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool1d.html).
 * For the mean of all steps of sequences see `meanPool`.
 * @param x f32 `[N,C,L]`
 * @param kernelSize numbers of a window
 * @returns `[N,C,P]`
 * @throws as {@link maxPool1d}
 */
export const avgPool1d = (x: Tensor, kernelSize: PerAxis, options: MeanPoolingOptions = {}): Tensor =>
  mean("avgPool1d", 1, x, kernelSize, options);

/**
 * The mean of each window on the last two axes, as [torch.nn.functional.avg_pool2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html).
 * @param x f32 `[N,C,H,W]`
 * @param kernelSize numbers of a window along both axes, or along each
 * @returns `[N,C,P1,P2]`
 * @throws as {@link maxPool1d}
 */
export const avgPool2d = (x: Tensor, kernelSize: PerAxis, options: MeanPoolingOptions = {}): Tensor =>
  mean("avgPool2d", 2, x, kernelSize, options);
