import { ShapeError } from "../errors.ts";
import { concat as concatOp, slice as sliceOp } from "../graph/ops/layout.ts";
import { type RealSteps, sequenceMask } from "../graph/ops/mask.ts";
import { type ActivationOp, activate, multiply, weightedSum } from "../graph/ops/pointwise.ts";
import { poolSteps } from "../graph/ops/pool.ts";
import { softmax as softmaxOp } from "../graph/ops/softmax.ts";
import { expectNumbers, expectTensor, shownTensor, Tensor } from "../graph/tensor.ts";
import { type Shape, sameShape, showShape } from "../tensor-data.ts";

// Layers without weights, as functions of symbolic tensors: what torch.nn.functional is to torch.nn.

const numbers = "a symbolic tensor of f32";
const activation = (name: ActivationOp, x: Tensor): Tensor =>
  activate(name, name, expectNumbers(`${name}: x`, x, numbers));

/**
 * `1 / (1 + exp(-x))`, as [torch.sigmoid](https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html).
 * @param x f32 of any shape
 * @throws ShapeError for anything but f32
 */
export const sigmoid = (x: Tensor): Tensor => activation("sigmoid", x);

/**
 * The hyperbolic tangent, as [torch.tanh](https://docs.pytorch.org/docs/stable/generated/torch.tanh.html).
 * @param x f32 of any shape
 * @throws ShapeError for anything but f32
 */
export const tanh = (x: Tensor): Tensor => activation("tanh", x);

/**
 * `max(x, 0)`, as [torch.relu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html); its gradient at 0
 * is 0.
 * @param x f32 of any shape
 * @throws ShapeError for anything but f32
 */
export const relu = (x: Tensor): Tensor => activation("relu", x);

/**
 * `x · Φ(x)`, Φ the normal distribution function: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)",
 * [arXiv 1606.08415](https://arxiv.org/abs/1606.08415). The exact form, `x · (1 + erf(x / √2)) / 2`, which is the default of
 * [torch.nn.functional.gelu](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html), not its approximation
 * by tanh.
 * @param x f32 of any shape
 * @throws ShapeError for anything but f32
 */
export const gelu = (x: Tensor): Tensor => activation("gelu", x);

/**
 * `exp(x) / sum of exp(x)` over the last axis, as
 * [torch.softmax](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html) with dim -1. For a loss use
 * `crossEntropy`, which takes the numbers before softmax.
 * @param x f32 `[..., C]`
 * @throws ShapeError for anything but f32 with an axis
 */
export function softmax(x: Tensor): Tensor {
  if (expectNumbers("softmax: x", x, numbers).shape.length === 0)
    throw new ShapeError("softmax: x is a scalar, expected [..., C]");
  return softmaxOp("softmax", x);
}

function expectPair(what: string, a: Tensor, b: Tensor): void {
  expectNumbers(`${what}: a`, a, numbers);
  expectNumbers(`${what}: b`, b, numbers);
  const last = a.shape.slice(Math.max(0, a.shape.length - b.shape.length));
  if (sameShape(last, b.shape)) return;
  const turned = sameShape(b.shape.slice(b.shape.length - a.shape.length), a.shape) ? "; swap the two" : "";
  throw new ShapeError(
    `${what}: b has shape ${showShape(b.shape)}, expected that of a, ${showShape(a.shape)}, or its last axes${turned}`,
  );
}

/**
 * `a + b`, element by element: residual connections, biases.
 * @param a f32 of any shape
 * @param b f32 of the same shape, or of the last axes of it, such as `[C]` or `[B,C]` for `[T,B,C]`: added to each of those parts
 * @throws ShapeError for other shapes
 */
export function add(a: Tensor, b: Tensor): Tensor {
  expectPair("add", a, b);
  return weightedSum("add", a, b);
}

/**
 * `a - b`, element by element; shapes as in {@link add}.
 * @throws ShapeError for other shapes
 */
export function sub(a: Tensor, b: Tensor): Tensor {
  expectPair("sub", a, b);
  return weightedSum("sub", a, b, 1, -1);
}

/**
 * `a · b`, element by element: gates, masks of numbers; shapes as in {@link add}.
 * @throws ShapeError for other shapes
 */
export function mul(a: Tensor, b: Tensor): Tensor {
  expectPair("mul", a, b);
  return multiply("mul", a, b);
}

/** The axis counted from the front. */
function axisOf(what: string, axis: number, { length }: Shape): number {
  if (!Number.isInteger(axis) || axis < -length || axis >= length) {
    throw new ShapeError(
      `${what}: axis is ${String(axis)}, expected a whole number from ${-length} to ${length - 1} for ${length} axes`,
    );
  }
  return axis < 0 ? axis + length : axis;
}

/** i32 lie in memory that kernels of numbers cannot copy by pieces. */
function expectWhole(what: string, { dtype, shape }: Tensor, axis: number): void {
  if (dtype === "i32" && shape.slice(0, axis).some((n) => n !== 1))
    throw new ShapeError(`${what}: x is i32 ${showShape(shape)}, which is taken along axis 0 only, not ${axis}`);
}

/**
 * Joins tensors along an axis, as [torch.cat](https://docs.pytorch.org/docs/stable/generated/torch.cat.html); default the last one:
 * embeddings joined with numeric features.
 * @param tensors f32 of shapes that differ in that axis only (i32 along axis 0)
 * @param axis from the front, or from the end when negative; default -1
 * @throws ShapeError when there is no tensor, an axis is not there or shapes differ elsewhere
 */
export function concat(tensors: readonly Tensor[], axis = -1): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new ShapeError("concat: there are no tensors, expected a list of at least one");
  const first = tensors[0] as Tensor;
  if (!(first instanceof Tensor))
    throw new ShapeError(`concat: tensors[0] is ${shownTensor(first)}, expected a tensor`);
  const at = axisOf("concat", axis, first.shape);
  tensors.forEach((x: Tensor, i) => {
    const fits =
      x instanceof Tensor &&
      x.dtype === first.dtype &&
      x.shape.length === first.shape.length &&
      x.shape.every((n, k) => k === at || n === first.shape[k]);
    if (!fits) {
      const expected = `${first.dtype} [${first.shape.map((n, k) => (k === at ? "any" : n))}]`;
      throw new ShapeError(
        `concat: tensors[${i}] is ${shownTensor(x)}, expected ${expected} as the first, along axis ${at}`,
      );
    }
    expectWhole("concat", x, at);
  });
  return concatOp(tensors, at);
}

/**
 * `count` entries of an axis from `start` on, as [torch.narrow](https://docs.pytorch.org/docs/stable/generated/torch.narrow.html);
 * default the last axis. Along the first axis nothing is copied.
 * @param x f32 (i32 along axis 0)
 * @param axis from the front, or from the end when negative; default -1
 * @throws ShapeError when they are not there
 */
export function slice(x: Tensor, start: number, count: number, axis = -1): Tensor {
  if (!(x instanceof Tensor)) throw new ShapeError(`slice: x is ${shownTensor(x)}, expected a symbolic tensor`);
  const at = axisOf("slice", axis, x.shape);
  const length = x.shape[at]!;
  const whole = Number.isInteger(start) && Number.isInteger(count);
  if (!whole || start < 0 || count < 1 || start + count > length) {
    throw new ShapeError(
      `slice: ${String(count)} from ${String(start)} on, axis ${at} of ${showShape(x.shape)} has 0 to ${length - 1}`,
    );
  }
  expectWhole("slice", x, at);
  return sliceOp(x, start, count, at);
}

function poolOf(what: string, kind: "mean" | "max" | "last", x: Tensor, real: RealSteps | undefined): Tensor {
  expectTensor(`${what}: x`, x, [null, null, null], "[T,B,C]");
  const [T, B] = x.shape as [number, number, number];
  return poolSteps(`${kind}-pool`, kind, x, sequenceMask(what, real, T, B));
}

/**
 * The mean of each sequence's real steps: `[T,B,C]` to `[B,C]`, as
 * [GlobalAveragePooling1D](https://keras.io/api/layers/pooling_layers/global_average_pooling1d/) of Keras with a mask. A sequence
 * without any real step gives 0.
 * @param x f32 `[T,B,C]`
 * @param real which steps are real; default all
 * @throws ShapeError for other shapes or element types
 */
export const meanPool = (x: Tensor, real?: RealSteps): Tensor => poolOf("meanPool", "mean", x, real);

/**
 * The largest of each sequence's real steps, unit by unit: `[T,B,C]` to `[B,C]`, as
 * [GlobalMaxPooling1D](https://keras.io/api/layers/pooling_layers/global_max_pooling1d/) of Keras, real steps only. The gradient goes
 * to the first of equal ones. A sequence without any real step gives 0.
 * @param x f32 `[T,B,C]`
 * @param real which steps are real; default all
 * @throws ShapeError for other shapes or element types
 */
export const maxPool = (x: Tensor, real?: RealSteps): Tensor => poolOf("maxPool", "max", x, real);

/**
 * The last of each sequence's real steps: `[T,B,C]` to `[B,C]`; of a forward layer's output what its final state is, as
 * Keras layers [without return_sequences](https://keras.io/api/layers/recurrent_layers/lstm/). A sequence without any real step
 * gives 0.
 * @param x f32 `[T,B,C]`
 * @param real which steps are real; default all
 * @throws ShapeError for other shapes or element types
 */
export const lastPool = (x: Tensor, real?: RealSteps): Tensor => poolOf("lastPool", "last", x, real);
