/** Small ONNX graphs, written with the importer's own table of messages. */
import { attributeTypes, type ElementType, elementTypes, encode, type NewMessage } from "../../src/onnx/proto.ts";
import { RandomStream } from "../../src/random.ts";

/** Numbers with their ONNX type. */
export interface OnnxNumbers {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export const numbers = (
  type: ElementType,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): OnnxNumbers => ({ type, shape, values });
export const int64 = (...values: number[]) => numbers("INT64", values);
export const scalar = (value: number, type: ElementType = "FLOAT") => numbers(type, [value], []);

/** The same numbers for the same name. */
export function drawn(name: string, shape: readonly number[], low = -2, high = 2): OnnxNumbers {
  const random = new RandomStream(1, name);
  const size = shape.reduce((product, n) => product * n, 1);
  return numbers(
    "FLOAT",
    Array.from({ length: size }, () => Math.fround(low + (high - low) * random.next())),
    shape,
  );
}

/** Whole numbers from 0 to below a limit. */
export function drawnIndices(name: string, shape: readonly number[], below: number, type: ElementType = "INT64") {
  const { values } = drawn(name, shape, 0, below);
  return numbers(type, values.map(Math.floor), shape);
}

export function tensor(name: string, { type, shape, values }: OnnxNumbers): NewMessage<"TensorProto"> {
  const base = { name, dims: shape, dataType: elementTypes[type] };
  if (type === "FLOAT") return { ...base, rawData: new Uint8Array(Float32Array.from(values).buffer) };
  if (type === "DOUBLE") return { ...base, doubleData: values };
  if (type === "INT64") return { ...base, int64Data: values };
  return { ...base, int32Data: values };
}

export const valueInfo = (name: string, type: ElementType, shape: readonly (number | string)[]) => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypes[type],
      shape: { dim: shape.map((n) => (typeof n === "number" ? { dimValue: n } : { dimParam: n })) },
    },
  },
});

/** Whole numbers and lists of them as they are, others by their kind. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly graph: NewMessage<"GraphProto"> }
  | { readonly tensor: OnnxNumbers };

const utf8 = (text: string) => new TextEncoder().encode(text);

export function attribute(name: string, value: AttributeValue): NewMessage<"AttributeProto"> {
  if (typeof value === "number") return { name, type: attributeTypes.INT, i: value };
  if (typeof value === "string") return { name, type: attributeTypes.STRING, s: utf8(value) };
  if ("float" in value) return { name, type: attributeTypes.FLOAT, f: value.float };
  if ("floats" in value) return { name, type: attributeTypes.FLOATS, floats: value.floats };
  if ("graph" in value) return { name, type: attributeTypes.GRAPH, g: value.graph };
  if ("tensor" in value) return { name, type: attributeTypes.TENSOR, t: tensor("", value.tensor) };
  if (value.every((one) => typeof one === "string"))
    return value.length > 0 && typeof value[0] === "string"
      ? { name, type: attributeTypes.STRINGS, strings: value.map((one) => utf8(String(one))) }
      : { name, type: attributeTypes.INTS, ints: [] };
  return { name, type: attributeTypes.INTS, ints: value as readonly number[] };
}

export const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NewMessage<"NodeProto"> => ({
  opType,
  name: `${opType}_${output[0]}`,
  input,
  output,
  attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
});

export interface GraphSpec {
  readonly opset: number;
  readonly inputs: Readonly<
    Record<string, { readonly type: ElementType; readonly shape: readonly (number | string)[] }>
  >;
  readonly initializers?: Readonly<Record<string, OnnxNumbers>>;
  readonly nodes: readonly NewMessage<"NodeProto">[];
  readonly outputs: readonly string[];
}

/** A file. */
export const onnxFile = ({ opset, inputs, initializers = {}, nodes, outputs }: GraphSpec): Uint8Array =>
  encode("ModelProto", {
    irVersion: 8,
    producerName: "webgpu-rnn tests",
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "main",
      input: Object.entries(inputs).map(([name, { type, shape }]) => valueInfo(name, type, shape)),
      output: outputs.map((name) => ({ name })),
      initializer: Object.entries(initializers).map(([name, value]) => tensor(name, value)),
      node: nodes,
    },
  });
