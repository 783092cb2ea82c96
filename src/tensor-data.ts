import { ShapeError, shown } from "./errors.ts";

/** Element types: f32 for numbers (float64 inside the CPU backend), i32 for tokens. */
export type DType = "f32" | "i32";

/** How plans may store weights, see `StoredOptions`. */
export type WeightDType = "f32" | PackedDType;
/** The formats of fewer bits than f32. */
export type PackedDType = "f16" | "int8";

/** Bytes of an element on a device. */
export const bytesOf = (dtype: DType): number => elementBytes[dtype];
const elementBytes: Readonly<Record<DType, number>> = { f32: 4, i32: 4 };

/** The ends of i32. */
export const LEAST_WHOLE = -(2 ** 31);
export const MOST_WHOLE = 2 ** 31 - 1;

/** Whether i32 has this number. */
export const isWhole = (x: number): boolean => Number.isInteger(x) && x >= LEAST_WHOLE && x <= MOST_WHOLE;

/** Lengths of the axes, the last one is contiguous in memory. `[]` is a scalar. */
export type Shape = readonly number[];

export type NumberArray = Float32Array | Float64Array | Int32Array;

/** A tensor's values on the host. Its dtype is `i32` if and only if `data` is an Int32Array. */
export interface TensorData {
  readonly shape: Shape;
  readonly data: NumberArray;
}

/** Weights by PyTorch name. */
export type StateDict = Record<string, TensorData>;

/** How many elements a shape has; 1 for a scalar. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/** A shape as text: `[5,3,7]`; of one that only a damaged file has, the first eight axes. */
export const showShape = (shape: Shape): string =>
  shape.length > 8 ? `[${shape.slice(0, 8).join(",")},…]` : `[${shape.join(",")}]`;

export const dtypeOf = (data: NumberArray): DType => (data instanceof Int32Array ? "i32" : "f32");

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** @throws ShapeError when an axis is no whole number of at least 1 */
export function checkAxes(what: string, shape: Shape): void {
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 1))
    throw new ShapeError(`${what} has shape ${showShape(shape)}, expected every axis to be at least 1`);
}

/**
 * Checks a host tensor against what is expected.
 * @throws ShapeError naming the tensor, what it has and what is expected
 */
export function checkTensor(what: string, tensor: TensorData, shape: Shape, dtype: DType): void {
  const expected = "expected { shape, data } with data a Float32Array, Float64Array or Int32Array";
  if (tensor === undefined) {
    const arrays = dtype === "i32" ? "an Int32Array" : "a Float32Array or Float64Array";
    throw new ShapeError(
      `${what} is missing: ${shape ? `expected { shape, data } of shape ${showShape(shape)} with data ${arrays}` : expected}`,
    );
  }
  if (!tensor || !Array.isArray(tensor.shape)) throw new ShapeError(`${what} is ${shown(tensor)}: ${expected}`);
  const { data } = tensor;
  if (!(data instanceof Float32Array || data instanceof Float64Array || data instanceof Int32Array))
    throw new ShapeError(`${what} has data ${shown(data)}: ${expected}`);
  checkAxes(what, tensor.shape);
  if (dtypeOf(tensor.data) !== dtype) {
    throw new ShapeError(
      `${what} holds ${dtypeOf(tensor.data)}, expected ${dtype} (${dtype === "i32" ? "an Int32Array" : "a Float32Array or Float64Array"})`,
    );
  }
  if (!sameShape(tensor.shape, shape)) {
    throw new ShapeError(`${what} has shape ${showShape(tensor.shape)}, expected ${showShape(shape)}`);
  }
  if (tensor.data.length !== sizeOf(shape)) {
    throw new ShapeError(
      `${what} has ${tensor.data.length} values, but shape ${showShape(shape)} needs ${sizeOf(shape)}`,
    );
  }
}
