import { ShapeError } from "../../errors.ts";
import { type OperationName, operations } from "../../kernels/operations.ts";
import { type Leaf, pointwise as pointwiseCommands, pointwiseSums } from "../../kernels/pointwise.ts";
import type { Term, Terms } from "../../kernels/terms.ts";
import type { View } from "../../plan/plan.ts";
import { type DType, isWhole, type Shape, showShape } from "../../tensor-data.ts";
import type { Emitter, Op } from "../op.ts";
import { apply, type Node, type Tensor } from "../tensor.ts";
import {
  type Group,
  gradientsOf,
  groupOf,
  type PointwiseAttributes,
  type SumAttributes,
  termsOf,
} from "./pointwise-group.ts";

// Pointwise operations and sums. A chain of them is one dispatch: an operation whose result only one other chain reads is
// computed where it is read, and written nowhere (pointwise-group.ts says which).

const unusedView = (e: Emitter): View => e.scratch("unused", 4);

const leafOf = (e: Emitter, tensor: Tensor): Leaf => ({ view: e.view(tensor), shape: tensor.shape });

/** Emits what a group computes; nothing for an operation that another group computes. */
function forward(node: Node, e: Emitter): void {
  const group = groupOf(e, node);
  if (!group) return;
  const { terms, result } = termsOf(group);
  const [output] = node.outputs;
  const call = {
    label: node.label,
    terms,
    result,
    leaves: group.leaves.map((tensor) => leafOf(e, tensor)),
    shape: group.shape,
    to: e.allocate(output!, node.label),
  };
  if (!group.sum) e.emit(...pointwiseCommands(e.target, call, unusedView(e)));
  else {
    const scratch = (length: number) => e.scratch(`${node.label} in parts`, length);
    e.emit(...pointwiseSums(e.target, { ...call, ...group.sum }, unusedView(e), scratch));
  }
}

/** The gradient by every leaf of a group, each in one dispatch. */
function backward(node: Node, e: Emitter): void {
  const group = groupOf(e, node);
  if (!group) return;
  const outputGradient = e.gradient(node.outputs[0]!);
  if (!outputGradient) return;
  const wanted = group.leaves.filter((tensor) => e.needsGradient(tensor));
  const { terms, of, isGiven } = gradientsOf(group, wanted);
  // The leaves of a gradient: those of the group, its result, and the gradient by that.
  const leaves: Leaf[] = [
    ...group.leaves.map((tensor) => leafOf(e, tensor)),
    { view: e.view(node.outputs[0]!), shape: group.outputShape },
    { view: outputGradient, shape: group.outputShape },
  ];
  // Memory that becomes another tensor's gradient may be added to, so it is handed on when all others have read it.
  const handedOn = wanted.findLast((tensor) => isGiven(tensor) && tensor.size === node.outputs[0]!.size);
  for (const tensor of wanted) {
    const result = of(tensor);
    if (result && tensor !== handedOn) emitGradient(e, group, { terms, result, leaves, tensor });
  }
  if (handedOn) e.contribute(handedOn, outputGradient);
}

function emitGradient(
  e: Emitter,
  { root, shape }: Group,
  { terms, result, leaves, tensor }: { terms: Terms; result: Term; leaves: readonly Leaf[]; tensor: Tensor },
): void {
  const { view: to, accumulate } = e.gradientInto(tensor);
  const call = { label: `${root.label} gradient`, terms, result, leaves, shape, to, accumulate };
  const repeated = shape.map((_, axis) => axis).filter((axis) => isRepeated(tensor.shape, shape, axis));
  if (repeated.length === 0) e.emit(...pointwiseCommands(e.target, call, unusedView(e)));
  else {
    const scratch = (length: number) => e.scratch(`${call.label} in parts`, length);
    e.emit(...pointwiseSums(e.target, { ...call, axes: repeated, factor: 1 }, unusedView(e), scratch));
  }
}

/** Whether a tensor of a shape is repeated along an axis of the shape that it is broadcast to. */
const isRepeated = (own: Shape, shape: Shape, axis: number): boolean =>
  shape[axis] !== 1 && (own[axis - shape.length + own.length] ?? 1) === 1;

const pointwiseOp: Op<PointwiseAttributes> = { name: "pointwise", forward, backward };
/** Through it no gradient goes. */
const fixedOp: Op<PointwiseAttributes> = { name: "pointwise", forward };
const sumOp: Op<SumAttributes> = { name: "sum", forward, backward };

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
  const { integer, gives, condition } = operations[name];
  if (gives) return gives;
  const values = condition ? operands.slice(1) : operands;
  const tensors = values.filter((x) => typeof x !== "number");
  const isI32 = values.every((x) => (typeof x === "number" ? isWhole(x) : x.dtype === "i32"));
  return integer && isI32 && tensors.length > 0 ? "i32" : "f32";
}

/** An operation on tensors and plain numbers, at least one of them a tensor, broadcast as in NumPy (and to `shape`). */
export function pointwise(label: string, name: OperationName, operands: readonly Operand[], shape?: Shape): Tensor {
  const tensors = operands.filter((x) => typeof x !== "number");
  const shapes = tensors.map((tensor) => tensor.shape);
  const output = { shape: shape ?? broadcastShapes(label, shapes), dtype: resultType(name, operands) };
  const op = operations[name].gradient && output.dtype === "f32" ? pointwiseOp : fixedOp;
  const attributes = { operation: name, numbers: operands.map((x) => (typeof x === "number" ? x : undefined)) };
  return apply(op, label, tensors, [output], attributes)[0]!;
}

/** `factor * sum` over axes, which stay with length 1 where they are kept. */
export function sum(label: string, x: Tensor, axes: readonly number[], keepdim: boolean, factor = 1): Tensor {
  const keptShape = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
  const shape = keepdim ? keptShape : x.shape.filter((_, axis) => !axes.includes(axis));
  return apply(sumOp, label, [x], [{ shape }], { axes, factor, keptShape })[0]!;
}
