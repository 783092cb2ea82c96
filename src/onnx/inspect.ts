import { decode, type ElementType, elementTypes, type Message } from "./proto.ts";

/** An input or output of an ONNX graph. */
export interface OnnxValue {
  readonly name: string;
  /** ONNX's name of the element type, such as FLOAT; undefined where the value is no tensor or does not say. */
  readonly type: string | undefined;
  /** Lengths of the axes; a text or `?` for one that is not fixed. Undefined where the number of axes is not known. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** What an ONNX file holds. */
export interface OnnxSummary {
  /** What wrote the file, with its version. */
  readonly producer: string;
  /** The version of ONNX's operators; 0 where the file names none. */
  readonly opset: number;
  /** Without those that are weights. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** How often each operator is there, subgraphs included, by name; those of other domains as `domain:Name`. */
  readonly operators: Readonly<Record<string, number>>;
  /** How many numbers the weights and constants of the graphs are. */
  readonly parameters: number;
  /** Length of the file. */
  readonly bytes: number;
}

/**
 * What an ONNX file holds: inputs, outputs, operators and sizes. It need not be one that `importOnnx` takes.
 *
 * @param bytes the whole file
 * @throws FileFormatError when the bytes are no ONNX file
 */
export function inspectOnnx(bytes: Uint8Array | ArrayBuffer): OnnxSummary {
  const file = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  const { graph, opsetImport, producerName = "", producerVersion = "" } = decode("ModelProto", file);
  const operators = new Map<string, number>();
  let parameters = 0;
  const count = (within: Message<"GraphProto">): void => {
    for (const { dims } of within.initializer) parameters += dims.reduce((product, n) => product * n, 1);
    for (const { opType = "", domain = "", attribute } of within.node) {
      const name = domain === "" || domain === "ai.onnx" ? opType : `${domain}:${opType}`;
      operators.set(name, (operators.get(name) ?? 0) + 1);
      for (const { g, graphs } of attribute) for (const inner of g ? [g, ...graphs] : graphs) count(inner);
    }
  };
  if (graph) count(graph);
  const weights = new Set(graph?.initializer.map(({ name }) => name));
  return {
    producer: `${producerName} ${producerVersion}`.trim(),
    opset: opsetImport.find(({ domain = "" }) => domain === "" || domain === "ai.onnx")?.version ?? 0,
    inputs: (graph?.input ?? []).filter(({ name }) => !weights.has(name)).map(declaredValue),
    outputs: (graph?.output ?? []).map(declaredValue),
    operators: Object.fromEntries([...operators].sort(([a], [b]) => (a < b ? -1 : 1))),
    parameters,
    bytes: file.length,
  };
}

/** What a graph says of one of its inputs or outputs. */
export function declaredValue({ name = "", type }: Message<"ValueInfoProto">): OnnxValue {
  const tensor = type?.tensorType;
  const shape = tensor?.shape?.dim.map(({ dimValue, dimParam }) => dimValue ?? (dimParam || "?"));
  return { name, type: nameOfType(tensor?.elemType), shape };
}

/** `FLOAT` of 1; undefined of a number that is no element type. */
export const nameOfType = (number: number | undefined): ElementType | undefined =>
  (Object.entries(elementTypes) as [ElementType, number][]).find(([, known]) => known === number)?.[0];
