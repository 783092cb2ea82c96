import { ShapeError } from "../../errors.ts";
import { type OperationName, operationKinds } from "../../kernels/operation-kinds.ts";
import { type DType, isWhole, type Shape, showShape } from "../../tensor-data.ts";
import { onDemand } from "../commands.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import type { PointwiseAttributes, SumAttributes } from "./pointwise-group.ts";

const pointwiseOp: Op<PointwiseAttributes> = /* @__PURE__ */ onDemand("pointwise");
/** Through it no gradient goes. */
const fixedOp: Op<PointwiseAttributes> = /* @__PURE__ */ onDemand("pointwise", { hasGradient: false });
const sumOp: Op<SumAttributes> = /* @__PURE__ */ onDemand("sum");

/** An operand: a tensor, or a plain number. */
export type Operand = Tensor | number;

/**
 * The shape that shapes are broadcast to, by NumPy's rule: from the last axis on, lengths are equal or 1, or there is no such axis.
 * @throws ShapeError when they do not fit together
 */
export function broadcastShapes(what: string, shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const length = lengths.find((n) => n !== 1) ?? 1;
    if (lengths.every((n) => n === 1 || n === length)) return length;
    throw new ShapeError(
      `${what}: shapes ${shapes.map(showShape).join(" and ")} cannot be broadcast: counted from the last axis, lengths must be equal or 1; reshape or unsqueeze one of them`,
    );
  });
}

/** The element type of an operation's result. */
function resultType(name: OperationName, operands: readonly Operand[]): DType {
  const { whole, gives, condition } = operationKinds[name];
  if (gives) return gives;
  const values = condition ? operands.slice(1) : operands;
  const tensors = values.filter((x) => typeof x !== "number");
  const isI32 = values.every((x) => (typeof x === "number" ? isWhole(x) : x.dtype === "i32"));
  return whole && isI32 && tensors.length > 0 ? "i32" : "f32";
}

/** An operation on tensors and plain numbers, at least one of them a tensor, broadcast as in NumPy (and to `shape`). */
export function pointwise(label: string, name: OperationName, operands: readonly Operand[], shape?: Shape): Tensor {
  const tensors = operands.filter((x) => typeof x !== "number");
  const shapes = tensors.map((tensor) => tensor.shape);
  const output = { shape: shape ?? broadcastShapes(label, shapes), dtype: resultType(name, operands) };
  const op = operationKinds[name].differentiable && output.dtype === "f32" ? pointwiseOp : fixedOp;
  const attributes = { operation: name, numbers: operands.map((x) => (typeof x === "number" ? x : undefined)) };
  return apply(op, label, tensors, [output], attributes)[0]!;
}

/** `factor * sum` over axes, which stay with length 1 where they are kept. */
export function sum(label: string, x: Tensor, axes: readonly number[], keepdim: boolean, factor = 1): Tensor {
  const keptShape = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
  const shape = keepdim ? keptShape : x.shape.filter((_, axis) => !axes.includes(axis));
  return apply(sumOp, label, [x], [{ shape }], { axes, factor, keptShape })[0]!;
}
