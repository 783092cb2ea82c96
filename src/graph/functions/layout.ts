import { checkNumber, OptionError, ShapeError, shown } from "../../errors.ts";
import { isWhole, type Shape, sameShape, showShape, sizeOf } from "../../tensor-data.ts";
import {
  concat as concatOp,
  flip as flipOp,
  permute as permuteOp,
  reshape as reshapeOp,
  slice as sliceOp,
} from "../ops/layout.ts";
import { pad as padOp } from "../ops/pad.ts";
import { broadcastShapes, pointwise } from "../ops/pointwise.ts";
import { shownTensor, type Tensor } from "../tensor.ts";
import { axesOf, axisOf, expectAny, expectCounts } from "./checks.ts";

// Functions that move numbers, of either element type. An axis is counted from the front, or from the end when negative.

/**
 * The same numbers, in C order, under another shape, as [torch.reshape](https://docs.pytorch.org/docs/stable/generated/torch.reshape.html);
 * nothing is copied.
 * @param shape one axis may be -1: what is left
 * @throws ShapeError when the sizes differ
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const { size } = expectAny("reshape: x", x);
  const wrong = () =>
    new ShapeError(`reshape: ${showShape(x.shape)} has ${size} numbers, which are not ${showShape(shape)}`);
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && (n >= 1 || n === -1))) throw wrong();
  const open = shape.indexOf(-1);
  const rest = sizeOf(shape.filter((n) => n !== -1));
  const whole = open < 0 ? shape : shape.with(open, size / rest);
  if (whole.includes(-1) || !whole.every(Number.isInteger) || sizeOf(whole) !== size) throw wrong();
  return reshapeOp(x, whole);
}

/**
 * Without axes of length 1, as [torch.squeeze](https://docs.pytorch.org/docs/stable/generated/torch.squeeze.html).
 * @param axis one or several, each of length 1; default all that are
 * @throws ShapeError for an axis that is longer (torch leaves it)
 */
export function squeeze(x: Tensor, axis?: number | readonly number[]): Tensor {
  const { shape } = expectAny("squeeze: x", x);
  const axes = axis === undefined ? shape.flatMap((n, at) => (n === 1 ? [at] : [])) : axesOf("squeeze", axis, shape);
  const long = axes.find((at) => shape[at] !== 1);
  if (long !== undefined)
    throw new ShapeError(
      `squeeze: axis ${long} of ${showShape(shape)} has length ${shape[long]}, expected 1; take one entry with slice`,
    );
  return reshapeOp(
    x,
    shape.filter((_, at) => !axes.includes(at)),
  );
}

/**
 * With an axis of length 1 more, as [torch.unsqueeze](https://docs.pytorch.org/docs/stable/generated/torch.unsqueeze.html).
 * @param axis where it stands in the result
 * @throws ShapeError for a place that the result does not have
 */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const { shape } = expectAny("unsqueeze: x", x);
  const at = axisOf("unsqueeze", axis, [...shape, 1]);
  return reshapeOp(x, [...shape.slice(0, at), 1, ...shape.slice(at)]);
}

/**
 * Repeated along axes of length 1, and new ones before them, as [Tensor.expand](https://docs.pytorch.org/docs/stable/generated/torch.Tensor.expand.html).
 * Pointwise functions do it by themselves.
 * @param shape -1 leaves an axis as it is
 * @throws ShapeError when x cannot be broadcast to it
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  const own = expectAny("expand: x", x).shape;
  const missing = shape.length - own.length;
  const whole = shape.map((n, axis) => (n === -1 ? (own[axis - missing] ?? -1) : n));
  if (
    missing < 0 ||
    !whole.every((n) => Number.isInteger(n) && n >= 1) ||
    !sameShape(broadcastShapes("expand", [own, whole]), whole)
  )
    throw new ShapeError(
      `expand: ${showShape(own)} cannot be expanded to ${showShape(shape)}; only axes of length 1 are repeated`,
    );
  return sameShape(own, whole) ? x : pointwise("expand", "expand", [x], whole);
}

/**
 * The axes in another order, as [torch.permute](https://docs.pytorch.org/docs/stable/generated/torch.permute.html).
 * @param order axis i of the result is axis `order[i]` of x
 * @throws ShapeError when it does not name every axis once
 */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const { shape } = expectAny("permute: x", x);
  const axes = Array.isArray(order) ? order.map((axis) => axisOf("permute", axis, shape)) : [];
  if (axes.length !== shape.length || new Set(axes).size !== shape.length)
    throw new ShapeError(`permute: the order is ${shown(order)}, expected each axis of ${showShape(shape)} once`);
  return permuteOp(x, axes);
}

/**
 * Two axes exchanged, as [torch.transpose](https://docs.pytorch.org/docs/stable/generated/torch.transpose.html).
 * @param a default -2
 * @param b default -1
 * @throws ShapeError for an axis that is not there
 */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  const { shape } = expectAny("transpose: x", x);
  const [first, second] = [axisOf("transpose", a, shape), axisOf("transpose", b, shape)];
  const order = shape.map((_, axis) => (axis === first ? second : axis === second ? first : axis));
  return permuteOp(x, order, "transpose");
}

/**
 * The other way round along axes, as [torch.flip](https://docs.pytorch.org/docs/stable/generated/torch.flip.html).
 * @param axis one or several; default all
 * @throws ShapeError for an axis that is not there
 */
export const flip = (x: Tensor, axis?: number | readonly number[]): Tensor =>
  flipOp(x, axesOf("flip", axis, expectAny("flip: x", x).shape));

/**
 * Joins tensors along an axis, as [torch.cat](https://docs.pytorch.org/docs/stable/generated/torch.cat.html); default the last one:
 * embeddings joined with numeric features.
 * @param tensors of one element type and of shapes that differ in that axis only
 * @param axis default -1
 * @throws ShapeError when there is no tensor, an axis is not there or shapes differ elsewhere
 */
export function concat(tensors: readonly Tensor[], axis = -1): Tensor {
  const [first, at] = expectAlike("concat", tensors, axis);
  tensors.forEach((x, i) => {
    const fits = x.dtype === first.dtype && x.shape.length === first.shape.length;
    if (fits && x.shape.every((n, k) => k === at || n === first.shape[k])) return;
    const expected = `${first.dtype} [${first.shape.map((n, k) => (k === at ? "any" : n))}]`;
    throw new ShapeError(
      `concat: tensors[${i}] is ${shownTensor(x)}, expected ${expected} as the first, along axis ${at}`,
    );
  });
  return concatOp(tensors, at);
}

/** The first of several tensors, and the axis that they are joined along. */
function expectAlike(what: string, tensors: readonly Tensor[], axis: number, more = 0): readonly [Tensor, number] {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new ShapeError(`${what}: there are no tensors, expected a list of at least one`);
  tensors.forEach((x, i) => {
    expectAny(`${what}: tensors[${i}]`, x, "a tensor");
  });
  const first = tensors[0] as Tensor;
  return [first, axisOf(what, axis, [...first.shape, ...Array<number>(more).fill(1)])];
}

/**
 * Tensors of one shape beside each other along a new axis, as [torch.stack](https://docs.pytorch.org/docs/stable/generated/torch.stack.html).
 * @param axis where it stands in the result; default 0
 * @throws ShapeError when there is no tensor, or shapes differ
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const [first, at] = expectAlike("stack", tensors, axis, 1);
  tensors.forEach((x, i) => {
    if (x.dtype !== first.dtype || !sameShape(x.shape, first.shape))
      throw new ShapeError(`stack: tensors[${i}] is ${shownTensor(x)}, expected ${shownTensor(first)} as the first`);
  });
  return concatOp(
    tensors.map((x) => unsqueeze(x, at)),
    at,
  );
}

/**
 * `count` entries of an axis from `start` on, every `step`-th of them, as x[..., start::step] and
 * [torch.narrow](https://docs.pytorch.org/docs/stable/generated/torch.narrow.html); default the last axis. Along the first axis
 * with step 1 nothing is copied.
 * @param axis default -1
 * @param step at least 1; default 1. Backwards: {@link flip}
 * @throws ShapeError when they are not there
 */
export function slice(x: Tensor, start: number, count: number, axis = -1, step = 1): Tensor {
  const at = axisOf("slice", axis, expectAny("slice: x", x).shape);
  const length = x.shape[at]!;
  const whole = [start, count, step].every(Number.isInteger);
  if (!whole || start < 0 || count < 1 || step < 1 || start + (count - 1) * step >= length) {
    const by = step === 1 ? "" : ` by steps of ${String(step)}`;
    throw new ShapeError(
      `slice: ${String(count)} from ${String(start)} on${by}, axis ${at} of ${showShape(x.shape)} has 0 to ${length - 1}`,
    );
  }
  return sliceOp(x, start, count, at, step);
}

/**
 * One entry of an axis, which the result does not have, as [torch.select](https://docs.pytorch.org/docs/stable/generated/torch.select.html).
 * @param index from the front, or from the end when negative
 * @param axis default 0
 * @throws ShapeError when it is not there
 */
export function select(x: Tensor, index: number, axis = 0): Tensor {
  const at = axisOf("select", axis, expectAny("select: x", x).shape);
  const length = x.shape[at]!;
  if (!Number.isInteger(index) || index < -length || index >= length)
    throw new ShapeError(
      `select: index is ${shown(index)}, axis ${at} of ${showShape(x.shape)} has 0 to ${length - 1}`,
    );
  return squeeze(sliceOp(x, index < 0 ? index + length : index, 1, at), at);
}

/**
 * Cut into pieces along an axis, as [torch.split](https://docs.pytorch.org/docs/stable/generated/torch.split.html).
 * @param sizes of every piece, or of each of them (the last one may be shorter)
 * @param axis default -1 (torch: 0)
 * @throws ShapeError when the pieces are not the whole axis
 */
export function split(x: Tensor, sizes: number | readonly number[], axis = -1): Tensor[] {
  const at = axisOf("split", axis, expectAny("split: x", x).shape);
  const length = x.shape[at]!;
  const all =
    typeof sizes === "number"
      ? Array.from({ length: Math.ceil(length / sizes) || 0 }, (_, i) => Math.min(sizes, length - i * sizes))
      : sizes;
  expectCounts("split", "sizes", all);
  if (all.reduce((total, n) => total + n, 0) !== length)
    throw new ShapeError(
      `split: pieces are ${shown(sizes)}, axis ${at} of ${showShape(x.shape)} has ${length} entries`,
    );
  let start = 0;
  return all.map((count) => {
    const piece = sliceOp(x, start, count, at);
    start += count;
    return piece;
  });
}

/**
 * With numbers before and after it along axes, as [torch.nn.functional.pad](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html)
 * with mode constant.
 * @param widths `[before, after]` for each axis, or for the last ones
 * @param options.value what is filled in; default 0
 * @throws ShapeError for more widths than axes; OptionError for other widths
 */
export function pad(
  x: Tensor,
  widths: readonly (readonly [number, number])[],
  options: { readonly value?: number } = {},
): Tensor {
  const { shape, dtype } = expectAny("pad: x", x);
  const { value = 0 } = options;
  checkNumber("pad", "value", value);
  if (dtype === "i32" && !isWhole(value)) throw new OptionError(`pad: value is ${value}, and x holds whole numbers`);
  if (!Array.isArray(widths) || widths.length > shape.length)
    throw new ShapeError(
      `pad: widths are ${shown(widths)}, expected [before, after] for at most the axes of ${showShape(shape)}`,
    );
  for (const pair of widths) {
    if (expectCounts("pad", "a pair of widths", pair, 0).length !== 2)
      throw new OptionError(`pad: widths are ${shown(widths)}, expected [before, after] for each axis`);
  }
  const missing = shape.length - widths.length;
  return padOp(
    x,
    shape.map((_, axis) => widths[axis - missing] ?? [0, 0]),
    value,
  );
}
