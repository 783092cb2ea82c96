// Constants, types, and what is computed from shapes.
import { ShapeError } from "../../errors.ts";
import { functional as F } from "../../index.ts";
import { axisOf } from "../host-array.ts";
import { nameOfType } from "../inspect.ts";
import type { Call, Operators } from "../operator.ts";
import type { ElementType } from "../proto.ts";
import {
  asType,
  checkShape,
  deviceOf,
  type HostValue,
  hostOf,
  isFloat,
  isHost,
  isKnownType,
  MOST_ON_DEVICE,
  newHost,
  type Value,
} from "../values.ts";

/** Numbers of a mask or a list of classes that a plan has as constants. */
const MOST_WRITTEN_OUT = 2 ** 24;

const int64 = (numbers: readonly number[], shape: readonly number[] = [numbers.length]) =>
  hostOf("INT64", shape, numbers);

function cast(value: Value, type: ElementType): Value {
  if (value.type === type) return value;
  if (isHost(value)) {
    const y = newHost(type, value.shape);
    for (let i = 0; i < y.data.length; i++) y.data[i] = asType(type, value.data[i]!);
    return y;
  }
  return deviceOf(type, type === "BOOL" ? F.ne(value.tensor, 0) : value.tensor);
}

function castTo(call: Call): ElementType {
  const type = nameOfType(call.number("to", 0));
  if (!isKnownType(type)) throw new ShapeError(`casts to the type ${type ?? call.number("to", 0)}, which is not known`);
  return type;
}

function shapeOf(call: Call): HostValue {
  const { shape } = call.input(0);
  const place = (given: number) => Math.min(shape.length, Math.max(0, given < 0 ? given + shape.length : given));
  return int64(shape.slice(place(call.number("start", 0)), place(call.number("end", shape.length))));
}

function constant(call: Call): HostValue {
  const value = call.value("value");
  if (value) return value;
  const [f, i] = [call.number("value_float", undefined), call.number("value_int", undefined)];
  const [floats, ints] = [call.numbers("value_floats", undefined), call.numbers("value_ints", undefined)];
  if (f !== undefined) return hostOf("FLOAT", [], [f]);
  if (i !== undefined) return int64([i], []);
  if (floats) return hostOf("FLOAT", [floats.length], floats);
  if (ints) return int64(ints);
  throw new ShapeError("the constant has no value");
}

function range(call: Call): HostValue {
  const { type } = call.host(0);
  const [start, limit, delta] = [call.single(0)!, call.single(1)!, call.single(2)!];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const y = newHost(type, [count]);
  for (let i = 0; i < count; i++) y.data[i] = start + i * delta;
  return y;
}

/** The lower or upper triangle of the last two axes. */
function triangle(call: Call): Value {
  const x = call.input(0);
  const k = call.single(1) ?? 0;
  const isUpper = call.number("upper", 1) === 1;
  checkShape(x.shape.slice(-2), MOST_WRITTEN_OUT);
  if (!isHost(x)) return deviceOf(x.type, isUpper ? F.triu(x.tensor, k) : F.tril(x.tensor, k));
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const keeps = (above: number) => (isUpper ? above >= k : above <= k);
  return hostOf(
    x.type,
    x.shape,
    Array.from(x.data, (value, i) => (keeps((i % columns) - (Math.floor(i / columns) % rows)) ? value : 0)),
  );
}

/** What is known on the host wherever its inputs are. */
const known = (compute: (call: Call) => HostValue) => ({
  host: (call: Call) => [compute(call)],
  device: (call: Call) => [compute(call)],
});

function constantOfShape(call: Call): HostValue {
  const value = call.value("value") ?? hostOf("FLOAT", [1], [0]);
  const y = newHost(value.type, call.list(0)!);
  y.data.fill(value.data[0] ?? 0);
  return y;
}

function nonZero(call: Call): HostValue {
  const x = call.host(0);
  const places = Array.from(x.data.keys()).filter((i) => x.data[i] !== 0);
  const rank = Math.max(1, x.shape.length);
  const inner = (axis: number) => x.shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const y = newHost("INT64", [rank, places.length]);
  places.forEach((place, i) => {
    for (let axis = 0; axis < rank; axis++)
      y.data[axis * places.length + i] = Math.floor(place / inner(axis)) % (x.shape[axis] ?? 1);
  });
  return y;
}

export const shapes: Operators = {
  Constant: {
    inputs: 0,
    attributes: { value: "tensor", value_float: "float", value_floats: "floats", value_int: "int", value_ints: "ints" },
    ...known(constant),
  },
  ConstantOfShape: { inputs: 1, attributes: { value: "tensor" }, ...known(constantOfShape) },
  Shape: { inputs: 1, attributes: { start: "int", end: "int" }, ...known(shapeOf) },
  Size: { inputs: 1, ...known((call) => int64([call.input(0).shape.reduce((product, n) => product * n, 1)], [])) },
  Range: { inputs: 3, known: [0, 1, 2], ...known(range) },
  Cast: {
    inputs: 1,
    attributes: { to: "int", saturate: "int" },
    isLayout: true,
    host: (call) => [cast(call.host(0), castTo(call)) as HostValue],
    device: (call) => [cast(call.input(0), castTo(call))],
  },
  CastLike: {
    inputs: 2,
    attributes: { saturate: "int" },
    host: (call) => [cast(call.host(0), call.input(1).type) as HostValue],
    device: (call) => [cast(call.input(0), call.input(1).type)],
  },
  Trilu: {
    inputs: [1, 2],
    attributes: { upper: [1, 0] },
    host: (call) => [triangle(call) as HostValue],
    device: (call) => [triangle(call)],
  },
  NonZero: { inputs: 1, ...known(nonZero) },
  OneHot: {
    inputs: 3,
    attributes: { axis: "int" },
    known: [1, 2],
    device(call) {
      const [off, on] = call.list(2)! as [number, number];
      const index = call.tensor(0);
      checkShape([...index.shape, call.single(1)!], MOST_ON_DEVICE);
      checkShape([call.single(1)!], MOST_WRITTEN_OUT);
      const hot = F.toInt(index).oneHot(call.single(1)!);
      const axis = axisOf(call.number("axis", -1), hot.shape.length);
      const order = index.shape.map((_, at) => at);
      const placed = hot.permute([...order.slice(0, axis), index.shape.length, ...order.slice(axis)]);
      const { type } = call.host(2);
      const scaled = placed.mul(on - off).add(off);
      return [deviceOf(type, isFloat(type) ? scaled : F.toInt(scaled))];
    },
  },
};
