import { checkCount, checkOptions, checkSwitch, OptionError, ShapeError } from "../../errors.ts";
import { type Shape, showShape, sizeOf } from "../../tensor-data.ts";
import { cumulativeSum, topK as topKOp } from "../ops/along-axis.ts";
import { concat, permute, reshape, slice } from "../ops/layout.ts";
import { pointwise, sum as sumOp } from "../ops/pointwise.ts";
import { softmax as softmaxOp } from "../ops/softmax.ts";
import type { Tensor } from "../tensor.ts";
import { toFloat } from "./arithmetic.ts";
import { axesOf, axisOf, expectAny } from "./checks.ts";

// Functions along axes. An axis is counted from the front, or from the end when negative; without one, all axes are meant.

/** One axis or several; default all of them. */
export type Axes = number | readonly number[];

export interface ReduceOptions {
  /** Leave the axes in the result, with length 1, so that it broadcasts against x; default false. */
  readonly keepdim?: boolean;
}

function reduced(what: string, x: Tensor, axis: Axes | undefined, options: ReduceOptions) {
  const { shape } = expectAny(`${what}: x`, x);
  checkOptions(what, options, ["keepdim"]);
  const { keepdim = false } = options;
  checkSwitch(what, "keepdim", keepdim);
  const axes = axesOf(what, axis, shape);
  return { axes, keepdim, count: axes.reduce((product, at) => product * shape[at]!, 1) };
}

/**
 * The sum over axes, as [torch.sum](https://docs.pytorch.org/docs/stable/generated/torch.sum.html); of whole numbers as f32.
 * @throws ShapeError for an axis that is not there
 */
export function sum(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  const { axes, keepdim } = reduced("sum", x, axis, options);
  return sumOp("sum", x, axes, keepdim);
}

/**
 * The mean over axes, as [torch.mean](https://docs.pytorch.org/docs/stable/generated/torch.mean.html).
 * @throws ShapeError for an axis that is not there
 */
export function mean(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  const { axes, keepdim, count } = reduced("mean", x, axis, options);
  return sumOp("mean", x, axes, keepdim, 1 / count);
}

/**
 * The variance over axes, as [torch.var](https://docs.pytorch.org/docs/stable/generated/torch.var.html).
 * @param options.correction what is taken off the count that the squares are divided by; default 1 (Bessel's), 0 for a whole population
 * @throws ShapeError for an axis that is not there; OptionError when nothing is left to divide by
 */
export function variance(
  x: Tensor,
  axis?: Axes,
  { correction = 1, ...options }: ReduceOptions & { readonly correction?: number } = {},
): Tensor {
  const { axes, keepdim, count } = reduced("variance", x, axis, options);
  checkCount("variance", "correction", correction, 0);
  if (correction >= count)
    throw new OptionError(
      `variance: correction is ${correction} for ${count} numbers of ${showShape(x.shape)}; choose a smaller one`,
    );
  const difference = pointwise("variance", "sub", [x, sumOp("mean", x, axes, true, 1 / count)]);
  return sumOp(
    "variance",
    pointwise("variance", "mul", [difference, difference]),
    axes,
    keepdim,
    1 / (count - correction),
  );
}

/**
 * The product over axes, as [torch.prod](https://docs.pytorch.org/docs/stable/generated/torch.prod.html); of whole numbers as f32.
 * @throws ShapeError for an axis that is not there
 */
export function prod(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  const { axes, keepdim, count } = reduced("prod", x, axis, options);
  const shape = without(x.shape, axes, keepdim);
  const others = x.shape.map((_, at) => at).filter((at) => !axes.includes(at));
  let y = reshape(permute(toFloat(x), [...axes, ...others]), [count, x.size / count]);
  // One half times the other: a division, as by logarithms, would not know what a 0 leaves.
  for (let n = count; n > 1; n = Math.ceil(n / 2)) {
    const half = Math.floor(n / 2);
    const product = pointwise("prod", "mul", [slice(y, 0, half), slice(y, half, half)]);
    y = n % 2 === 0 ? product : concat([product, slice(y, n - 1, 1)]);
  }
  return reshape(y, shape);
}

/** The axes as one, behind all others: what is asked of several axes at once is asked of that one. */
function gathered(x: Tensor, axes: readonly number[]): Tensor {
  const others = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const shape = others.map((axis) => x.shape[axis]!);
  return reshape(permute(x, [...others, ...axes]), [...shape, x.size / sizeOf(shape)]);
}

/** A shape without some axes, or with these of length 1. */
const without = (shape: Shape, axes: readonly number[], keepdim: boolean): Shape =>
  keepdim ? shape.map((n, axis) => (axes.includes(axis) ? 1 : n)) : shape.filter((_, axis) => !axes.includes(axis));

function extremes(what: string, smallest: boolean, x: Tensor, axis: Axes | undefined, options: ReduceOptions) {
  const { axes, keepdim } = reduced(what, x, axis, options);
  const shape = without(x.shape, axes, keepdim);
  const [at] = axes;
  const isOne = axes.length === 1;
  const rows = isOne ? toFloat(x) : gathered(toFloat(x), axes);
  const { values, indices } = topKOp(what, rows, isOne ? at! : rows.shape.length - 1, 1, smallest);
  return { values: reshape(values, shape), indices: reshape(indices, shape) };
}

/**
 * The largest number over axes, as [torch.amax](https://docs.pytorch.org/docs/stable/generated/torch.amax.html), but the gradient
 * goes to the first of equal ones (as that of torch.max with dim). NaN counts as the largest. For two tensors see `maximum`.
 * @throws ShapeError for an axis that is not there
 */
export const max = (x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor =>
  extremes("max", false, x, axis, options).values;

/**
 * The smallest number over axes, as [torch.amin](https://docs.pytorch.org/docs/stable/generated/torch.amin.html); gradient and NaN
 * as in {@link max}. For two tensors see `minimum`.
 * @throws ShapeError for an axis that is not there
 */
export const min = (x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor =>
  extremes("min", true, x, axis, options).values;

/**
 * Where the largest number stands, i32, as [torch.argmax](https://docs.pytorch.org/docs/stable/generated/torch.argmax.html): the
 * first of equal ones; over all axes its place in C order.
 * @throws ShapeError for an axis that is not there
 */
export const argmax = (x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor =>
  extremes("argmax", false, x, axis, options).indices;

/** Where the smallest number stands, i32, as [torch.argmin](https://docs.pytorch.org/docs/stable/generated/torch.argmin.html). @throws as {@link argmax} */
export const argmin = (x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor =>
  extremes("argmin", true, x, axis, options).indices;

/**
 * The k largest numbers of an axis in descending order and their indices (i32), as
 * [torch.topk](https://docs.pytorch.org/docs/stable/generated/torch.topk.html); of equal ones the first goes first.
 * @param options.axis default -1
 * @param options.largest false: the smallest ones, ascending; default true
 * @throws OptionError when the axis has fewer than k; ShapeError for an axis that is not there
 */
export function topK(
  x: Tensor,
  k: number,
  options: { readonly axis?: number; readonly largest?: boolean } = {},
): { readonly values: Tensor; readonly indices: Tensor } {
  checkOptions("topK", options, ["axis", "largest"]);
  const { axis = -1, largest = true } = options;
  const at = axisOf("topK", axis, expectAny("topK: x", x).shape);
  checkCount("topK", "k", k, 1, x.shape[at]);
  checkSwitch("topK", "largest", largest);
  return topKOp("topK", toFloat(x), at, k, !largest);
}

/**
 * The logarithm of the sum of exp(x) over axes, without overflow, as
 * [torch.logsumexp](https://docs.pytorch.org/docs/stable/generated/torch.logsumexp.html).
 * @throws ShapeError for an axis that is not there
 */
export function logSumExp(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  const { axes, keepdim } = reduced("logSumExp", x, axis, options);
  const label = "logSumExp";
  // Of the largest number only the size matters, so no gradient goes through it; rows of infinities have a finite one.
  const largest = max(x, axes, { keepdim: true });
  const most = pointwise(label, "detach", [pointwise(label, "clamp", [largest, -LARGEST, LARGEST])]);
  const exponentials = pointwise(label, "exp", [pointwise(label, "sub", [toFloat(x), most])]);
  const total = pointwise(label, "log", [sumOp(label, exponentials, axes, true)]);
  return reshape(pointwise(label, "add", [total, most]), without(x.shape, axes, keepdim));
}

/** The largest number of f32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * `exp(x) / sum of exp(x)` over an axis, as
 * [torch.softmax](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html). For a loss use `crossEntropy`,
 * which takes the numbers before softmax.
 * @param axis default -1
 * @throws ShapeError for an axis that is not there
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  const { shape } = expectAny("softmax: x", x);
  if (shape.length === 0) throw new ShapeError("softmax: x is a scalar, expected [..., C]");
  const at = axisOf("softmax", axis, shape);
  if (at === shape.length - 1) return softmaxOp("softmax", toFloat(x));
  return pointwise("softmax", "exp", [logSoftmax(x, at)]);
}

/**
 * The logarithm of {@link softmax}, without overflow, as
 * [torch.log_softmax](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html).
 * @param axis default -1
 * @throws ShapeError for an axis that is not there
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const at = axisOf("logSoftmax", axis, expectAny("logSoftmax: x", x).shape);
  return pointwise("logSoftmax", "sub", [toFloat(x), logSumExp(x, at, { keepdim: true })]);
}

/**
 * The sum of everything up to each entry of an axis, as [torch.cumsum](https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html).
 * @param axis default -1
 * @throws ShapeError for an axis that is not there
 */
export function cumSum(x: Tensor, axis = -1): Tensor {
  const at = axisOf("cumSum", axis, expectAny("cumSum: x", x).shape);
  return cumulativeSum("cumSum", toFloat(x), at);
}
