// Operators that move numbers.
import { ShapeError } from "../../errors.ts";
import { functional as F, type Shape, type Tensor } from "../../index.ts";
import { showShape } from "../../tensor-data.ts";
import {
  axisOf,
  broadcastShape,
  concatenated,
  expanded,
  gathered,
  permuted,
  sliced,
  stridesOf,
} from "../host-array.ts";
import type { Call, Operators } from "../operator.ts";
import { deviceOf, type HostValue, isHost, newHost, reshaped, tensorOf, type Value } from "../values.ts";

const MANY = [1, Number.POSITIVE_INFINITY] as const;

/** A result that is one of the inputs under another shape, on either side. */
const reshaping = (shapeOf: (call: Call, x: Value) => Shape) => ({
  isLayout: true as const,
  host: (call: Call) => [reshaped(call.host(0), shapeOf(call, call.host(0)))],
  device: (call: Call) => [reshaped(call.input(0), shapeOf(call, call.input(0)))],
});

function reshapedShape(call: Call, { shape }: Value): Shape {
  const given = call.list(1)!;
  const keepsZero = call.number("allowzero", 0) === 1;
  const lengths = given.map((n, axis) => (n === 0 && !keepsZero ? (shape[axis] ?? 0) : n));
  const size = shape.reduce((product, n) => product * n, 1);
  const rest = lengths.filter((n) => n !== -1).reduce((product, n) => product * n, 1);
  const whole = lengths.map((n) => (n === -1 ? size / rest : n));
  const fits = whole.every((n) => Number.isSafeInteger(n) && n >= 0) && lengths.filter((n) => n === -1).length <= 1;
  if (!fits || whole.reduce((product, n) => product * n, 1) !== size)
    throw new ShapeError(`${showShape(shape)} cannot become ${showShape(given)}`);
  return whole;
}

function squeezedShape(call: Call, { shape }: Value): Shape {
  const given = call.listOr(1, "axes");
  const axes = given
    ? given.map((axis) => axisOf(axis, shape.length))
    : shape.flatMap((n, at) => (n === 1 ? [at] : []));
  const long = axes.find((axis) => shape[axis] !== 1);
  if (long !== undefined) throw new ShapeError(`axis ${long} of ${showShape(shape)} has length ${shape[long]}, not 1`);
  return shape.filter((_, axis) => !axes.includes(axis));
}

function unsqueezedShape(call: Call, { shape }: Value): Shape {
  const given = call.listOr(1, "axes") ?? [];
  const rank = shape.length + given.length;
  const axes = new Set(given.map((axis) => axisOf(axis, rank)));
  if (axes.size < given.length) throw new ShapeError(`axes are ${given}, and one is there twice`);
  const own = [...shape];
  return Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : own.shift()!));
}

function flattenedShape(call: Call, { shape }: Value): Shape {
  const given = call.number("axis", 1);
  const axis = given < 0 ? given + shape.length : given;
  const product = (lengths: Shape) => lengths.reduce((all, n) => all * n, 1);
  return [product(shape.slice(0, axis)), product(shape.slice(axis))];
}

/** One stretch of a Slice. */
interface Stretch {
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly step: number;
}

function stretches(call: Call, shape: Shape): Stretch[] {
  const starts = call.listOr(1, "starts") ?? [];
  const ends = call.listOr(2, "ends") ?? [];
  const axes = call.listOr(3, "axes") ?? starts.map((_, i) => i);
  const steps = call.list(4) ?? starts.map(() => 1);
  return starts.map((from, i) => {
    const axis = axisOf(axes[i] ?? Number.NaN, shape.length);
    const step = steps[i] ?? 1;
    if (step === 0) throw new ShapeError("a step is 0");
    const n = shape[axis]!;
    const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
    const cut = (place: number) => Math.min(high, Math.max(low, place < 0 ? place + n : place));
    const start = step > 0 ? cut(from) : Math.max(0, cut(from));
    const count = Math.max(0, Math.ceil((cut(ends[i] ?? n) - start) / step));
    return { axis, start, count, step };
  });
}

function sliceTensor(x: Tensor, { axis, start, count, step }: Stretch): Tensor {
  if (start === 0 && step === 1 && count === x.shape[axis]) return x;
  if (count === 0) throw new ShapeError(`nothing is left of axis ${axis} of ${showShape(x.shape)}`);
  if (step > 0) return x.slice(start, count, axis, step);
  return x.slice(start + (count - 1) * step, count, axis, -step).flip(axis);
}

/** Entries that are known: one as a slice, neighbours as a slice, others by number. */
function gatherKnown(x: Tensor, index: HostValue, axis: number): Tensor {
  const n = x.shape[axis]!;
  const entries = Array.from(index.data, (entry) => (entry < 0 ? entry + n : entry));
  const strange = entries.find((entry) => !(entry >= 0 && entry < n));
  if (strange !== undefined) throw new ShapeError(`index ${strange} is not below ${n}`);
  if (index.shape.length === 0) return x.select(entries[0]!, axis);
  const isStretch = entries.length > 0 && entries.every((entry, i) => entry === entries[0]! + i);
  const found = isStretch
    ? x.slice(entries[0]!, entries.length, axis)
    : x.indexSelect(F.constant(entries, { dtype: "i32" }), axis);
  return found.reshape([...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)]);
}

/** Entries by the numbers along several axes, which lie on the last axis of the index. */
function gatherND(call: Call): Tensor {
  const [x, index] = [call.tensor(0), call.input(1)];
  const K = index.shape.at(-1)!;
  const rest = x.shape.slice(K);
  const flat = x.reshape([x.shape.slice(0, K).reduce((product, n) => product * n, 1), ...rest]);
  const wide = stridesOf(x.shape.slice(0, K));
  if (!isHost(index)) {
    const places = index.tensor.mul(F.constant(wide, { dtype: "i32" })).sum(-1);
    return gatherComputed(flat, F.toInt(places), 0);
  }
  const from = (i: number, k: number) => {
    const entry = index.data[i * K + k]!;
    const place = entry < 0 ? entry + x.shape[k]! : entry;
    if (!(place >= 0 && place < x.shape[k]!)) throw new ShapeError(`index ${entry} is not below ${x.shape[k]}`);
    return place * wide[k]!;
  };
  const shape = index.shape.slice(0, -1);
  const rows = newHost("INT64", shape);
  for (let i = 0; i < rows.data.length; i++) rows.data[i] = wide.reduce((sum, _, k) => sum + from(i, k), 0);
  return gatherKnown(flat, rows, 0);
}

/** Entries by a tensor of numbers; rows of a table as an embedding, whose gradient is that of the rows that were read. */
function gatherComputed(x: Tensor, index: Tensor, axis: number): Tensor {
  if (axis === 0 && x.shape.length === 2 && x.dtype === "f32") return F.embedding(index, x);
  const found = x.indexSelect(index.reshape([index.size]), axis);
  return found.reshape([...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)]);
}

function padTensor(x: Tensor, axis: number, [before, after]: readonly [number, number], mode: string): Tensor {
  const n = x.shape[axis]!;
  const parts: Tensor[] = [x];
  if (mode === "reflect") {
    if (Math.max(before, after) >= n) throw new ShapeError(`reflecting ${before} and ${after} of ${n} entries`);
    if (before > 0) parts.unshift(x.slice(1, before, axis).flip(axis));
    if (after > 0) parts.push(x.slice(n - 1 - after, after, axis).flip(axis));
  } else {
    const repeated = (start: number, count: number) => x.slice(start, 1, axis).expand(x.shape.with(axis, count));
    if (before > 0) parts.unshift(repeated(0, before));
    if (after > 0) parts.push(repeated(n - 1, after));
  }
  return F.concat(parts, axis);
}

function padded(call: Call): Tensor {
  let x = call.tensor(0);
  const rank = x.shape.length;
  const pads = call.listOr(1, "pads") ?? [];
  const axes = call.list(3)?.map((axis) => axisOf(axis, rank)) ?? x.shape.map((_, axis) => axis);
  if (pads.length !== 2 * axes.length) throw new ShapeError(`pads are ${pads} for ${axes.length} axes`);
  const mode = call.text("mode", "constant");
  const value = call.single(2) ?? call.number("value", 0);
  const widths: [number, number][] = x.shape.map(() => [0, 0]);
  axes.forEach((axis, i) => {
    const [before, after] = [pads[i]!, pads[i + axes.length]!];
    const [cutBefore, cutAfter] = [Math.max(0, -before), Math.max(0, -after)];
    if (cutBefore + cutAfter > 0) x = x.slice(cutBefore, x.shape[axis]! - cutBefore - cutAfter, axis);
    widths[axis] = [Math.max(0, before), Math.max(0, after)];
  });
  if (mode === "constant") return widths.some(([a, b]) => a + b > 0) ? x.pad(widths, { value }) : x;
  widths.forEach((width, axis) => {
    if (width[0] + width[1] > 0) x = padTensor(x, axis, width, mode);
  });
  return x;
}

/** Lengths of the pieces of a Split. */
function pieces(call: Call, n: number): readonly number[] {
  const given = call.listOr(1, "split");
  if (given) return given;
  const count = call.number("num_outputs", call.outputs);
  if (count !== call.outputs) throw new ShapeError(`num_outputs is ${count}, and there are ${call.outputs} outputs`);
  const size = Math.ceil(n / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, n - i * size)));
}

export const layout: Operators = {
  Identity: { inputs: 1, ...reshaping((_, { shape }) => shape), device: (call) => [call.input(0)] },
  Reshape: { inputs: 2, attributes: { allowzero: [0, 1] }, ...reshaping(reshapedShape) },
  Squeeze: { inputs: [1, 2], attributes: { axes: "ints" }, ...reshaping(squeezedShape) },
  Unsqueeze: { inputs: [1, 2], attributes: { axes: "ints" }, ...reshaping(unsqueezedShape) },
  Flatten: { inputs: 1, attributes: { axis: "int" }, ...reshaping(flattenedShape) },
  Transpose: {
    inputs: 1,
    attributes: { perm: "ints" },
    isLayout: true,
    host: (call) => [permuted(call.host(0), orderOf(call))],
    device: (call) => [deviceOf(call.input(0).type, call.tensor(0).permute(orderOf(call)))],
  },
  Concat: {
    inputs: MANY,
    attributes: { axis: "int" },
    host: (call) => [
      concatenated(
        call.inputs.map((_, i) => call.host(i)),
        call.axis(0),
      ),
    ],
    device(call) {
      const axis = call.axis(0);
      // A device has no empty tensors: what is empty adds nothing.
      const parts = call.inputs.flatMap((x) => (x && x.shape[axis] !== 0 ? [x] : []));
      if (parts.length === 1) return [parts[0]!];
      return [deviceOf(call.input(0).type, F.concat(parts.map(tensorOf), axis))];
    },
  },
  Split: {
    inputs: [1, 2],
    outputs: MANY,
    attributes: { axis: "int", split: "ints", num_outputs: "int" },
    host(call) {
      const axis = call.axis(0);
      const x = call.host(0);
      let start = 0;
      return pieces(call, x.shape[axis]!).map((count) => {
        start += count;
        return sliced(x, axis, start - count, count, 1);
      });
    },
    device(call) {
      const axis = call.axis(0);
      const x = call.tensor(0);
      const parts = x.split([...pieces(call, x.shape[axis]!)], axis);
      return parts.map((part) => deviceOf(call.input(0).type, part));
    },
  },
  Slice: {
    inputs: [1, 5],
    attributes: { starts: "ints", ends: "ints", axes: "ints" },
    host: (call) => [
      stretches(call, call.host(0).shape).reduce(
        (x, { axis, start, count, step }) => sliced(x, axis, start, count, step),
        call.host(0),
      ),
    ],
    device(call) {
      const x = call.tensor(0);
      return [deviceOf(call.input(0).type, stretches(call, x.shape).reduce(sliceTensor, x))];
    },
  },
  Gather: {
    inputs: 2,
    attributes: { axis: "int" },
    host: (call) => [gathered(call.host(0), call.host(1), call.axis(0))],
    device(call) {
      const [x, index] = [call.tensor(0), call.input(1)];
      const axis = call.axis(0);
      const found = isHost(index) ? gatherKnown(x, index, axis) : gatherComputed(x, index.tensor, axis);
      return [deviceOf(call.input(0).type, found)];
    },
  },
  GatherND: {
    inputs: 2,
    attributes: { batch_dims: [0] },
    device: (call) => [deviceOf(call.input(0).type, gatherND(call))],
  },
  GatherElements: {
    inputs: 2,
    attributes: { axis: "int" },
    device(call) {
      const [x, index] = [call.tensor(0), call.tensor(1)];
      const axis = call.axis(0);
      // The other axes of the index may be shorter.
      const fitting = index.shape.reduce((y, n, at) => (at === axis || n === y.shape[at] ? y : y.slice(0, n, at)), x);
      return [deviceOf(call.input(0).type, fitting.gather(index, axis))];
    },
  },
  Expand: {
    inputs: 2,
    host: (call) => [expanded(call.host(0), broadcastShape([call.host(0).shape, call.list(1)!]))],
    device(call) {
      const { type, shape } = call.input(0);
      const whole = broadcastShape([shape, call.list(1)!]);
      return [deviceOf(type, call.tensor(0).expand(whole))];
    },
  },
  Tile: {
    inputs: 2,
    host(call) {
      const x = call.host(0);
      const repeats = call.list(1)!;
      const parts = { ...x, shape: x.shape.flatMap((n) => [1, n]) };
      const whole = expanded(
        parts,
        x.shape.flatMap((n, axis) => [repeats[axis] ?? 1, n]),
      );
      return [{ ...whole, shape: x.shape.map((n, axis) => n * (repeats[axis] ?? 1)) }];
    },
    device(call) {
      const x = call.tensor(0);
      const repeats = call.list(1)!;
      const whole = x
        .reshape(x.shape.flatMap((n) => [1, n]))
        .expand(x.shape.flatMap((n, axis) => [repeats[axis] ?? 1, n]));
      const shape = x.shape.map((n, axis) => n * (repeats[axis] ?? 1));
      return [deviceOf(call.input(0).type, whole.reshape(shape))];
    },
  },
  Pad: {
    inputs: [1, 4],
    attributes: { pads: "ints", value: "float", mode: ["constant", "reflect", "edge"] },
    known: [2],
    device: (call) => [deviceOf(call.input(0).type, padded(call))],
  },
};

/** The order of a Transpose. */
function orderOf(call: Call): readonly number[] {
  const { length } = call.input(0).shape;
  const order = call.numbers("perm", undefined) ?? Array.from({ length }, (_, axis) => length - 1 - axis);
  const isOrder = order.length === length && new Set(order).size === length;
  if (!isOrder || !order.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < length))
    throw new ShapeError(`perm is ${order} for ${length} axes`);
  return order;
}
