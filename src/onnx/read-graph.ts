// From the messages of a file to graphs whose nodes are known: whatever is not known is collected, and refused at once.
import { FileFormatError, shown, shownNames } from "../errors.ts";
import { decodeUtf8 } from "../io/utf8.ts";
import { declaredValue, type OnnxValue } from "./inspect.ts";
import { type Attribute, type AttributeKind, fitsCount, leastOf, type Operator } from "./operator.ts";
import { operators } from "./operators/index.ts";
import { attributeTypes, type ElementType, type Message } from "./proto.ts";
import { readTensor } from "./tensor-proto.ts";
import { type HostValue, isKnownType, knownTypes } from "./values.ts";

/** A node whose operator is known. */
export interface GraphNode {
  readonly type: string;
  readonly operator: Operator;
  /** Its name, or that of its first output. */
  readonly name: string;
  /** `LSTM "encoder"`, for messages. */
  readonly title: string;
  /** Names of values; an empty text is an input or output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface Graph {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Emptied when the model is made, which keeps those that it needs. */
  readonly initializers: Map<string, HostValue>;
  /** Those that the outputs need, in an order in which each finds its inputs; later without those that are computed already. */
  nodes: readonly GraphNode[];
}

const LEAST_OPSET = 7;
const MOST_OPSET = 23;
/** A list of faults that nobody reads to its end. */
const MOST_FAULTS = 30;

/** Collects what a file has that is not known. */
class Reading {
  readonly file: string;
  readonly opset: number;
  readonly faults = new Set<string>();
  constructor(file: string, opset: number) {
    this.file = file;
    this.opset = opset;
  }
  damaged(why: string): FileFormatError {
    return new FileFormatError(`${this.file}: ${why}: the file is damaged`);
  }
}

/** The graph of a model, and the version of the operators. @throws FileFormatError listing all that is not known */
export function readModel(model: Message<"ModelProto">, file: string): { graph: Graph; opset: number } {
  if (!model.graph) throw new FileFormatError(`${file}: has no graph: this is no ONNX model, or it is damaged`);
  const opset = model.opsetImport.find(({ domain = "" }) => isOnnx(domain))?.version;
  if (opset === undefined || opset < LEAST_OPSET || opset > MOST_OPSET) {
    throw new FileFormatError(
      `${file}: is made for version ${opset ?? "?"} of ONNX's operators, and ${LEAST_OPSET} to ${MOST_OPSET} are known; convert it with onnx.version_converter, or export it with another opset_version`,
    );
  }
  const reading = new Reading(file, opset);
  for (const { name = "", domain = "" } of model.functions)
    reading.faults.add(`the function ${shown(`${domain}.${name}`)}: functions of a model are not known`);
  const graph = readGraph(reading, model.graph, []);
  const faults = [...reading.faults];
  if (faults.length > 0) {
    const more = faults.length > MOST_FAULTS ? [`… (${faults.length} in all)`] : [];
    const known = [...reading.faults].some((fault) => fault.startsWith("operator"))
      ? `\nKnown operators: ${Object.keys(operators).sort().join(", ")}`
      : "";
    throw new FileFormatError(
      `${file}: has what cannot be imported:\n- ${[...faults.slice(0, MOST_FAULTS), ...more].join("\n- ")}${known}`,
    );
  }
  return { graph, opset };
}

const isOnnx = (domain: string): boolean => domain === "" || domain === "ai.onnx";

function readGraph(reading: Reading, proto: Message<"GraphProto">, outer: readonly ReadonlySet<string>[]): Graph {
  const initializers = new Map<string, HostValue>();
  if (proto.sparseInitializer.length > 0)
    reading.faults.add(`${proto.sparseInitializer.length} sparse initializers: sparse tensors are not known`);
  const names = new Set<string>();
  const define = (name: string) => {
    if (names.has(name)) throw reading.damaged(`the value ${shown(name)} is made twice`);
    names.add(name);
  };
  const needed = new Set<string>();
  const protos = neededNodes(proto, needed);
  for (const tensor of proto.initializer) {
    const { name = "" } = tensor;
    define(name);
    // What nobody reads may be of any type.
    if (!needed.has(name)) continue;
    try {
      initializers.set(name, readTensor(tensor, `${reading.file}: initializer ${shown(name)}`));
    } catch (error) {
      if (!(error instanceof FileFormatError) || error.message.endsWith("damaged")) throw error;
      reading.faults.add(error.message.slice(reading.file.length + 2));
    }
  }
  const inputs = proto.input.filter(({ name = "" }) => !initializers.has(name) && !names.has(name)).map(declaredValue);
  for (const input of inputs) {
    define(input.name);
    if (outer.length === 0) checkDeclared(reading, `input ${shown(input.name)}`, input);
  }
  const scopes = [...outer, names];
  const nodes = protos.map((node) => {
    const type = node.opType ?? "";
    const name = node.name || node.output.find((output) => output) || type;
    const title = `${type} ${shown(name)}`;
    for (const input of node.input) {
      if (input && !scopes.some((scope) => scope.has(input)))
        throw reading.damaged(
          `${title} reads the value ${shown(input)}, which nothing before it makes: the graph has a cycle or is not sorted`,
        );
    }
    for (const output of node.output) if (output) define(output);
    return readNode(reading, node, { type, name, title }, scopes);
  });
  const outputs = proto.output.map(declaredValue);
  for (const { name } of outputs) {
    if (!scopes.some((scope) => scope.has(name)))
      throw reading.damaged(`the output ${shown(name)} is made by nothing in its graph`);
  }
  if (outer.length === 0 && outputs.length === 0) throw reading.damaged("the graph has no outputs");
  return { inputs, outputs, initializers, nodes: nodes.flatMap((node) => node ?? []) };
}

function checkDeclared(reading: Reading, what: string, { type }: OnnxValue): void {
  if (!isKnownType(type as ElementType | undefined))
    reading.faults.add(
      `${what} is ${type ? `of type ${type}` : "no tensor"}; known are tensors of ${knownTypes.join(", ")}`,
    );
}

/** The nodes that the outputs need, in their order; `needed` gets the names of all values that these and the outputs read. */
function neededNodes(proto: Message<"GraphProto">, needed: Set<string>): Message<"NodeProto">[] {
  for (const { name = "" } of proto.output) needed.add(name);
  const kept: Message<"NodeProto">[] = [];
  for (const node of [...proto.node].reverse()) {
    if (!node.output.some((output) => output && needed.has(output))) continue;
    kept.push(node);
    needRead(node, needed);
  }
  return kept.reverse();
}

/** What a node reads, its graphs included. */
function needRead({ input, attribute }: Message<"NodeProto">, needed: Set<string>): void {
  for (const name of input) needed.add(name);
  for (const { g } of attribute) {
    for (const { name = "" } of g?.output ?? []) needed.add(name);
    for (const node of g?.node ?? []) needRead(node, needed);
  }
}

function readNode(
  reading: Reading,
  node: Message<"NodeProto">,
  { type, name, title }: { type: string; name: string; title: string },
  scopes: readonly ReadonlySet<string>[],
): GraphNode | undefined {
  const { domain = "" } = node;
  if (!isOnnx(domain)) {
    reading.faults.add(
      `operator ${type} of the domain ${shown(domain)}, node ${shown(name)}: only ONNX's own are known`,
    );
    return undefined;
  }
  const operator = Object.hasOwn(operators, type) ? operators[type]! : undefined;
  if (!operator) {
    reading.faults.add(`operator ${type}, node ${shown(name)}, is not known`);
    return undefined;
  }
  if (operator.since !== undefined && reading.opset < operator.since) {
    reading.faults.add(`operator ${title} of version ${reading.opset}: known from version ${operator.since} on`);
    return undefined;
  }
  // Names of inputs that are left out may stand at the end.
  const given = node.input.length - [...node.input].reverse().findIndex((input) => input !== "");
  const inputs = node.input.slice(0, given > node.input.length ? 0 : given);
  const { inputs: count, outputs: outputCount = 1 } = operator;
  if (!fitsCount(count, inputs.length) || inputs.slice(0, leastOf(count)).includes(""))
    reading.faults.add(`${title} has ${inputs.length} inputs, expected ${shownCount(count)}`);
  if (!fitsCount(outputCount, node.output.length))
    reading.faults.add(`${title} has ${node.output.length} outputs, expected ${shownCount(outputCount)}`);
  const attributes = new Map<string, Attribute>();
  for (const attribute of node.attribute) {
    const read = readAttribute(reading, title, operator, attribute, scopes);
    if (read !== undefined) attributes.set(attribute.name ?? "", read);
  }
  return { type, operator, name, title, inputs, outputs: node.output, attributes };
}

const shownCount = (count: Operator["inputs"]): string =>
  typeof count === "number"
    ? String(count)
    : count[1] === Number.POSITIVE_INFINITY
      ? `at least ${count[0]}`
      : `${count[0]} to ${count[1]}`;

/** ONNX's kinds of attributes by ours. */
const kinds: Readonly<Record<string, number>> = {
  float: attributeTypes.FLOAT,
  int: attributeTypes.INT,
  string: attributeTypes.STRING,
  tensor: attributeTypes.TENSOR,
  graph: attributeTypes.GRAPH,
  floats: attributeTypes.FLOATS,
  ints: attributeTypes.INTS,
  strings: attributeTypes.STRINGS,
};

function readAttribute(
  reading: Reading,
  title: string,
  { attributes = {} }: Operator,
  proto: Message<"AttributeProto">,
  scopes: readonly ReadonlySet<string>[],
): Attribute | undefined {
  const { name = "", type = 0, refAttrName } = proto;
  const known = Object.hasOwn(attributes, name) ? attributes[name]! : undefined;
  if (known === undefined) {
    const names = Object.keys(attributes);
    reading.faults.add(
      `${title}: the attribute ${shown(name)} is not known; ${names.length > 0 ? `known are ${shownNames(names)}` : "there is none"}`,
    );
    return undefined;
  }
  if (refAttrName) {
    reading.faults.add(`${title}: the attribute ${shown(name)} refers to a function's, and functions are not known`);
    return undefined;
  }
  const kind = kindOf(known);
  if (type !== 0 && type !== kinds[kind]) {
    reading.faults.add(`${title}: the attribute ${shown(name)} is of type ${type}, expected ${kinds[kind]} (${kind})`);
    return undefined;
  }
  const value = attributeValue(reading, `${title}: the attribute ${shown(name)}`, kind, proto, scopes);
  if (typeof known !== "string" && value !== undefined && !known.includes(value as string | number)) {
    reading.faults.add(`${title}: the attribute ${shown(name)} is ${shown(value)}; known are ${known.join(", ")}`);
    return undefined;
  }
  return value;
}

const kindOf = (known: AttributeKind): string =>
  typeof known === "string" ? known : typeof known[0] === "string" ? "string" : "int";

function attributeValue(
  reading: Reading,
  what: string,
  kind: string,
  { f = 0, i = 0, s, t, g, floats, ints, strings }: Message<"AttributeProto">,
  scopes: readonly ReadonlySet<string>[],
): Attribute | undefined {
  const text = (bytes: Uint8Array) => decodeUtf8(bytes, `${reading.file}: ${what}`, FileFormatError);
  switch (kind) {
    case "float":
      return f;
    case "int":
      return i;
    case "string":
      return s ? text(s) : "";
    case "floats":
      return floats;
    case "ints":
      return ints;
    case "strings":
      return strings.map(text);
    case "tensor":
      if (!t) throw reading.damaged(`${what} has no tensor`);
      try {
        return readTensor(t, `${reading.file}: ${what}`);
      } catch (error) {
        if (!(error instanceof FileFormatError) || error.message.endsWith("damaged")) throw error;
        reading.faults.add(error.message.slice(reading.file.length + 2));
        return undefined;
      }
    default:
      if (!g) throw reading.damaged(`${what} has no graph`);
      return readGraph(reading, g, scopes);
  }
}
