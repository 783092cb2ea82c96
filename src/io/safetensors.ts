import { FileFormatError, ShapeError, shortened, shown } from "../errors.ts";
import type { Bytes } from "../platform-types.ts";
import { type NumberArray, type StateDict, showShape, sizeOf, type TensorData } from "../tensor-data.ts";
import { decodeBFloat16, decodeFloat16 } from "./half.ts";
import { readJson, scanJson } from "./read-json.ts";
import { decodeUtf8 } from "./utf8.ts";

// The format is published at https://github.com/huggingface/safetensors#format:
//   8 bytes          N, unsigned, little-endian
//   N bytes          UTF-8 JSON: { name: { dtype, shape, data_offsets: [begin, end] }, …, "__metadata__": { key: text } }
//   all other bytes  the tensors, C order, little-endian, without holes or overlaps

/** The reference implementation takes up to 100,000,000; a header of 100,000 tensors with long names has about this. */
const MAX_HEADER_BYTES = 2 ** 24;
const METADATA = "__metadata__";

/** What can be read, by dtype. Typed arrays have the machine's byte order: little-endian wherever WebGPU runs. */
const DTYPES: Readonly<Record<string, { bytes: number; decode(buffer: ArrayBuffer): NumberArray | BigInt64Array }>> = {
  F64: { bytes: 8, decode: (buffer) => new Float64Array(buffer) },
  F32: { bytes: 4, decode: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, decode: (buffer) => decodeFloat16(new Uint16Array(buffer)) },
  BF16: { bytes: 2, decode: (buffer) => decodeBFloat16(new Uint16Array(buffer)) },
  I32: { bytes: 4, decode: (buffer) => new Int32Array(buffer) },
  I64: { bytes: 8, decode: (buffer) => new BigInt64Array(buffer) },
};

/** What a safetensors file holds. */
export interface Safetensors {
  /** The tensors by name, in the header's order. */
  readonly tensors: StateDict;
  /** The texts under `__metadata__`; empty where the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file, strictly: anything that the format does not allow is an error, never a guess.
 * F32, F16 and BF16 become Float32Array, F64 becomes Float64Array, I32 and I64 become Int32Array. The arrays are copies.
 *
 * @param bytes the whole file
 * @param name what errors call it, such as its path; default "safetensors file"
 * @throws FileFormatError when it is truncated, has too many bytes, overlaps, holes or duplicate names, holds a dtype
 *   that is not one of these or a 64-bit integer beyond 32 bits, or is no safetensors file at all
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer, name = "safetensors file"): Safetensors {
  const file = viewOf(bytes, name);
  const headerBytes = readHeaderLength(file, name);
  const header = parseHeader(file.slice(8, 8 + headerBytes), name);
  const metadata = checkMetadata(header[METADATA], name);
  const entries = Object.entries(header)
    .filter(([key]) => key !== METADATA)
    .map(([key, value]) => checkEntry(key, value, name));
  const start = 8 + headerBytes;
  checkLayout(entries, file.length - start, name);
  // fromEntries defines properties and does not assign them: a tensor named __proto__ stays a tensor.
  const tensors = Object.fromEntries(entries.map((entry) => [entry.name, decode(entry, file, start, name)]));
  return { tensors, metadata };
}

/**
 * Writes a safetensors file: Float32Array as F32, Float64Array as F64, Int32Array as I32. The header keeps the order of
 * the names; every tensor starts at a multiple of its element size. Equal input gives equal bytes.
 *
 * @param tensors by name
 * @param metadata texts for `__metadata__`
 * @throws ShapeError when a tensor's shape and number of values do not fit
 * @throws FileFormatError when a name or the metadata cannot be written
 */
export function writeSafetensors(tensors: StateDict, metadata: Readonly<Record<string, string>> = {}): Bytes {
  const named = Object.entries(tensors).map(([name, tensor]) => ({ name, ...checkWritable(name, tensor) }));
  // Eight-byte elements first, then four-byte ones: with a header of a multiple of 8 bytes all of them are aligned.
  const begins = new Map<string, number>();
  let end = 0;
  for (const size of [8, 4]) {
    for (const { name, data } of named) {
      if (data.BYTES_PER_ELEMENT !== size) continue;
      begins.set(name, end);
      end += data.byteLength;
    }
  }
  const header: [string, unknown][] = named.map(({ name, shape, dtype, data }) => {
    const begin = begins.get(name) as number;
    return [name, { dtype, shape, data_offsets: [begin, begin + data.byteLength] }];
  });
  if (Object.keys(metadata).length > 0) header.unshift([METADATA, checkMetadata(metadata, "metadata to write")]);
  const text = JSON.stringify(Object.fromEntries(header));
  scanJson(text, "the header to write");
  const json = new TextEncoder().encode(text);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new FileFormatError(
      `the header needs ${headerBytes} bytes, and can have at most ${MAX_HEADER_BYTES}; write fewer tensors or metadata`,
    );
  }
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  for (const { name, data } of named) {
    file.set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      8 + headerBytes + (begins.get(name) as number),
    );
  }
  return file;
}

function viewOf(bytes: Uint8Array | ArrayBuffer, name: string): Uint8Array {
  // A plain view, because the slice() of Node's Buffer shares memory where that of Uint8Array copies.
  if (bytes instanceof Uint8Array) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new FileFormatError(`${name}: expected the file's bytes as a Uint8Array or an ArrayBuffer`);
}

function readHeaderLength(file: Uint8Array, name: string): number {
  if (file.length < 8) {
    throw new FileFormatError(
      `${name}: is ${file.length} bytes long, and a safetensors file has at least 8; it is truncated or another kind of file`,
    );
  }
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  const problem =
    length > MAX_HEADER_BYTES
      ? `the header would be ${length} bytes long, and can have at most ${MAX_HEADER_BYTES}`
      : length < 2
        ? `the header would be ${length} bytes long, and the shortest is 2`
        : file.length > 8 && file[8] !== 0x7b
          ? `the header starts with byte 0x${file[8]?.toString(16).padStart(2, "0")}, expected 0x7b, an opening brace`
          : undefined;
  if (problem) throw new FileFormatError(`${name}: is not a safetensors file: ${problem}; ${guessKind(file)}`);
  if (8 + Number(length) > file.length) {
    throw new FileFormatError(
      `${name}: is truncated: the header is ${length} bytes long and only ${file.length - 8} follow; fetch or save the file again`,
    );
  }
  return Number(length);
}

/** What the file looks like instead, and what to do with it. */
function guessKind(file: Uint8Array): string {
  const start = String.fromCharCode(...file.slice(0, 24));
  const convert = "load it where it was made and save its state dict with safetensors.torch.save_file";
  if (start.startsWith("PK\x03\x04")) return `it looks like a zip archive, as torch.save writes: ${convert}`;
  if (start.startsWith("\x80")) return `it looks like a Python pickle: ${convert}`;
  if (start.startsWith("\x89HDF")) return `it looks like HDF5, as Keras writes: ${convert}`;
  if (start.startsWith("version https://git-lfs")) return "it is a Git LFS pointer: run git lfs pull to get the file";
  return `check the path; if it is a model in another format, ${convert}`;
}

function parseHeader(bytes: Uint8Array, name: string): Record<string, unknown> {
  const text = decodeUtf8(bytes, `${name}: header`, FileFormatError);
  return readJson(text, `${name}: the header`) as Record<string, unknown>; // the text starts with a brace
}

function checkMetadata(value: unknown, name: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) {
    throw new FileFormatError(`${name}: ${METADATA} is ${shown(value)}, expected an object of texts`);
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw new FileFormatError(
        `${name}: ${METADATA}.${shortened(key)} is ${shown(text)}, expected text; write other values as JSON text`,
      );
    }
  }
  return Object.fromEntries(Object.entries(value)) as Record<string, string>;
}

function checkEntry(name: string, value: unknown, file: string): Entry {
  const what = `${file}: tensor ${shown(name)}`;
  const again = "save the file again";
  if (!isObject(value)) throw new FileFormatError(`${what} is ${shown(value)}, expected an object; ${again}`);
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw new FileFormatError(
      `${what} has the field ${shown(unknown)}, expected dtype, shape and data_offsets; ${again}`,
    );
  }
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPES, dtype)) {
    throw new FileFormatError(
      `${what} has dtype ${shown(dtype)}, and ${Object.keys(DTYPES).join(", ")} can be read; convert it (tensor.float() in PyTorch) and ${again}`,
    );
  }
  if (!isCounts(shape)) {
    throw new FileFormatError(`${what} has shape ${shown(shape)}, expected a list of whole numbers; ${again}`);
  }
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new FileFormatError(`${what} has data_offsets ${shown(offsets)}, expected [begin, end]; ${again}`);
  }
  const [begin, end] = offsets as [number, number];
  // A zero anywhere makes an empty tensor, however large the other lengths are.
  const needed = shape.includes(0) ? 0 : sizeOf(shape) * (DTYPES[dtype]?.bytes as number);
  if (end - begin !== needed) {
    throw new FileFormatError(
      `${what} has shape ${showShape(shape)} of ${dtype}, which is ${needed} bytes, but data_offsets [${begin}, ${end}] hold ${end - begin}; ${again}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Every byte after the header belongs to exactly one tensor. */
function checkLayout(entries: readonly Entry[], available: number, file: string): void {
  let position = 0;
  let before = "";
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const what = `${file}: tensor ${shown(name)} has data_offsets [${begin}, ${end}]`;
    if (end > available) {
      throw new FileFormatError(
        `${what}, but only ${available} bytes follow the header: the file is truncated; fetch or save it again`,
      );
    }
    if (begin < position) {
      throw new FileFormatError(
        `${what} and overlaps tensor ${shown(before)}, which ends at ${position}; save it again`,
      );
    }
    if (begin > position) {
      throw new FileFormatError(`${what}, but bytes ${position} to ${begin} belong to no tensor; save the file again`);
    }
    position = end;
    before = name;
  }
  if (position !== available) {
    throw new FileFormatError(
      `${file}: ${available - position} bytes after the last tensor belong to none (the tensors end at ${position}, the file at ${available}); fetch or save it again`,
    );
  }
}

function decode(entry: Entry, file: Uint8Array, start: number, name: string): TensorData {
  const { dtype, shape, begin, end } = entry;
  const values = DTYPES[dtype]?.decode(file.slice(start + begin, start + end).buffer as ArrayBuffer);
  const data = values instanceof BigInt64Array ? narrow(values, `${name}: tensor ${shown(entry.name)}`) : values;
  return { shape, data: data as NumberArray };
}

function narrow(values: BigInt64Array, what: string): Int32Array {
  return Int32Array.from(values, (value, i) => {
    if (value !== BigInt.asIntN(32, value)) {
      throw new FileFormatError(
        `${what} has the I64 value ${value} at element ${i}, beyond 32 bits (-2147483648 to 2147483647); save it as F64`,
      );
    }
    return Number(value);
  });
}

function checkWritable(name: string, tensor: TensorData): TensorData & { dtype: string } {
  const { shape, data } = tensor;
  const dtype =
    data instanceof Float32Array
      ? "F32"
      : data instanceof Float64Array
        ? "F64"
        : data instanceof Int32Array
          ? "I32"
          : undefined;
  if (name === METADATA) throw new FileFormatError(`a tensor cannot be named ${METADATA}; give it another name`);
  if (dtype === undefined) {
    throw new ShapeError(
      `tensor ${shown(name)}: the values are no Float32Array, Float64Array or Int32Array; convert them first`,
    );
  }
  if (!isCounts(shape) || data.length !== sizeOf(shape)) {
    throw new ShapeError(
      `tensor ${shown(name)} has ${data.length} values, and shape ${shown(shape)} does not fit that`,
    );
  }
  return { shape, data, dtype };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0));
