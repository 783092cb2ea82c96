// The values of a graph while it is traced: numbers that are known then, and symbolic tensors.
import { DataError, LimitError, ShapeError, shown } from "../errors.ts";
import { functional, type Shape, type Tensor } from "../index.ts";
import { isWhole, showShape } from "../tensor-data.ts";
import type { ElementType } from "./proto.ts";

/** What holds numbers on the host. 64-bit integers are float64, booleans 0 and 1. */
export type HostData =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** Numbers that are known when the graph is traced. */
export interface HostValue {
  readonly type: ElementType;
  readonly shape: Shape;
  readonly data: HostData;
}

/** A tensor on the device: f32 for ONNX's floating-point types, i32 for its integers and booleans. */
export interface DeviceValue {
  readonly type: ElementType;
  readonly shape: Shape;
  readonly tensor: Tensor;
}

export type Value = HostValue | DeviceValue;

export const isHost = (value: Value): value is HostValue => "data" in value;

/** Element types that can be computed with, and what holds them on the host. */
const arrays = {
  FLOAT: Float32Array,
  FLOAT16: Float32Array,
  BFLOAT16: Float32Array,
  DOUBLE: Float64Array,
  INT64: Float64Array,
  UINT64: Float64Array,
  INT32: Int32Array,
  UINT32: Uint32Array,
  INT16: Int16Array,
  UINT16: Uint16Array,
  INT8: Int8Array,
  UINT8: Uint8Array,
  INT4: Int8Array,
  UINT4: Uint8Array,
  BOOL: Uint8Array,
} as const;

type KnownType = keyof typeof arrays;
/** Element types that can be computed with. */
export const knownTypes = Object.keys(arrays) as readonly KnownType[];
export const isKnownType = (type: ElementType | undefined): type is KnownType =>
  type !== undefined && Object.hasOwn(arrays, type);

export const isFloat = (type: ElementType): boolean => /^(FLOAT|FLOAT16|BFLOAT16|DOUBLE)$/.test(type);

/** The bits of an integer type; Infinity of others. */
const integerEnds: Partial<Record<ElementType, readonly [number, number]>> = {
  INT8: [-128, 127],
  UINT8: [0, 255],
  INT16: [-32768, 32767],
  UINT16: [0, 65535],
  INT32: [-(2 ** 31), 2 ** 31 - 1],
  UINT32: [0, 2 ** 32 - 1],
};

/** A number as an element of a type: cut towards 0, and taken around the ends of the type, as C does; of BOOL 0 or 1. */
export function asType(type: ElementType, x: number): number {
  if (isFloat(type)) return x;
  if (type === "BOOL") return x === 0 ? 0 : 1;
  const whole = Math.trunc(x) || 0;
  const ends = integerEnds[type];
  if (!ends) return whole;
  const size = ends[1] - ends[0] + 1;
  return whole >= ends[0] && whole <= ends[1] ? whole : ((((whole - ends[0]) % size) + size) % size) + ends[0];
}

/** What one import or trace may cost on the host, so that a small file cannot ask for hours or for all memory. */
const most = {
  /** Numbers that are computed. */
  elements: 2 ** 27,
  /** Numbers that are read. */
  reads: 2 ** 31,
  /** Nodes and graphs that are run. */
  nodes: 2 ** 17,
};
/** Elements of one tensor on a device: a gibibyte. */
export const MOST_ON_DEVICE = 2 ** 28;
export const MOST_AXES = 64;

const spent = { elements: 0, reads: 0, nodes: 0 };

/** Counts what is computed on the host from here on. */
export function newBudget(): void {
  for (const kind of ["elements", "reads", "nodes"] as const) spent[kind] = 0;
}

/** @throws LimitError when a graph computes too much on the host */
export function spend(kind: keyof typeof spent, amount: number): void {
  spent[kind] += amount;
  if (spent[kind] <= most[kind]) return;
  const why =
    kind === "nodes"
      ? `nodes are run for one trace, of at most ${most.nodes}: a Loop or Scan has too many steps`
      : `numbers are computed on the host for one trace, of at most ${most[kind]}`;
  throw new LimitError(`${spent[kind]} ${why}`);
}

const sizeOfShape = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/** How many elements a shape has. @throws ShapeError for what is no shape; LimitError for one that is too large */
export function checkShape(shape: Shape, limit: number): number {
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new ShapeError(`the shape ${showShape(shape)} is none: expected whole numbers of at least 0`);
  if (shape.length > MOST_AXES) throw new LimitError(`a tensor has ${shape.length} axes, of at most ${MOST_AXES}`);
  const size = shape.includes(0) ? 0 : sizeOfShape(shape);
  if (size > limit) throw new LimitError(`a tensor of ${showShape(shape)} has ${size} elements, of at most ${limit}`);
  return size;
}

/** Zeros on the host, to be filled. @throws LimitError when a graph computes too much on the host */
export function newHost(type: ElementType, shape: Shape): HostValue {
  if (!isKnownType(type)) throw new ShapeError(`elements of type ${type} cannot be computed with`);
  const size = checkShape(shape, most.elements);
  spend("elements", size);
  return { type, shape, data: new arrays[type](size) };
}

/** Numbers as they are, on the host. */
export function hostOf(type: ElementType, shape: Shape, numbers: ArrayLike<number>): HostValue {
  const value = newHost(type, shape);
  for (let i = 0; i < value.data.length; i++) value.data[i] = numbers[i]!;
  return value;
}

/** The same numbers under another shape. */
export const reshaped = <V extends Value>(value: V, shape: Shape): V =>
  isHost(value) ? { ...value, shape } : ({ ...value, shape, tensor: value.tensor.reshape(shape) } as V);

export function deviceOf(type: ElementType, tensor: Tensor): DeviceValue {
  checkShape(tensor.shape, MOST_ON_DEVICE);
  // The engine has two element types; a function may give the other one.
  const fitting = isFloat(type) ? functional.toFloat(tensor) : functional.toInt(tensor);
  return { type, shape: tensor.shape, tensor: fitting };
}

/** A value as a tensor. @throws ShapeError for an empty one; DataError for an integer beyond 32 bits */
export function tensorOf(value: Value): Tensor {
  if (!isHost(value)) return value.tensor;
  const { type, shape, data } = value;
  if (data.length === 0) throw new ShapeError(`a tensor of ${showShape(shape)} is empty, and a device has none`);
  const dtype = isFloat(type) ? "f32" : "i32";
  if (dtype === "i32") {
    const strange = data.find((x) => !isWhole(x));
    if (strange !== undefined)
      throw new DataError(`${shown(strange)} of type ${type} is beyond 32 bits, which a device has`);
  }
  return functional.constant(Array.from(data), { shape, dtype });
}

/** A value as an operand of a pointwise function: a plain number where it is one without axes. */
export const operandOf = (value: Value): Tensor | number =>
  isHost(value) && value.shape.length === 0 && (isFloat(value.type) || isWhole(value.data[0]!))
    ? value.data[0]!
    : tensorOf(value);
