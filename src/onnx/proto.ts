// The messages of ONNX as one table, and their reading and writing. Field numbers are those of onnx.proto3
// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3); names are its names in camel case.
import { PbfReader, PbfWriter } from "pbf";
import { FileFormatError, shown } from "../errors.ts";
import { decodeUtf8 } from "../io/utf8.ts";
import type { Bytes } from "../platform-types.ts";

/** Kinds of numbers, texts and bytes; any other kind of a field is the name of a message. 64-bit integers are numbers. */
interface Scalars {
  readonly int: number;
  readonly float: number;
  readonly double: number;
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Message → field → its number, its kind, and how often it may be there. A packed field may be read in either form. */
const messages = {
  ModelProto: {
    irVersion: [1, "int"],
    producerName: [2, "text"],
    producerVersion: [3, "text"],
    domain: [4, "text"],
    modelVersion: [5, "int"],
    docString: [6, "text"],
    graph: [7, "GraphProto"],
    opsetImport: [8, "OperatorSetIdProto", "repeated"],
    metadataProps: [14, "StringStringEntryProto", "repeated"],
    functions: [25, "FunctionProto", "repeated"],
  },
  OperatorSetIdProto: { domain: [1, "text"], version: [2, "int"] },
  StringStringEntryProto: { key: [1, "text"], value: [2, "text"] },
  GraphProto: {
    node: [1, "NodeProto", "repeated"],
    name: [2, "text"],
    initializer: [5, "TensorProto", "repeated"],
    docString: [10, "text"],
    input: [11, "ValueInfoProto", "repeated"],
    output: [12, "ValueInfoProto", "repeated"],
    valueInfo: [13, "ValueInfoProto", "repeated"],
    sparseInitializer: [15, "SparseTensorProto", "repeated"],
  },
  NodeProto: {
    input: [1, "text", "repeated"],
    output: [2, "text", "repeated"],
    name: [3, "text"],
    opType: [4, "text"],
    attribute: [5, "AttributeProto", "repeated"],
    docString: [6, "text"],
    domain: [7, "text"],
  },
  AttributeProto: {
    name: [1, "text"],
    f: [2, "float"],
    i: [3, "int"],
    s: [4, "bytes"],
    t: [5, "TensorProto"],
    g: [6, "GraphProto"],
    floats: [7, "float", "repeated"],
    ints: [8, "int", "repeated"],
    strings: [9, "bytes", "repeated"],
    tensors: [10, "TensorProto", "repeated"],
    graphs: [11, "GraphProto", "repeated"],
    docString: [13, "text"],
    /** One of `attributeTypes`; absent or 0 in old files. */
    type: [20, "int"],
    refAttrName: [21, "text"],
    sparseTensor: [22, "SparseTensorProto"],
  },
  TensorProto: {
    dims: [1, "int", "repeated"],
    /** One of `elementTypes`. */
    dataType: [2, "int"],
    floatData: [4, "float", "packed"],
    int32Data: [5, "int", "packed"],
    stringData: [6, "bytes", "repeated"],
    int64Data: [7, "int", "packed"],
    name: [8, "text"],
    rawData: [9, "bytes"],
    doubleData: [10, "double", "packed"],
    uint64Data: [11, "int", "packed"],
    docString: [12, "text"],
    externalData: [13, "StringStringEntryProto", "repeated"],
    /** 1: the numbers are in another file, which `externalData` names. */
    dataLocation: [14, "int"],
  },
  SparseTensorProto: {
    values: [1, "TensorProto"],
    indices: [2, "TensorProto"],
    dims: [3, "int", "repeated"],
  },
  ValueInfoProto: { name: [1, "text"], type: [2, "TypeProto"], docString: [3, "text"] },
  /** One of its fields is there. */
  TypeProto: {
    tensorType: [1, "TensorTypeProto"],
    sequenceType: [4, "NoTensorTypeProto"],
    mapType: [5, "NoTensorTypeProto"],
    opaqueType: [7, "NoTensorTypeProto"],
    sparseTensorType: [8, "NoTensorTypeProto"],
    optionalType: [9, "NoTensorTypeProto"],
  },
  TensorTypeProto: { elemType: [1, "int"], shape: [2, "TensorShapeProto"] },
  /** Types of values that are no tensors; what they hold is not looked at. */
  NoTensorTypeProto: {},
  TensorShapeProto: { dim: [1, "DimensionProto", "repeated"] },
  /** A length, or the name of one that is not known. */
  DimensionProto: { dimValue: [1, "int"], dimParam: [2, "text"] },
  FunctionProto: {
    name: [1, "text"],
    input: [4, "text", "repeated"],
    output: [5, "text", "repeated"],
    attribute: [6, "text", "repeated"],
    node: [7, "NodeProto", "repeated"],
    opsetImport: [9, "OperatorSetIdProto", "repeated"],
    domain: [10, "text"],
    attributeProto: [11, "AttributeProto", "repeated"],
  },
} as const;

type Messages = typeof messages;
export type MessageName = keyof Messages;
type Value<K, Form extends "read" | "written"> = K extends keyof Scalars
  ? Scalars[K]
  : K extends MessageName
    ? Form extends "read"
      ? Message<K>
      : NewMessage<K>
    : never;
type Repeated<M> = { [F in keyof M]: M[F] extends readonly [number, string, string] ? F : never }[keyof M];
type Singular<M> = Exclude<keyof M, Repeated<M>>;
type KindOf<M, F extends keyof M> = M[F] extends readonly [number, infer K, ...unknown[]] ? K : never;

/** A message as it was read: fields that may be there often are lists, the others are undefined where they are absent. */
export type Message<N extends MessageName> = {
  readonly [F in Singular<Messages[N]>]?: Value<KindOf<Messages[N], F>, "read">;
} & {
  readonly [F in Repeated<Messages[N]>]: readonly Value<KindOf<Messages[N], F>, "read">[];
};

/** A message to write: every field may be left out. */
export type NewMessage<N extends MessageName> = {
  readonly [F in Singular<Messages[N]>]?: Value<KindOf<Messages[N], F>, "written"> | undefined;
} & {
  readonly [F in Repeated<Messages[N]>]?: readonly Value<KindOf<Messages[N], F>, "written">[] | undefined;
};

/** `AttributeProto.AttributeType`. */
export const attributeTypes = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
} as const;

/** `TensorProto.DataType`. */
export const elementTypes = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E4M3FNUZ: 18,
  FLOAT8E5M2: 19,
  FLOAT8E5M2FNUZ: 20,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
} as const;

/** A name of an ONNX element type. */
export type ElementType = keyof typeof elementTypes;

type Kind = keyof Scalars | MessageName;
interface Field {
  readonly name: string;
  readonly number: number;
  readonly kind: Kind;
  readonly form: "singular" | "repeated" | "packed";
}

const fieldsOf = new Map<MessageName, readonly Field[]>();
const byNumber = new Map<MessageName, ReadonlyMap<number, Field>>();
for (const [message, table] of Object.entries(messages) as [MessageName, Record<string, readonly unknown[]>][]) {
  const fields = Object.entries(table).map(
    ([name, [number, kind, form = "singular"]]) => ({ name, number, kind, form }) as Field,
  );
  fieldsOf.set(message, fields);
  byNumber.set(message, new Map(fields.map((field) => [field.number, field])));
}

/** How the wire says that a value is a varint, 8 bytes, bytes with their length, or 4 bytes. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const wireTypes: Readonly<Record<string, number>> = { int: VARINT, float: FIXED32, double: FIXED64 };

/** Messages in messages: 32 graphs in each other. The reference implementation of Protocol Buffers has 100 as well. */
const MOST_LEVELS = 100;
/** Messages of a file: two bytes of a hostile one make an object. A model of 100,000 nodes has some two million. */
const MOST_MESSAGES = 2 ** 22;
/** What absent fields that may be there often are. */
const NONE: readonly never[] = Object.freeze([]);
/** The first integer that int64 does not have. */
const INT64_BEYOND = 2 ** 63;

interface Reading {
  readonly reader: PbfReader;
  readonly file: string;
  count: number;
}

/**
 * Reads a message. Fields that the table lacks are passed over. Bytes are views of the file. 64-bit integers beyond 2^53 are
 * rounded to what a number holds.
 *
 * @param name the kind of message that the bytes are
 * @param file what errors call the bytes
 * @throws FileFormatError when the bytes are no such message, are truncated, or hold more than 2^22 messages or 100 in each other
 */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array, file = "ONNX file"): Message<N> {
  // A plain view, because subarray() of Node's Buffer makes Buffers.
  const reader = new PbfReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    return readMessage({ reader, file, count: 0 }, name, reader.length, 1) as Message<N>;
  } catch (cause) {
    if (cause instanceof FileFormatError) throw cause;
    throw new FileFormatError(`${file}: ${name} cannot be read at byte ${reader.pos}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function readMessage(reading: Reading, name: MessageName, end: number, level: number): unknown {
  const { reader, file } = reading;
  if (level > MOST_LEVELS) throw new FileFormatError(`${file}: has more than ${MOST_LEVELS} messages in each other`);
  if (++reading.count > MOST_MESSAGES) throw new FileFormatError(`${file}: has more than ${MOST_MESSAGES} messages`);
  const message: Record<string, unknown> = {};
  for (const { name: field, form } of fieldsOf.get(name)!) if (form !== "singular") message[field] = NONE;
  const known = byNumber.get(name)!;
  for (let number = reader.nextField(end); number !== 0; number = reader.nextField(end)) {
    const field = known.get(number);
    if (!field) reader.skip(reader.type);
    else if (field.form === "singular") message[field.name] = readValue(reading, name, field, end, level);
    else {
      if (message[field.name] === NONE) message[field.name] = [];
      const list = message[field.name] as unknown[];
      const packed = reader.type === BYTES && field.kind in wireTypes;
      if (packed) {
        const last = endOf(reading, name, end);
        while (reader.pos < last) list.push(readNumber(reader, field.kind));
        checkEnd(reading, name, last);
      } else list.push(readValue(reading, name, field, end, level));
    }
    if (reader.pos > end) throw truncated(reading, name);
  }
  checkEnd(reading, name, end);
  return message;
}

function readValue(reading: Reading, name: MessageName, field: Field, end: number, level: number): unknown {
  const { reader, file } = reading;
  const { kind } = field;
  const wireType = wireTypes[kind] ?? BYTES;
  if (reader.type !== wireType) {
    throw new FileFormatError(
      `${file}: field ${field.name} of ${name} has wire type ${reader.type}, expected ${wireType}: this is no ONNX file, or it is damaged`,
    );
  }
  if (wireType !== BYTES) return readNumber(reader, kind);
  const last = endOf(reading, name, end);
  if (kind !== "text" && kind !== "bytes") return readMessage(reading, kind as MessageName, last, level + 1);
  const bytes = reader.buf.subarray(reader.pos, last);
  reader.pos = last;
  return kind === "bytes" ? bytes : decodeUtf8(bytes, `${file}: ${field.name} of ${name}`, FileFormatError);
}

const readNumber = (reader: PbfReader, kind: Kind): number =>
  kind === "int" ? reader.readVarint(true) : kind === "float" ? reader.readFloat() : reader.readDouble();

/** Where the bytes that now begin with their length end. */
function endOf(reading: Reading, name: MessageName, end: number): number {
  const length = reading.reader.readVarint();
  const last = reading.reader.pos + length;
  if (!(last <= end)) throw truncated(reading, name);
  return last;
}

function checkEnd(reading: Reading, name: MessageName, end: number): void {
  if (reading.reader.pos !== end) throw truncated(reading, name);
}

const truncated = ({ file, reader }: Reading, name: MessageName) =>
  new FileFormatError(
    `${file}: ${name} does not end where it should, near byte ${Math.min(reader.pos, reader.length)} of ${reader.length}: the file is truncated, damaged, or no ONNX file`,
  );

/**
 * Writes a message. Fields that are undefined are left out. An integer of 2^63 or more is written as the largest of int64, which
 * is what the end of a Slice is where it means all.
 *
 * @throws FileFormatError naming a field that there is not, or whose value is of another type
 */
export function encode<N extends MessageName>(name: N, message: NewMessage<N>): Bytes {
  const writer = new PbfWriter();
  writeMessage(writer, name, message as Readonly<Record<string, unknown>>);
  // The writer's buffer is up to twice as long.
  return writer.finish().slice();
}

function writeMessage(writer: PbfWriter, name: MessageName, message: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(message))
    if (!Object.hasOwn(messages[name], key)) throw new FileFormatError(`${name} has no field ${shown(key)}`);
  for (const { name: key, number, kind, form } of fieldsOf.get(name)!) {
    const value = message[key];
    if (value === undefined) continue;
    const what = `${name}.${key}`;
    if (form === "singular") writeField(writer, what, number, kind, value);
    else if (!Array.isArray(value)) throw new FileFormatError(`${what} is ${shown(value)}, expected a list`);
    else if (form === "repeated") for (const one of value) writeField(writer, what, number, kind, one);
    else if (value.length > 0) {
      const all = (_: unknown, inner: PbfWriter) => {
        for (const one of value) writeNumber(inner, what, kind, one);
      };
      writer.writeMessage(number, all, undefined);
    }
  }
}

function writeField(writer: PbfWriter, what: string, number: number, kind: Kind, value: unknown): void {
  const wireType = wireTypes[kind];
  if (wireType !== undefined) {
    writer.writeTag(number, wireType);
    writeNumber(writer, what, kind, value);
  } else if (kind === "text") {
    if (typeof value !== "string") throw new FileFormatError(`${what} is ${shown(value)}, expected text`);
    writer.writeStringField(number, value);
  } else if (kind === "bytes") {
    if (!(value instanceof Uint8Array)) throw new FileFormatError(`${what} is ${shown(value)}, expected a Uint8Array`);
    writer.writeBytesField(number, value);
  } else {
    if (typeof value !== "object" || value === null)
      throw new FileFormatError(`${what} is ${shown(value)}, expected a message`);
    const message = value as Readonly<Record<string, unknown>>;
    writer.writeMessage(number, (_, inner) => writeMessage(inner, kind as MessageName, message), undefined);
  }
}

function writeNumber(writer: PbfWriter, what: string, kind: Kind, value: unknown): void {
  if (typeof value !== "number") throw new FileFormatError(`${what} is ${shown(value)}, expected a number`);
  if (kind === "float") writer.writeFloat(value);
  else if (kind === "double") writer.writeDouble(value);
  else if (value >= INT64_BEYOND) {
    // As a number the largest of int64 is 2^63, which int64 does not have: nine bytes of seven bits.
    writer.realloc(9);
    writer.buf.fill(0xff, writer.pos, writer.pos + 8);
    writer.buf[writer.pos + 8] = 0x7f;
    writer.pos += 9;
  } else if (Number.isInteger(value) && value >= -INT64_BEYOND) writer.writeVarint(value);
  else throw new FileFormatError(`${what} is ${value}, expected an integer of 64 bits`);
}
