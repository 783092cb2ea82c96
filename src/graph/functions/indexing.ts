import { checkCount, OptionError, ShapeError, shown } from "../../errors.ts";
import { isWhole, LEAST_WHOLE, MOST_WHOLE, type Shape, sameShape, showShape } from "../../tensor-data.ts";
import { gather as gatherOp } from "../ops/along-axis.ts";
import { embedding as embeddingOp } from "../ops/embedding.ts";
import { reshape } from "../ops/layout.ts";
import { broadcastShapes, pointwise } from "../ops/pointwise.ts";
import { constantTensor, expectNumbers, shownTensor, Tensor } from "../tensor.ts";
import { toFloat } from "./arithmetic.ts";
import { axisOf, expectAny } from "./checks.ts";

function expectIndex(what: string, index: unknown): Tensor {
  if (index instanceof Tensor && index.dtype === "i32") return index;
  throw new ShapeError(`${what} is ${shownTensor(index)}, expected whole numbers, i32`);
}

const expanded = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : pointwise("expand", "expand", [x], shape);

/**
 * Entries of an axis by number: `y[i][j][k] = x[i][index[i][j][k]][k]` along axis 1, as
 * [torch.take_along_dim](https://docs.pytorch.org/docs/stable/generated/torch.take_along_dim.html), and torch.gather where the other
 * axes are as long as those of x. Equal indices add their gradients up.
 * @param index i32, as many axes as x, each as long as that of x, or 1 and then repeated; that axis of any length
 * @param axis default -1
 * @throws ShapeError when the shapes do not fit; DataError for an index that is given and not there (one that is computed gives NaN)
 */
export function gather(x: Tensor, index: Tensor, axis = -1): Tensor {
  const { shape } = expectAny("gather: x", x);
  const at = axisOf("gather", axis, shape);
  const own = expectIndex("gather: index", index).shape;
  if (own.length !== shape.length)
    throw new ShapeError(`gather: index has shape ${showShape(own)}, expected as many axes as x ${showShape(shape)}`);
  const others = broadcastShapes("gather", [shape.with(at, 1), own.with(at, 1)]);
  return gatherOp("gather", expanded(x, others.with(at, shape[at]!)), expanded(index, others.with(at, own[at]!)), at);
}

/**
 * The entries of an axis that a list of numbers names, as [torch.index_select](https://docs.pytorch.org/docs/stable/generated/torch.index_select.html).
 * @param index i32 `[K]`
 * @param axis default 0
 * @throws as {@link gather}
 */
export function indexSelect(x: Tensor, index: Tensor, axis = 0): Tensor {
  const { shape } = expectAny("indexSelect: x", x);
  const at = axisOf("indexSelect", axis, shape);
  if (expectIndex("indexSelect: index", index).shape.length !== 1)
    throw new ShapeError(`indexSelect: index has shape ${showShape(index.shape)}, expected [K]`);
  return gather(
    x,
    reshape(
      index,
      shape.map((_, i) => (i === at ? index.size : 1)),
    ),
    at,
  );
}

/** 0 in place of what stands on one side of a diagonal of the last two axes. */
function triangle(what: string, x: Tensor, diagonal: number, keeps: (above: number) => boolean): Tensor {
  const [R = 0, C = 0] = expectAny(`${what}: x`, x).shape.slice(-2);
  if (x.shape.length < 2) throw new ShapeError(`${what}: x has shape ${showShape(x.shape)}, expected [..., R, C]`);
  if (!Number.isSafeInteger(diagonal))
    throw new OptionError(`${what}: diagonal is ${shown(diagonal)}, expected a whole number`);
  const mask = Array.from({ length: R * C }, (_, i) => Number(keeps((i % C) - Math.floor(i / C) - diagonal)));
  return pointwise(what, "where", [constantTensor("triangle", mask, [R, C], "i32"), x, 0]);
}

/**
 * The last two axes with 0 above a diagonal, as [torch.tril](https://docs.pytorch.org/docs/stable/generated/torch.tril.html).
 * @param diagonal 0, the default: the main one; above it positive, below it negative
 * @throws ShapeError for fewer than two axes; OptionError for half a diagonal
 */
export const tril = (x: Tensor, diagonal = 0): Tensor => triangle("tril", x, diagonal, (above) => above <= 0);

/** The last two axes with 0 below a diagonal, as [torch.triu](https://docs.pytorch.org/docs/stable/generated/torch.triu.html). @throws as {@link tril} */
export const triu = (x: Tensor, diagonal = 0): Tensor => triangle("triu", x, diagonal, (above) => above >= 0);

/**
 * 1 at the place that a whole number names, 0 elsewhere, f32, on a new last axis, as
 * [torch.nn.functional.one_hot](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html). A number that is not
 * there, such as an ignored -100, gives zeros.
 * @param index i32 of any shape
 * @throws ShapeError for f32; OptionError for a number of classes below 1
 */
export function oneHot(index: Tensor, numClasses: number): Tensor {
  expectIndex("oneHot: index", index);
  checkCount("oneHot", "numClasses", numClasses);
  const classes = constantTensor(
    "classes",
    Array.from({ length: numClasses }, (_, i) => i),
    [numClasses],
    "i32",
  );
  return toFloat(pointwise("oneHot", "eq", [reshape(index, [...index.shape, 1]), classes]));
}

/**
 * Rows of a table by number, as [torch.nn.functional.embedding](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html).
 * @param index i32 of any shape
 * @param weight f32 `[V,E]`: a parameter's tensor, or computed
 * @returns `[..., E]`
 * @throws ShapeError for other shapes; DataError for an index that is given and not there (one that is computed gives NaN)
 */
export function embedding(index: Tensor, weight: Tensor): Tensor {
  expectIndex("embedding: index", index);
  if (expectNumbers("embedding: weight", weight, "f32 [V,E]").shape.length !== 2)
    throw new ShapeError(`embedding: weight has shape ${showShape(weight.shape)}, expected [V,E]`);
  return embeddingOp("embedding", index, weight);
}

/**
 * Numbers that are part of the plan, as [torch.tensor](https://docs.pytorch.org/docs/stable/generated/torch.tensor.html): quantiles,
 * weights of classes, a kernel.
 * @param values in C order
 * @param options.shape default one axis of all
 * @param options.dtype default f32
 * @throws ShapeError when there are not as many as the shape needs; OptionError for one that i32 does not have
 */
export function constant(
  values: readonly number[],
  { shape = [values.length], dtype = "f32" }: { readonly shape?: Shape; readonly dtype?: "f32" | "i32" } = {},
): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  if (values.length !== size || size === 0)
    throw new ShapeError(`constant: ${values.length} values for shape ${showShape(shape)}, which has ${size}`);
  const strange = dtype === "i32" ? values.findIndex((value) => !isWhole(value)) : -1;
  if (strange >= 0)
    throw new OptionError(
      `constant: values[${strange}] is ${shown(values[strange])}, expected a whole number from ${LEAST_WHOLE} to ${MOST_WHOLE} for dtype i32`,
    );
  return constantTensor("constant", values, shape, dtype);
}
