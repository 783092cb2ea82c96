import { InternalError } from "../errors.ts";
import type { Dispatch, Target, View } from "../plan/plan.ts";
import { pointwiseWgsl } from "../shaders/pointwise.generated.ts";
import { pointwiseSumWgsl } from "../shaders/pointwise-sum.generated.ts";
import type { Shape } from "../tensor-data.ts";
import { sizeOf } from "../tensor-data.ts";
import { AXES, expressionShader, MOST_INPUTS } from "./expression.ts";
import { defineKernel, dispatch, f32, gridFor, i32, read, readWrite, u32 } from "./kernel.ts";
import { type Term, Terms } from "./terms.ts";

export const inputNames = ["x0", "x1", "x2", "x3", "x4", "x5"] as const;
const inputs = inputNames.map((name) => read(name, "u32", "[n0,n1,n2,n3] by strides"));
const strideNames = inputNames.flatMap((name) => [`${name}s0`, `${name}s1`, `${name}s2`, `${name}s3`] as const);
const space = [...u32("n1", "n2", "n3", "accumulate", "zero"), ...i32(...strideNames)];

/** An expression for every index. */
export const pointwiseKernel = defineKernel({
  shader: pointwiseWgsl,
  bindings: [...inputs, readWrite("y", "u32", "[N]")],
  params: [...u32("N"), ...space],
  variants: [{}],
  expressionShader,
});

/** Its sums over the last axes. */
export const pointwiseSum = defineKernel({
  shader: pointwiseSumWgsl,
  bindings: [...inputs, readWrite("y", "f32", "[N,parts]")],
  params: [...u32("N", "R", "parts"), ...f32("factor"), ...space],
  variants: [{}],
  expressionShader,
});

/** A leaf of an expression: where its numbers lie, and its shape, which is broadcast as in NumPy. */
export interface Leaf {
  readonly view: View;
  readonly shape: Shape;
}

/** An axis of the index space: its length, the strides of the leaves along it, and that of the result. */
interface Axis {
  readonly length: number;
  readonly strides: readonly number[];
}

/** The axes of a shape with the strides of leaves along them; neighbours that all leaves pass through alike become one. */
function axesOf(shape: Shape, leaves: readonly Leaf[], chosen: readonly number[]): Axis[] {
  const strides = leaves.map((leaf) => broadcastStrides(leaf.shape, shape));
  const axes: Axis[] = [];
  for (const axis of chosen) {
    const length = shape[axis]!;
    if (length === 1) continue;
    const own = strides.map((all) => all[axis]!);
    const before = axes.at(-1);
    if (before?.strides.every((stride, k) => stride === own[k]! * length))
      axes.splice(-1, 1, { length: before.length * length, strides: own });
    else axes.push({ length, strides: own });
  }
  return axes;
}

/** Strides of a tensor along the axes of a shape that it is broadcast to. */
function broadcastStrides(own: Shape, shape: Shape): number[] {
  const missing = shape.length - own.length;
  return shape.map((_, axis) => {
    const at = axis - missing;
    return at < 0 || own[at] === 1 ? 0 : sizeOf(own.slice(at + 1));
  });
}

interface Call {
  readonly label: string;
  readonly terms: Terms;
  readonly result: Term;
  /** By the leaves' numbers in `terms`. */
  readonly leaves: readonly Leaf[];
  /** The index space. */
  readonly shape: Shape;
  readonly to: View;
  /** Add to what is there; default false. */
  readonly accumulate?: boolean;
}

/** What a dispatch of an expression has, once its axes are at most four. */
function callOf({ terms, result, leaves, accumulate }: Call, axes: readonly Axis[], shift: readonly number[]) {
  const used = terms.leavesOf(result);
  if (used.length > MOST_INPUTS)
    throw new InternalError(`an expression of ${used.length} inputs, at most ${MOST_INPUTS}`);
  const all = [...Array<Axis>(AXES - axes.length).fill({ length: 1, strides: leaves.map(() => 0) }), ...axes];
  const row = all.map((_, i) => all.slice(i + 1).reduce((product, { length }) => product * length, 1));
  const by = (leaf: number) => {
    const along = all.filter(({ length }) => length > 1);
    if (along.every(({ strides }) => strides[leaf] === 0)) return "one" as const;
    return all.every(({ length, strides }, i) => length === 1 || strides[leaf] === row[i]) ? "all" : "strides";
  };
  const views = used.map((leaf): View => {
    const { view } = leaves[leaf]!;
    return { ...view, offset: view.offset + shift[leaf]!, length: view.length - shift[leaf]! };
  });
  return {
    expression: terms.expression(result, by),
    /** A binding that the expression does not read shows what another one shows. */
    views: (unused: View) => Object.fromEntries(inputNames.map((name, k) => [name, views[k] ?? views[0] ?? unused])),
    params: {
      n1: all[1]!.length,
      n2: all[2]!.length,
      n3: all[3]!.length,
      accumulate: accumulate ? 1 : 0,
      zero: 0,
      ...Object.fromEntries(
        strideNames.map((name, i) => [name, all[i % AXES]!.strides[used[Math.floor(i / AXES)] ?? -1] ?? 0]),
      ),
    },
  };
}

/** Leaves that lie `index` steps further along an axis. */
const moved = (shift: readonly number[], { strides }: Axis, index: number): number[] =>
  shift.map((at, k) => at + index * strides[k]!);

const none = (leaves: readonly Leaf[]): number[] => leaves.map(() => 0);

/** `to[i] (+)= result` for every index of a shape; one dispatch, if not more than four axes are broadcast differently. */
export function pointwise(target: Target, call: Call, unused: View): Dispatch[] {
  const { label, leaves, shape, to } = call;
  const emit = (axes: readonly Axis[], shift: readonly number[], at: number): Dispatch[] => {
    const N = axes.reduce((product, { length }) => product * length, 1);
    const [first, ...rest] = axes;
    if (axes.length > AXES) {
      const size = N / first!.length;
      return Array.from({ length: first!.length }, (_, i) => emit(rest, moved(shift, first!, i), at + i * size)).flat();
    }
    const { expression, views, params } = callOf(call, axes, shift);
    return [
      dispatch(pointwiseKernel, {
        label,
        expression,
        views: { ...views(unused), y: { ...to, offset: to.offset + at, length: N } } as never,
        params: { N, ...params } as never,
        grid: gridFor(N, 64, target.maxWorkgroups),
      }),
    ];
  };
  return emit(
    axesOf(
      shape,
      leaves,
      shape.map((_, i) => i),
    ),
    none(leaves),
    0,
  );
}

/** From so many numbers on a sum is taken in parts, if there are few sums. */
const LONG = 512;
const FEW = 1024;

/**
 * `to (+)= factor * sum of result over some axes of a shape`, the others in their order.
 * @param scratch gives memory for the parts of long sums
 */
export function pointwiseSums(
  target: Target,
  call: Call & { readonly axes: readonly number[]; readonly factor: number },
  unused: View,
  scratch: (length: number) => View,
): Dispatch[] {
  const { label, leaves, shape, to, factor } = call;
  const isSummed = (_: unknown, axis: number) => call.axes.includes(axis);
  const all = shape.map((_, axis) => axis);
  const kept = axesOf(
    shape,
    leaves,
    all.filter((_, axis) => !isSummed(_, axis)),
  );
  const summed = axesOf(shape, leaves, all.filter(isSummed));
  const lengthOf = (axes: readonly Axis[]) => axes.reduce((product, { length }) => product * length, 1);
  const emit = (
    outer: readonly Axis[],
    inner: readonly Axis[],
    shift: readonly number[],
    at: number,
    isMore: boolean,
  ): Dispatch[] => {
    const [N, R] = [lengthOf(outer), lengthOf(inner)];
    if (outer.length + inner.length > AXES) {
      const [first, ...rest] = outer.length > 0 ? outer : inner;
      const indices = Array.from({ length: first!.length }, (_, i) => i);
      return indices.flatMap((i) =>
        outer.length > 0
          ? emit(rest, inner, moved(shift, first!, i), at + (i * N) / first!.length, isMore)
          : emit(outer, rest, moved(shift, first!, i), at, isMore || i > 0),
      );
    }
    const accumulate = call.accumulate === true || isMore;
    const parts = R >= LONG && N < FEW ? Math.min(Math.ceil(Math.sqrt(R)), 256) : 1;
    const y = { ...to, offset: to.offset + at, length: N };
    const sum = (
      part: ReturnType<typeof callOf>,
      sizes: { N: number; R: number; parts: number; factor: number },
      into: View,
    ) =>
      dispatch(pointwiseSum, {
        label,
        expression: part.expression,
        views: { ...part.views(unused), y: into } as never,
        params: { ...sizes, ...part.params } as never,
        grid: gridFor(sizes.N * sizes.parts, 64, target.maxWorkgroups),
      });
    if (parts === 1)
      return [sum(callOf({ ...call, accumulate }, [...outer, ...inner], shift), { N, R, parts, factor }, y)];
    const between = scratch(N * parts);
    const plain = new Terms();
    const second = {
      ...call,
      accumulate,
      terms: plain,
      result: plain.leaf(0, "f32"),
      leaves: [{ view: between, shape: [N * parts] }],
    };
    return [
      sum(callOf({ ...call, accumulate: false }, [...outer, ...inner], shift), { N, R, parts, factor }, between),
      sum(callOf(second, [{ length: N * parts, strides: [1] }], [0]), { N, R: parts, parts: 1, factor: 1 }, y),
    ];
  };
  return emit(kept, summed, none(leaves), 0, false);
}
