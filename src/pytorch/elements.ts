import { FileFormatError } from "../errors.ts";
import { decodeBFloat16, decodeFloat16 } from "../io/half.ts";
import type { NumberArray } from "../tensor-data.ts";

/** How the elements of a storage become numbers. The bytes are little-endian, and begin a buffer of their own. */
interface ElementType {
  readonly bytes: number;
  decode(buffer: ArrayBuffer, what: string): NumberArray;
}

/** Whole numbers, as i32 where all of them fit, else as float64, which has them exactly up to 2^53. */
function wholeNumbers(values: ArrayLike<number | bigint>, what: string): NumberArray {
  const exact = new Float64Array(values.length);
  let fits = true;
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (!Number.isSafeInteger(value))
      throw new FileFormatError(`${what}: holds ${values[i]}, and whole numbers are exact up to 2^53 here`);
    exact[i] = value;
    if (value !== (value | 0)) fits = false;
  }
  return fits ? Int32Array.from(exact) : exact;
}

/** Element types by PyTorch's names. */
export const elementTypes: Readonly<Record<string, ElementType>> = {
  float32: { bytes: 4, decode: (buffer) => new Float32Array(buffer) },
  float64: { bytes: 8, decode: (buffer) => new Float64Array(buffer) },
  float16: { bytes: 2, decode: (buffer) => decodeFloat16(new Uint16Array(buffer)) },
  bfloat16: { bytes: 2, decode: (buffer) => decodeBFloat16(new Uint16Array(buffer)) },
  int64: { bytes: 8, decode: (buffer, what) => wholeNumbers(new BigInt64Array(buffer), what) },
  int32: { bytes: 4, decode: (buffer) => new Int32Array(buffer) },
  int16: { bytes: 2, decode: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  int8: { bytes: 1, decode: (buffer) => Int32Array.from(new Int8Array(buffer)) },
  uint64: { bytes: 8, decode: (buffer, what) => wholeNumbers(new BigUint64Array(buffer), what) },
  uint32: { bytes: 4, decode: (buffer, what) => wholeNumbers(new Uint32Array(buffer), what) },
  uint16: { bytes: 2, decode: (buffer) => Int32Array.from(new Uint16Array(buffer)) },
  uint8: { bytes: 1, decode: (buffer) => Int32Array.from(new Uint8Array(buffer)) },
  bool: { bytes: 1, decode: (buffer) => Int32Array.from(new Uint8Array(buffer), (byte) => (byte === 0 ? 0 : 1)) },
};

/** The classes of storages, with the type of their elements. */
export const storageTypes: Readonly<Record<string, string>> = {
  FloatStorage: "float32",
  DoubleStorage: "float64",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
};
