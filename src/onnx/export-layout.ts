import { InternalError } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type Shape, sizeOf } from "../tensor-data.ts";
import { type GraphWriter, isFixed, type Length, Refusal, sameLength } from "./export-graph.ts";
import type { TracedNode } from "./export-trace.ts";
import { elementTypes } from "./proto.ts";

// How tensors are laid out: reshape, slice, permute, flip, concat, pad, and numbers along an axis.

/** Beyond every axis: a Slice goes to its end then. */
const FAR = Number.MAX_SAFE_INTEGER;

/** Strides of a tensor that lies in C order. */
const rowStrides = (shape: Shape): number[] => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

export function writeReshape(g: GraphWriter, { node }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  g.reshape(g.value(x), g.lengths(x), g.lengths(y), y);
}

interface Strided {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Slice, permute and flip are one op with an offset and strides; what they are is told from these. */
export function writeStrided(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const all = attributes as readonly Strided[];
  const from = g.lengths(x);
  const to = g.lengths(y);
  const shapeOf = (lengths: readonly Length[], k: number) => lengths.map((length) => length[k]!);
  const own = rowStrides(x.shape);
  const [{ strides }] = all as [Strided];
  if (strides.some((stride) => stride < 0)) {
    const axes = strides.flatMap((stride, axis) => (stride < 0 ? [axis] : []));
    const each = (n: number) => g.ints(axes.map(() => n));
    g.node("Slice", [g.value(x), each(-1), each(-FAR), g.ints(axes), each(-1)], { to: y });
    return;
  }
  const changed = from.flatMap((length, axis) => (to[axis] && sameLength(length, to[axis]) ? [] : [axis]));
  const [axis] = changed;
  if (axis !== undefined && changed.length === 1 && strides.every((stride, i) => i === axis || stride === own[i])) {
    const start = all.map(({ offset }, k) => offset / rowStrides(shapeOf(from, k))[axis]!);
    writeSlice(g, x, y, axis, start, strides[axis]! / own[axis]!);
    return;
  }
  const left = own.map((_, i) => i);
  const perm = strides.map((stride, i) => {
    const at = left.findIndex((j) => own[j] === stride && sameLength(from[j]!, to[i]!));
    if (at < 0) throw new InternalError(`${node.label}: strides ${strides} of ${x.shape} are no permutation`);
    return left.splice(at, 1)[0]!;
  });
  g.node("Transpose", [g.value(x)], { attributes: { perm: { ints: perm } }, to: y });
}

/** Entries of an axis from `start` on. */
function writeSlice(g: GraphWriter, x: Tensor, y: Tensor, axis: number, start: Length, step: number): void {
  const length = g.lengths(x)[axis]!;
  const count = g.lengths(y)[axis]!;
  const end = start.map((one, k) => one + (count[k]! - 1) * step + 1);
  const fromEnd = (at: Length) => at.map((one, k) => one - length[k]!);
  const startInput = isFixed(start)
    ? g.ints([start[0]!])
    : isFixed(fromEnd(start))
      ? g.ints(fromEnd(start).slice(0, 1))
      : g.length(start);
  const rest = fromEnd(end);
  const endInput = isFixed(end)
    ? g.ints([end[0]!])
    : rest.every((one) => one > -step)
      ? g.ints([FAR])
      : isFixed(rest)
        ? g.ints([rest[0]!])
        : g.length(end);
  const steps = step === 1 ? undefined : g.ints([step]);
  g.node("Slice", [g.value(x), startInput, endInput, g.ints([axis]), steps], { to: y });
}

export function writeConcat(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [{ axis }] = attributes as readonly [{ readonly axis: number }];
  const inputs = node.inputs.map((x) => g.value(x!));
  g.node("Concat", inputs, { attributes: { axis: { int: axis } }, to: node.outputs[0] });
}

export function writePad(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const [{ before, value }] = attributes as readonly [{ readonly before: readonly number[]; readonly value: number }];
  const [from, to] = [g.lengths(x), g.lengths(y)];
  const after = to.map((length, axis) => length.map((n, k) => n - from[axis]![k]! - before[axis]!));
  if (!after.every(isFixed))
    throw new Refusal("how much is filled up depends on the length of an open axis", "give that axis a number");
  const pads = g.ints([...before, ...after.map(([n]) => n!)]);
  g.node("Pad", [g.value(x), pads, g.scalar(value, x.dtype)], { to: y });
}

/** The axis along which `A` rows of `R` entries lie, of which `y` has others. */
function axisOf(g: GraphWriter, x: Tensor, y: Tensor, A: number): number {
  const changed = g.lengths(x).findIndex((length, axis) => !sameLength(length, g.lengths(y)[axis]!));
  if (changed >= 0) return changed;
  return x.shape.findIndex((_, axis) => sizeOf(x.shape.slice(0, axis)) === A);
}

interface Taken {
  readonly A: number;
  readonly K: number;
  readonly R: number;
}

export function writeTopK(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [values, indices] = node.outputs as [Tensor, Tensor];
  const [{ A, K, smallest }] = attributes as readonly [Taken & { readonly smallest: boolean }];
  const axis = axisOf(g, x, values, A);
  if (K === 1) {
    const [most, at] = smallest ? (["ReduceMin", "ArgMin"] as const) : (["ReduceMax", "ArgMax"] as const);
    g.node(most, [g.value(x)], { attributes: { axes: { ints: [axis] } }, to: values });
    const index = g.node(at, [g.value(x)], { attributes: { axis: { int: axis } }, label: node.label });
    g.node("Cast", [index], { attributes: { to: { int: elementTypes.INT32 } }, to: indices });
    return;
  }
  const k = g.length(g.lengths(values)[axis]!);
  const made = g.nodes("TopK", [g.value(x), k], [values, undefined], {
    attributes: { axis: { int: axis }, largest: { int: smallest ? 0 : 1 } },
    label: node.label,
  });
  g.node("Cast", [made[1]!], { attributes: { to: { int: elementTypes.INT32 } }, to: indices });
}

export function writeGather(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x, index] = node.inputs as [Tensor, Tensor];
  const [{ A }] = attributes as readonly [Taken];
  const axis = axisOf(g, x, index, A);
  g.node("GatherElements", [g.value(x), g.value(index)], { attributes: { axis: { int: axis } }, to: node.outputs[0] });
}

export function writeCumulativeSum(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [{ A, R }] = attributes as readonly [Omit<Taken, "K">];
  const axis = x.shape.findIndex((n, at) => n === R && sizeOf(x.shape.slice(0, at)) === A);
  g.node("CumSum", [g.value(x), g.ints([axis], [])], { to: node.outputs[0] });
}

/** `x [D,C]` for each of B rows: `[D,B,C]`. */
export function writeRepeat(g: GraphWriter, { node }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const rows = g.node("Unsqueeze", [g.value(x), g.ints([1])], { label: node.label });
  g.node("Expand", [rows, g.shape(g.lengths(y))], { to: y });
}
