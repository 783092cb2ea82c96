import { FileFormatError, shown } from "../errors.ts";
import { decodeBFloat16, decodeFloat16 } from "../io/half.ts";
import { showShape } from "../tensor-data.ts";
import { nameOfType } from "./inspect.ts";
import type { ElementType, Message } from "./proto.ts";
import { type HostData, type HostValue, isKnownType, knownTypes, MOST_AXES } from "./values.ts";

/** The bytes of an element in `rawData`; half of one where two are in a byte. */
const rawBytes: Readonly<Partial<Record<ElementType, number>>> = {
  FLOAT: 4,
  FLOAT16: 2,
  BFLOAT16: 2,
  DOUBLE: 8,
  INT64: 8,
  UINT64: 8,
  INT32: 4,
  UINT32: 4,
  INT16: 2,
  UINT16: 2,
  INT8: 1,
  UINT8: 1,
  INT4: 0.5,
  UINT4: 0.5,
  BOOL: 1,
};

/** Raw bytes as numbers. Typed arrays have the machine's byte order: little-endian, as ONNX's, wherever WebGPU runs. */
function fromRaw(type: ElementType, bytes: Uint8Array, size: number): HostData {
  // Copied, because a tensor may begin at any byte.
  const buffer = bytes.slice().buffer;
  switch (type) {
    case "FLOAT":
      return new Float32Array(buffer);
    case "FLOAT16":
      return decodeFloat16(new Uint16Array(buffer));
    case "BFLOAT16":
      return decodeBFloat16(new Uint16Array(buffer));
    case "DOUBLE":
      return new Float64Array(buffer);
    case "INT64":
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case "UINT64":
      return Float64Array.from(new BigUint64Array(buffer), Number);
    case "INT32":
      return new Int32Array(buffer);
    case "UINT32":
      return new Uint32Array(buffer);
    case "INT16":
      return new Int16Array(buffer);
    case "UINT16":
      return new Uint16Array(buffer);
    case "INT8":
      return new Int8Array(buffer);
    case "INT4":
      return Int8Array.from({ length: size }, (_, i) => ((bytes[i >> 1]! >> (4 * (i & 1))) << 28) >> 28);
    case "UINT4":
      return Uint8Array.from({ length: size }, (_, i) => (bytes[i >> 1]! >> (4 * (i & 1))) & 15);
    default:
      return new Uint8Array(buffer);
  }
}

/** Numbers of the fields that are not raw. */
function fromFields(type: ElementType, tensor: Message<"TensorProto">, size: number): HostData {
  const { floatData, doubleData, int64Data, int32Data, uint64Data } = tensor;
  switch (type) {
    case "FLOAT":
      return Float32Array.from(floatData);
    case "DOUBLE":
      return Float64Array.from(doubleData);
    case "INT64":
      return Float64Array.from(int64Data);
    case "UINT64":
      return Float64Array.from(uint64Data, (x) => (x < 0 ? x + 2 ** 64 : x));
    case "UINT32":
      return Uint32Array.from(uint64Data);
    // The bits of halves lie in the integers, and two numbers of four bits in each.
    case "FLOAT16":
      return decodeFloat16(Uint16Array.from(int32Data));
    case "BFLOAT16":
      return decodeBFloat16(Uint16Array.from(int32Data));
    case "INT4":
    case "UINT4":
      return fromRaw(type, Uint8Array.from(int32Data), size);
    case "INT32":
      return Int32Array.from(int32Data);
    case "INT16":
      return Int16Array.from(int32Data);
    case "UINT16":
      return Uint16Array.from(int32Data);
    case "INT8":
      return Int8Array.from(int32Data);
    default:
      return Uint8Array.from(int32Data);
  }
}

/**
 * A tensor of a file as numbers. Half and bfloat16 become float32.
 *
 * @param what what errors call it
 * @throws FileFormatError when it is of a type that cannot be computed with, lies in another file, or has more or fewer numbers
 *   than its shape
 */
export function readTensor(tensor: Message<"TensorProto">, what: string): HostValue {
  const { dims: shape, rawData, externalData, dataLocation } = tensor;
  const type = nameOfType(tensor.dataType);
  if (dataLocation === 1 || externalData.length > 0) {
    const where = externalData.find(({ key }) => key === "location")?.value;
    throw new FileFormatError(
      `${what} is in another file, ${shown(where ?? "")}, which is not read: save the model with its weights in one file (onnx.save_model(model, path, save_as_external_data=False))`,
    );
  }
  if (!isKnownType(type)) {
    throw new FileFormatError(
      `${what} has elements of type ${type ?? shown(tensor.dataType)}; known are ${knownTypes.join(", ")}`,
    );
  }
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || shape.length > MOST_AXES)
    throw new FileFormatError(
      `${what} has shape ${showShape(shape)}, expected at most ${MOST_AXES} whole numbers of at least 0`,
    );
  const size = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
  const needed = Math.ceil(size * rawBytes[type]!);
  // Compared before anything is allocated: a shape may promise any size.
  if (rawData !== undefined && rawData.length !== needed) {
    throw new FileFormatError(
      `${what} is ${type} ${showShape(shape)}, which is ${needed} bytes, and has ${rawData.length}: the file is damaged`,
    );
  }
  const isPacked = type === "INT4" || type === "UINT4";
  const data =
    rawData === undefined && !isPacked
      ? fromFields(type, tensor, size)
      : rawData === undefined
        ? packedField(tensor, type, needed, size)
        : fromRaw(type, rawData, size);
  if (data === undefined || data.length !== size) {
    throw new FileFormatError(
      `${what} is ${type} ${showShape(shape)}, which is ${size} numbers, and has ${data?.length ?? tensor.int32Data.length}: the file is damaged`,
    );
  }
  return { type, shape, data };
}

const packedField = (tensor: Message<"TensorProto">, type: ElementType, bytes: number, size: number) =>
  tensor.int32Data.length === bytes ? fromFields(type, tensor, size) : undefined;
