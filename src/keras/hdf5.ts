import { type DataObjects, Dataset, File, Group } from "jsfive";
import { FileFormatError, shown } from "../errors.ts";
import { decodeBFloat16 } from "../io/half.ts";
import { showShape } from "../tensor-data.ts";
import { meteredBuffer } from "./metered-buffer.ts";

// What Keras writes of HDF5: groups, attributes of texts, and tensors that lie in one piece. jsfive parses the file. It trusts
// what is written there, so its work has a limit (metered-buffer.ts), and what it would loop over is checked here first: the
// values of an attribute must lie in its message, those of a tensor in the file. The layout of messages is that of the HDF5
// file format specification, sections IV.A.2.b (dataspace), IV.A.2.d (datatype) and IV.A.2.m (attribute).

/** A tensor of a file, with the element type that it had there: `float32`, `bfloat16`, `int64`, … */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  readonly dtype: string;
}

/** A group of an HDF5 file. */
export interface Hdf5Group {
  readonly names: readonly string[];
  /** Texts, a text, numbers; undefined where there is no such attribute. */
  attribute(name: string): unknown;
  /** Undefined where there is no such group. */
  group(name: string): Hdf5Group | undefined;
  /** Undefined where there is no such dataset. */
  tensor(name: string): StoredTensor | undefined;
}

const kinds: Readonly<Record<string, string>> = { f: "float", i: "int", u: "uint" };

const DATASPACE = 1;
const DATATYPE = 3;
const LAYOUT = 8;
const ATTRIBUTE = 12;
const CONTIGUOUS = 1;
const STRING = 3;
const OPAQUE = 5;
const VARIABLE_LENGTH = 9;
const MOST_DEPTH = 32;
const MOST_AXES = 32;
/** How many times as long as the file all its tensors may be together. */
const MOST_GROWTH = 8;
const ALWAYS_ALLOWED = 2 ** 16;

/** Whether a file begins as HDF5 does. */
export const isHdf5 = (bytes: Uint8Array): boolean =>
  [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, i) => bytes[i] === byte);

/**
 * Opens an HDF5 file.
 * @param what names the file in messages
 * @throws FileFormatError, here and from every function of a group, when the file is damaged, or not as Keras writes it
 */
export function openHdf5(bytes: Uint8Array, what: string): Hdf5Group {
  if (!isHdf5(bytes)) throw new FileFormatError(`${what}: does not begin as an HDF5 file does`);
  const buffer = meteredBuffer(bytes, what);
  const context: Context = {
    what,
    bytes,
    view: new DataView(buffer),
    texts: new Set(),
    left: MOST_GROWTH * bytes.length + ALWAYS_ALLOWED,
  };
  return wrap(
    context,
    attempt(what, "the file", () => new File(buffer, what)),
    "/",
    0,
  );
}

interface Context {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Texts of variable length that were read, by their places: each belongs to one attribute. */
  readonly texts: Set<string>;
  /** Bytes that tensors may still have. */
  left: number;
}

/** jsfive throws texts and whatever its code runs into. */
function attempt<R>(what: string, part: string, call: () => R): R {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof FileFormatError) throw cause;
    const why = String((cause as Error)?.message ?? cause).slice(0, 200);
    throw new FileFormatError(
      `${what}: ${part} cannot be read (${why}); the HDF5 file is truncated, damaged or not as Keras writes it`,
      {
        cause,
      },
    );
  }
}

function wrap(context: Context, group: Group, path: string, depth: number): Hdf5Group {
  const { what } = context;
  if (depth > MOST_DEPTH)
    throw new FileFormatError(`${what}: groups are nested more than ${MOST_DEPTH} deep at ${shown(path)}`);
  const names = attempt(what, path, () => group.keys);
  const find = (name: string) =>
    names.includes(name) ? attempt(what, `${path}${name}`, () => group.get(name)) : undefined;
  const attributes = new Map<string, unknown>();
  const readAttribute = (name: string) =>
    attempt(what, `attribute ${name} of ${path}`, () => attributeOf(context, group._dataobjects, name));
  return {
    names,
    attribute(name) {
      if (!attributes.has(name)) attributes.set(name, readAttribute(name));
      return attributes.get(name);
    },
    group(name) {
      const found = find(name);
      return found instanceof Group ? wrap(context, found, `${path}${name}/`, depth + 1) : undefined;
    },
    tensor(name) {
      const found = find(name);
      return found instanceof Dataset
        ? attempt(what, `${path}${name}`, () => tensorOf(context, found, `${path}${name}`))
        : undefined;
    },
  };
}

/** The axes of a dataspace message. */
function axesAt({ view, what }: Context, offset: number): number[] {
  const version = view.getUint8(offset);
  const count = view.getUint8(offset + 1);
  if ((version !== 1 && version !== 2) || count > MOST_AXES)
    throw new FileFormatError(`${what}: has a dataspace of version ${version} with ${count} axes`);
  const first = offset + (version === 1 ? 8 : 4);
  return Array.from({ length: count }, (_, i) => Number(view.getBigUint64(first + 8 * i, true)));
}

const product = (axes: readonly number[]) => axes.reduce((all, n) => all * n, 1);

function attributeOf(context: Context, objects: DataObjects, wanted: string): unknown {
  const { view, bytes, what } = context;
  for (const message of objects.find_msg_type(ATTRIBUTE)) {
    const offset = message.get("offset_to_message")!;
    const version = view.getUint8(offset);
    if (version !== 1 && version !== 3)
      throw new FileFormatError(`${what}: has an attribute of version ${version}; 1 and 3 can be read`);
    const padded = (n: number) => (version === 1 ? Math.ceil(n / 8) * 8 : n);
    const [nameLength, typeLength, spaceLength] = [2, 4, 6].map((at) => view.getUint16(offset + at, true)) as [
      number,
      number,
      number,
    ];
    const nameAt = offset + (version === 1 ? 8 : 9);
    const name = new TextDecoder().decode(bytes.subarray(nameAt, nameAt + nameLength)).replace(/\0.*$/s, "");
    if (name !== wanted) continue;
    const typeAt = nameAt + padded(nameLength);
    const spaceAt = typeAt + padded(typeLength);
    const dataAt = spaceAt + padded(spaceLength);
    const kind = view.getUint8(typeAt) & 15;
    const size = kind === VARIABLE_LENGTH ? 16 : view.getUint32(typeAt + 4, true);
    const count = product(axesAt(context, spaceAt));
    const isText = kind === STRING || (kind === VARIABLE_LENGTH && (view.getUint8(typeAt + 1) & 15) === 1);
    if (!isText && kind > 1)
      throw new FileFormatError(
        `${what}: its attribute ${shown(wanted)} is of class ${kind}; texts and numbers can be read`,
      );
    if (size < 1 || !(count * size <= offset + message.get("size")! - dataAt))
      throw new FileFormatError(
        `${what}: its attribute ${shown(wanted)} would have ${count} values of ${size} bytes, more than there are`,
      );
    if (kind === VARIABLE_LENGTH) for (let i = 0; i < count; i++) claimText(context, dataAt + 16 * i, wanted);
    const [, value] = objects.unpack_attribute(offset);
    const trimmed = (text: unknown) => (typeof text === "string" ? text.replace(/\0+$/, "") : text);
    return Array.isArray(value) ? value.map(trimmed) : trimmed(value);
  }
  return undefined;
}

/** Each text is stored for one value. A file in which many values refer to one was made to become large in memory. */
function claimText({ view, texts, what }: Context, at: number, attribute: string): void {
  if (view.getUint32(at, true) === 0) return;
  const place = `${view.getBigUint64(at + 4, true)} ${view.getUint32(at + 12, true)}`;
  if (texts.has(place))
    throw new FileFormatError(
      `${what}: its attribute ${shown(attribute)} has a text that another value has too; it is damaged`,
    );
  texts.add(place);
}

function tensorOf(context: Context, dataset: Dataset, path: string): StoredTensor {
  const { what } = context;
  const refuse = (why: string): never => {
    throw new FileFormatError(`${what}: the tensor ${shown(path)} ${why}`);
  };
  const space = dataset._dataobjects.find_msg_type(DATASPACE)[0]!.get("offset_to_message")!;
  const shape = axesAt(context, space);
  const objects = dataset._dataobjects;
  // Keras marks bfloat16, for which HDF5 has no type: two bytes without meaning.
  const isBFloat16 = attributeOf(context, objects, "dtype") === "bfloat16" && classAt(context, objects) === OPAQUE;
  const dtype = isBFloat16 ? "<u2" : dataset.dtype;
  const match = typeof dtype === "string" ? /^[<>|]?([fiu])([1248])$/.exec(dtype) : null;
  if (!match) return refuse(`has elements of type ${shown(dtype)}; numbers can be read`);
  if (objects.chunks !== null)
    return refuse(
      "is stored in chunks (compressed), which Keras does not do; h5repack -l CONTI IN OUT stores it in one piece",
    );
  const length = product(shape) * Number(match[2]);
  if (!(length <= context.bytes.length))
    return refuse(`would have shape ${showShape(shape)}, ${length} bytes in a file of ${context.bytes.length}`);
  context.left -= length;
  if (context.left < 0) return refuse("lies where others lie too; together they are many times as large as the file");
  if (isBFloat16) return { shape, data: bfloat16At(context, objects, product(shape)), dtype: "bfloat16" };
  const values = dataset.value;
  if (values.length !== product(shape) || values.includes(undefined)) return refuse("has no numbers");
  const wide = match[0].endsWith("f8") || (match[1] !== "f" && Number(match[2]) > 2);
  const numbers = values.map(Number);
  const data = wide ? Float64Array.from(numbers) : Float32Array.from(numbers);
  return { shape, data, dtype: `${kinds[match[1]!]}${8 * Number(match[2])}` };
}

/** The class of a dataset's elements. */
const classAt = ({ view }: Context, objects: DataObjects): number =>
  view.getUint8(objects.find_msg_type(DATATYPE)[0]!.get("offset_to_message")!) & 15;

/** Numbers that lie in one piece: the layout message has its version, its class and the address (section IV.A.2.i). */
function bfloat16At({ view, what }: Context, objects: DataObjects, count: number): Float32Array {
  const at = objects.find_msg_type(LAYOUT)[0]!.get("offset_to_message")!;
  if (view.getUint8(at) !== 3 || view.getUint8(at + 1) !== CONTIGUOUS)
    throw new FileFormatError(`${what}: has a tensor of bfloat16 that does not lie in one piece`);
  const address = Number(view.getBigUint64(at + 2, true));
  return decodeBFloat16(Uint16Array.from({ length: count }, (_, i) => view.getUint16(address + 2 * i, true)));
}
