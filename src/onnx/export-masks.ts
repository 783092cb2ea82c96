import type { Tensor } from "../graph/tensor.ts";
import type { PoolKind } from "../kernels/pool.ts";
import type { GraphWriter, Length } from "./export-graph.ts";
import type { TracedNode } from "./export-trace.ts";
import { elementTypes } from "./proto.ts";

// What goes by lengths and masks: masks themselves, attention, pooling. A mask is i32 `[T,B]`, 1 where a step is real.

/** The lowest number of f32: before a softmax as good as -Infinity, and a row of it is no row of NaN. */
const LOWEST = -((2 - 2 ** -23) * 2 ** 127);

/** 0, 1, … of an axis as INT32 `[n]`. */
function steps(g: GraphWriter, length: Length, label: string): string {
  const count = g.node("Squeeze", [g.length(length), g.ints([0])], { label });
  const range = g.node("Range", [g.ints([0], []), count, g.ints([1], [])], { label });
  return g.node("Cast", [range], { attributes: { to: { int: elementTypes.INT32 } }, label });
}

/** The mask of lengths `[B]`, of a mask, or of both. */
export function writeMask(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [lengths, mask] = node.inputs as [Tensor | undefined, Tensor | undefined];
  const [y] = node.outputs as [Tensor];
  const [{ batchFirst }] = attributes as readonly [{ readonly batchFirst: boolean }];
  const { label } = node;
  const parts: string[] = [];
  if (lengths) {
    const column = g.node("Unsqueeze", [steps(g, g.lengths(y)[0]!, label), g.ints([1])], { label });
    parts.push(g.node("Less", [column, g.value(lengths)], { label }));
  }
  if (mask) parts.push(batchFirst ? g.transposed(g.bool(mask), [1, 0], label) : g.bool(mask));
  g.defineBool(y, parts.length === 2 ? g.node("And", parts, { label }) : parts[0]!);
}

/** A mask `[T,B]` before numbers `[T,B,...]`, as BOOL. */
function before(g: GraphWriter, mask: Tensor, x: Tensor, label: string): string {
  const further = x.shape.length - 2;
  if (further === 0) return g.bool(mask);
  const axes = Array.from({ length: further }, (_, i) => i + 2);
  return g.node("Unsqueeze", [g.bool(mask), g.ints(axes)], { label });
}

/** `x [T,B,...]`, zero where the mask is. */
export function writeMaskedRows(g: GraphWriter, { node }: TracedNode): void {
  const [x, mask] = node.inputs as [Tensor, Tensor];
  g.node("Where", [before(g, mask, x, node.label), g.value(x), g.scalar(0)], { to: node.outputs[0] });
}

/** Softmax over the last axis of `scale * scores [T,B,S]`, over the real ones by `mask [S,B]`; zeros where there is none. */
export function writeMaskedSoftmax(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [scores, mask] = node.inputs as [Tensor, Tensor | undefined];
  const [y] = node.outputs as [Tensor];
  const [{ scale }] = attributes as readonly [{ readonly scale: number }];
  const { label } = node;
  const last = { axis: { int: -1 } };
  const scaled = scale === 1 ? g.value(scores) : g.node("Mul", [g.value(scores), g.scalar(scale)], { label });
  if (!mask) {
    g.node("Softmax", [scaled], { attributes: last, to: y });
    return;
  }
  const real = g.transposed(g.bool(mask), [1, 0], label);
  const weights = g.node("Softmax", [g.node("Where", [real, scaled, g.scalar(LOWEST)], { label })], {
    attributes: last,
    label,
  });
  g.node("Where", [real, weights, g.scalar(0)], { to: y });
}

/** `scores[t,b,s] = v · tanh(queries[t,b] + keys[s,b])`. */
export function writeAdditiveScores(g: GraphWriter, { node }: TracedNode): void {
  const [queries, keys, v] = node.inputs as [Tensor, Tensor, Tensor];
  const { label } = node;
  const q = g.node("Unsqueeze", [g.value(queries), g.ints([2])], { label });
  const k = g.transposed(g.value(keys), [1, 0, 2], label);
  const compared = g.node("Tanh", [g.node("Add", [q, k], { label })], { label });
  g.node("MatMul", [compared, g.value(v)], { to: node.outputs[0] });
}

/** Mean, largest or last of the real steps of `x [T,B,C]`: `[B,C]`, 0 where none is real. */
export function writePool(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x, mask] = node.inputs as [Tensor, Tensor | undefined];
  const [y] = node.outputs as [Tensor];
  const [{ kind }] = attributes as readonly [{ readonly kind: PoolKind }];
  const { label } = node;
  const first = { axes: { ints: [0] }, keepdims: { int: 0 } };
  if (!mask) {
    if (kind === "last") g.node("Gather", [g.value(x), g.ints([-1], [])], { attributes: { axis: { int: 0 } }, to: y });
    else g.node(kind === "mean" ? "ReduceMean" : "ReduceMax", [g.value(x)], { attributes: first, to: y });
    return;
  }
  const real = before(g, mask, x, label);
  const sum = (of: string, to?: Tensor) =>
    g.node("ReduceSum", [of, g.ints([0])], { attributes: { keepdims: { int: 0 } }, to, label });
  const masked = (otherwise: number) => g.node("Where", [real, g.value(x), g.scalar(otherwise)], { label });
  // [B,1]
  const count = g.node("Unsqueeze", [sum(g.as(mask, "f32")), g.ints([1])], { label });
  if (kind === "mean") {
    g.node("Div", [sum(masked(0)), g.node("Max", [count, g.scalar(1)], { label })], { to: y });
    return;
  }
  let taken: string;
  if (kind === "max") taken = g.node("ReduceMax", [masked(LOWEST)], { attributes: first, label });
  else {
    const column = g.node("Unsqueeze", [steps(g, g.lengths(x)[0]!, label), g.ints([1])], { label });
    const places = g.node("Where", [g.bool(mask), column, g.scalar(0, "i32")], { label });
    const last = g.node("ReduceMax", [places], { attributes: { axes: { ints: [0] }, keepdims: { int: 1 } }, label });
    const [, B, C] = g.lengths(x) as [Length, Length, Length];
    const one = C.map(() => 1);
    const column3 = g.node("Unsqueeze", [last, g.ints([2])], { label });
    const index = g.node("Expand", [column3, g.shape([one, B, C])], { label });
    const rows = g.node("GatherElements", [g.value(x), index], { attributes: { axis: { int: 0 } }, label });
    taken = g.node("Squeeze", [rows, g.ints([0])], { label });
  }
  g.node("Where", [g.node("Greater", [count, g.scalar(0)], { label }), taken, g.scalar(0)], { to: y });
}
