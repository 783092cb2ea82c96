// What is computed on the host: mostly shapes and indices, and weights that are brought into another form.
import { ShapeError } from "../errors.ts";
import type { Shape } from "../index.ts";
import { showShape } from "../tensor-data.ts";
import type { ElementType } from "./proto.ts";
import { type HostValue, newHost } from "./values.ts";

/** Distances between neighbours along each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** An axis counted from the front. @throws ShapeError when it is not there */
export function axisOf(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= Math.max(rank, 1))
    throw new ShapeError(`axis is ${axis}, expected a whole number from ${-rank} to ${rank - 1}`);
  return axis < 0 ? axis + rank : axis;
}

/** Calls for each element of a shape with its place in one or more arrays, which are strided. */
function eachPlace(
  shape: Shape,
  strides: readonly (readonly number[])[],
  offsets: readonly number[],
  visit: (at: number, places: readonly number[]) => void,
): void {
  const size = shape.reduce((product, n) => product * n, 1);
  const index = Array<number>(shape.length).fill(0);
  const places = [...offsets];
  for (let at = 0; at < size; at++) {
    visit(at, places);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const over = ++index[axis]! === shape[axis];
      const steps = over ? 1 - shape[axis]! : 1;
      if (over) index[axis] = 0;
      for (let k = 0; k < places.length; k++) places[k]! += steps * strides[k]![axis]!;
      if (!over) break;
    }
  }
}

/** Reads with other strides: another order of the axes, a part of them, repeated ones. */
export function strided(x: HostValue, shape: Shape, strides: readonly number[], offset = 0): HostValue {
  const y = newHost(x.type, shape);
  eachPlace(shape, [strides], [offset], (at, [place]) => {
    y.data[at] = x.data[place!]!;
  });
  return y;
}

/** The shape of several that are broadcast. @throws ShapeError when they do not fit */
export function broadcastShape(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((n) => n !== 1);
    if (new Set(lengths).size > 1)
      throw new ShapeError(`shapes ${shapes.map(showShape).join(" and ")} cannot be broadcast`);
    return lengths[0] ?? 1;
  });
}

/** Strides of a value that is broadcast to a shape: 0 where it is repeated. */
function broadcastStrides(own: Shape, shape: Shape): number[] {
  const strides = stridesOf(own);
  const missing = shape.length - own.length;
  return shape.map((_, axis) => (axis < missing || own[axis - missing] === 1 ? 0 : strides[axis - missing]!));
}

export const expanded = (x: HostValue, shape: Shape): HostValue => strided(x, shape, broadcastStrides(x.shape, shape));

/** A function of every number of several values, which are broadcast. */
export function pointwiseHost(
  values: readonly HostValue[],
  type: ElementType,
  compute: (...numbers: number[]) => number,
): HostValue {
  const shape = broadcastShape(values.map((value) => value.shape));
  const y = newHost(type, shape);
  const strides = values.map((value) => broadcastStrides(value.shape, shape));
  const numbers = values.map(() => 0);
  eachPlace(
    shape,
    strides,
    values.map(() => 0),
    (at, places) => {
      for (let k = 0; k < numbers.length; k++) numbers[k] = values[k]!.data[places[k]!]!;
      y.data[at] = compute(...numbers);
    },
  );
  return y;
}

export function permuted(x: HostValue, order: readonly number[]): HostValue {
  const strides = stridesOf(x.shape);
  return strided(
    x,
    order.map((axis) => x.shape[axis]!),
    order.map((axis) => strides[axis]!),
  );
}

/** `count` entries of an axis from `start` on, every `step`-th; steps may be negative. */
export function sliced(x: HostValue, axis: number, start: number, count: number, step: number): HostValue {
  const strides = stridesOf(x.shape);
  const shape = x.shape.with(axis, count);
  return strided(x, shape, strides.with(axis, strides[axis]! * step), count > 0 ? start * strides[axis]! : 0);
}

export function concatenated(values: readonly HostValue[], axis: number): HostValue {
  const [first] = values as [HostValue, ...HostValue[]];
  const total = values.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const y = newHost(first.type, first.shape.with(axis, total));
  const inner = first.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const outer = first.shape.slice(0, axis).reduce((product, n) => product * n, 1);
  let before = 0;
  for (const { shape, data } of values) {
    const row = shape[axis]! * inner;
    for (let i = 0; i < outer; i++)
      for (let k = 0; k < row; k++) y.data[i * total * inner + before + k] = data[i * row + k]!;
    before += row;
  }
  return y;
}

/** Entries of an axis by number, in place of that axis. @throws ShapeError for one that is not there */
export function gathered(x: HostValue, index: HostValue, axis: number): HostValue {
  const length = x.shape[axis]!;
  const inner = x.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const outer = x.shape.slice(0, axis).reduce((product, n) => product * n, 1);
  const y = newHost(x.type, [...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)]);
  for (let i = 0, at = 0; i < outer; i++)
    for (const given of index.data) {
      const entry = given < 0 ? given + length : given;
      if (!(entry >= 0 && entry < length)) throw new ShapeError(`index ${given} is not below ${length}`);
      for (let k = 0; k < inner; k++) y.data[at++] = x.data[(i * length + entry) * inner + k]!;
    }
  return y;
}

/** What several numbers of some axes come to: `begin`, then `add` for each, then `end` with their count. */
export function reducedHost(
  x: HostValue,
  axes: readonly number[],
  type: ElementType,
  numbers: (all: readonly number[]) => number,
): HostValue {
  const others = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const rows = permuted(x, [...others, ...axes]);
  const shape = others.map((axis) => x.shape[axis]!);
  const y = newHost(type, shape);
  const length = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
  for (let i = 0; i < y.data.length; i++)
    y.data[i] = numbers(Array.from(rows.data.subarray(i * length, (i + 1) * length)));
  return y;
}
