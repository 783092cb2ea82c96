import { type Leaf, pointwise as pointwiseCommands, pointwiseSums } from "../../kernels/pointwise.ts";
import { type Term, Terms } from "../../kernels/terms.ts";
import type { View } from "../../plan/plan.ts";
import type { Shape } from "../../tensor-data.ts";
import type { Commands, ScaledGradient } from "../commands.ts";
import type { Emitter } from "../op.ts";
import type { Node, Tensor } from "../tensor.ts";
import { type Group, gradientsOf, groupOf, termsOf } from "./pointwise-group.ts";

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

/** A gradient times one number. */
export function scaleGradient(e: Emitter, { label, from, by, shape, to, accumulate }: ScaledGradient): void {
  const terms = new Terms();
  const result = terms.apply("mul", terms.leaf(0, "f32"), terms.leaf(1, "f32"));
  const leaves = [
    { view: from, shape },
    { view: by, shape: [] },
  ];
  e.emit(...pointwiseCommands(e.target, { label, terms, result, leaves, shape, to, accumulate }, from));
}

export const pointwiseGroupCommands: Commands = { forward, backward };
