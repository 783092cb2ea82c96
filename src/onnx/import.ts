import { checkOptions, FileFormatError, OptionError, ShapeError, shown, shownNames } from "../errors.ts";
import { Module, type Parameter, type Shape, Tensor, type TensorData } from "../index.ts";
import { sameShape, showShape } from "../tensor-data.ts";
import { type Folded, fold } from "./fold.ts";
import type { OnnxValue } from "./inspect.ts";
import { decode } from "./proto.ts";
import { type Graph, readModel } from "./read-graph.ts";
import { runGraph } from "./run-graph.ts";
import { asType, deviceOf, hostOf, isFloat, newBudget, newHost, tensorOf, type Value } from "./values.ts";

export interface ImportOnnxOptions {
  /**
   * States that go on from call to call: the output that each is, and the input that it becomes, `{ hn: "h0" }`. `forward` then
   * takes and returns them as `state`, as layers do. Where sessions have several streams, they are along the axis of the input
   * whose length has the name of one of another input, else along the first whose length is not fixed or is 1; `{ hn: { input:
   * "h0", axis: 1 } }` says it.
   */
  readonly states?: Readonly<Record<string, string | { readonly input: string; readonly axis: number }>>;
  /** Inputs that are the same numbers at every call, `{ sr: 16000 }`: the model has them no longer. */
  readonly constants?: Readonly<Record<string, number | TensorData>>;
  /** What errors call the file; default "ONNX file". */
  readonly name?: string;
}

/** A state by the names of its input and output. */
interface CarriedValue {
  readonly input: string;
  readonly output: string;
  readonly axis: number;
}

/** Tensors by the names that the file has for them. */
export type OnnxTensors = Readonly<Record<string, Tensor>>;

/**
 * A model from an ONNX file. Its state dict has the float initializers by their names, and the weights of its recurrent layers as
 * `layers.<node>.weight_ih_l0` and so on; a BatchNormalization is a factor and a summand, under the names of its scale and bias.
 */
export class OnnxModel extends Module {
  /** Inputs that `forward` takes, without states and constants. */
  readonly inputs: readonly OnnxValue[];
  /** Outputs that `forward` returns, without states. */
  readonly outputs: readonly OnnxValue[];
  /** Recurrent layers by the names of their nodes. */
  readonly layers: Readonly<Record<string, Module>>;
  readonly #graph: Graph;
  readonly #folded: Folded;
  readonly #states: readonly CarriedValue[];

  /** @internal Made by {@link importOnnx}. */
  constructor(graph: Graph, folded: Folded, states: readonly CarriedValue[]) {
    super();
    this.#graph = graph;
    this.#folded = folded;
    this.#states = states;
    this.inputs = graph.inputs.filter(({ name }) => !states.some(({ input }) => input === name));
    this.outputs = graph.outputs.filter(({ name }) => !states.some(({ output }) => output === name));
    this.layers = folded.layers;
    // Fields, so that the walk over the module finds them; each is a part that bears the file's name.
    folded.parameters.forEach((parameter, i) => {
      (this as unknown as Record<string, Parameter>)[`parameter ${i}`] = parameter;
    });
  }

  /**
   * Runs the graph. What depends on shapes alone is computed while it is traced.
   * @param x the inputs by name; a single one may be given as it is. FLOAT and the other floating-point types are f32, integers and
   *   BOOL are i32
   * @param state what the call before returned; default zeros
   * @returns the outputs by name (one that is called `state` as `state_output`), and the state where `states` were named
   * @throws ShapeError for inputs that do not fit, or a node that cannot compute with what it is given
   */
  forward(
    x: Tensor | OnnxTensors,
    ...[state]: [state?: OnnxTensors]
  ): Readonly<Record<string, Tensor>> & { readonly state?: never } {
    newBudget();
    const given = this.#given(x);
    const lengths = new Map<string, number>();
    for (const input of this.inputs) bindShape(this.title, input, given[input.name]!.shape, lengths);
    const values = this.#graph.inputs.map((input): Value => {
      const carried = this.#states.find(({ input: name }) => name === input.name);
      const type = input.type as Value["type"];
      if (!carried) return deviceOf(type, given[input.name]!);
      const before = state?.[input.name];
      if (!before) return newHost(type, shapeOf(input, lengths));
      return deviceOf(type, fromStreams(before, carried.axis, input));
    });
    const results = runGraph(this.#folded, this.#graph, values, undefined);
    const named = this.#graph.outputs.map(({ name }, i) => [name, results[i]!] as const);
    const outputs = named.flatMap(([name, value]) =>
      this.#states.some(({ output }) => output === name)
        ? []
        : [[name === "state" ? "state_output" : name, tensorOf(value)] as const],
    );
    const next = this.#states.map(({ input, output, axis }) => {
      const [, value] = named.find(([name]) => name === output)!;
      return [input, toStreams(tensorOf(value), axis)] as const;
    });
    return {
      ...Object.fromEntries(outputs),
      ...(next.length > 0 && { state: Object.fromEntries(next) as never }),
    };
  }

  #given(x: Tensor | OnnxTensors): OnnxTensors {
    const names = this.inputs.map(({ name }) => name);
    const given: OnnxTensors = x instanceof Tensor ? { [names[0] ?? "x"]: x } : x;
    if (x instanceof Tensor && names.length !== 1)
      throw new ShapeError(`${this.title}: one tensor is given, and the inputs are ${shownNames(names)}`);
    for (const { name, type } of this.inputs) {
      const tensor = given[name];
      if (!(tensor instanceof Tensor))
        throw new ShapeError(`${this.title}: there is no input ${shown(name)}; inputs are ${shownNames(names)}`);
      const dtype = isFloat(type as Value["type"]) ? "f32" : "i32";
      if (tensor.dtype !== dtype)
        throw new ShapeError(`${this.title}: input ${shown(name)} holds ${tensor.dtype}, and ${type} is ${dtype} here`);
    }
    const strange = Object.keys(given).find((name) => !names.includes(name));
    if (strange !== undefined)
      throw new ShapeError(`${this.title}: there is no input ${shown(strange)}; inputs are ${shownNames(names)}`);
    return given;
  }
}

/** Compares a shape with what the file says, and notes the lengths that bear a name. @throws ShapeError */
function bindShape(title: string, input: OnnxValue, shape: Shape, lengths: Map<string, number>): void {
  const { name, shape: expected } = input;
  if (!expected) return;
  const wrong = (why: string) =>
    new ShapeError(`${title}: input ${shown(name)} is ${showShape(shape)}, expected [${expected}]: ${why}`);
  if (expected.length !== shape.length) throw wrong(`${expected.length} axes`);
  expected.forEach((length, axis) => {
    const got = shape[axis]!;
    if (typeof length === "number") {
      if (length > 0 && length !== got) throw wrong(`axis ${axis} is fixed in the file`);
    } else if (length !== "?") {
      const before = lengths.get(length);
      if (before !== undefined && before !== got) throw wrong(`"${length}" is ${before} elsewhere`);
      lengths.set(length, got);
    }
  });
}

/** The shape of a state that is not given; a length that nothing tells is 1. */
const shapeOf = ({ shape = [] }: OnnxValue, lengths: ReadonlyMap<string, number>): Shape =>
  shape.map((length) => (typeof length === "number" ? length : (lengths.get(length) ?? 1)));

/** Sessions want the streams along the second axis. */
function toStreams(x: Tensor, axis: number): Tensor {
  if (x.shape.length < 2 || axis === 0) return x.unsqueeze(0);
  return axis === 1 ? x : x.transpose(1, axis);
}

function fromStreams(x: Tensor, axis: number, { name, shape }: OnnxValue): Tensor {
  if (axis !== 0) return axis === 1 ? x : x.transpose(1, axis);
  if (x.shape[0] !== 1 || (shape && x.shape.length !== shape.length + 1))
    throw new ShapeError(`the state ${shown(name)} is ${showShape(x.shape)}, expected it as forward returned it`);
  return x.reshape(x.shape.slice(1));
}

/** Where a state has its streams. */
function streamAxis({ shape = [] }: OnnxValue, others: readonly OnnxValue[]): number {
  const names = new Set(others.flatMap((other) => other.shape ?? []));
  const named = shape.findIndex((length) => typeof length === "string" && length !== "?" && names.has(length));
  if (named >= 0) return named;
  const open = shape.findIndex((length) => typeof length === "string");
  if (open >= 0) return open;
  const single = shape.indexOf(1);
  return single >= 0 ? single : Math.min(1, Math.max(0, shape.length - 1));
}

function statesOf(graph: Graph, given: NonNullable<ImportOnnxOptions["states"]>): CarriedValue[] {
  if (typeof given !== "object" || given === null)
    throw new OptionError(`importOnnx: states are ${shown(given)}, expected { output: input }`);
  const pairs = Object.entries(given).map(([output, to]) => ({
    output,
    ...(typeof to === "object" ? to : { input: to }),
  }));
  const taken = new Set(pairs.map(({ input }) => input));
  return pairs.map((pair) => {
    const { output, input } = pair;
    if (!graph.outputs.some(({ name }) => name === output))
      throw new OptionError(
        `importOnnx: states: there is no output ${shown(output)}; outputs are ${shownNames(graph.outputs.map(({ name }) => name))}`,
      );
    const declared = graph.inputs.find(({ name }) => name === input);
    if (!declared)
      throw new OptionError(
        `importOnnx: states: there is no input ${shown(input)}; inputs are ${shownNames(graph.inputs.map(({ name }) => name))}`,
      );
    if (pairs.filter((other) => other.input === input).length > 1)
      throw new OptionError(`importOnnx: states: the input ${shown(input)} is there twice`);
    const others = graph.inputs.filter(({ name }) => !taken.has(name));
    const axis = "axis" in pair ? pair.axis : streamAxis(declared, others);
    const rank = declared.shape?.length ?? 0;
    if (!Number.isInteger(axis) || axis < 0 || axis >= Math.max(1, rank))
      throw new OptionError(
        `importOnnx: states: the axis of ${shown(input)} is ${shown(axis)}, and it has ${rank} axes`,
      );
    return { input, output, axis };
  });
}

/** Inputs that become constants of the graph. */
function withConstants(graph: Graph, given: NonNullable<ImportOnnxOptions["constants"]>): Graph {
  checkOptions(
    "importOnnx: constants",
    given,
    graph.inputs.map(({ name }) => name),
  );
  for (const [name, value] of Object.entries(given)) {
    const { type, shape } = graph.inputs.find((input) => input.name === name)!;
    const tensor = typeof value === "number" ? { shape: shape?.map(() => 1) ?? [], data: [value] } : value;
    const size = tensor.shape.reduce((product, n) => product * n, 1);
    const fits =
      tensor.data.length === size &&
      (!shape ||
        sameShape(
          shape.map((n, i) => (typeof n === "number" ? n : tensor.shape[i]!)),
          tensor.shape,
        ));
    if (!fits)
      throw new OptionError(
        `importOnnx: constants: ${shown(name)} is ${showShape(tensor.shape)} with ${tensor.data.length} numbers, expected [${shape}]`,
      );
    const known = type as Value["type"];
    graph.initializers.set(
      name,
      hostOf(
        known,
        tensor.shape,
        Array.from(tensor.data, (x) => asType(known, x)),
      ),
    );
  }
  return { ...graph, inputs: graph.inputs.filter(({ name }) => !Object.hasOwn(given, name)) };
}

/**
 * A model from an ONNX file (https://onnx.ai), versions 7 to 23 of its operators: a Module, which `compile`, `predict`, `session`
 * and the trainer take. Nodes run on this library's functions and recurrent layers; float initializers become parameters.
 *
 * @param bytes the whole file, with its weights in it
 * @param options states that are carried, inputs that are constant
 * @throws FileFormatError when the bytes are no ONNX model, or listing every operator, attribute, type and node that cannot be
 *   imported; OptionError for states or constants that the graph does not have
 * @example
 * ```ts
 * const model = importOnnx(bytes, { states: { stateN: "state" }, constants: { sr: 16000 } });
 * const session = await runtime.session(model, { inputs: { input: [1, 576] } });
 * const { output } = await session.run({ input: { shape: [1, 576], data } });
 * ```
 */
export function importOnnx(bytes: Uint8Array | ArrayBuffer, options: ImportOnnxOptions = {}): OnnxModel {
  checkOptions("importOnnx", options, ["states", "constants", "name"]);
  const { name: file = "ONNX file" } = options;
  if (!(bytes instanceof Uint8Array || bytes instanceof ArrayBuffer))
    throw new FileFormatError(`${file}: expected the file's bytes as a Uint8Array or an ArrayBuffer`);
  const model = decode("ModelProto", bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes, file);
  const { graph: read, opset } = readModel(model, file);
  newBudget();
  const graph = withConstants(read, options.constants ?? {});
  const states = statesOf(graph, options.states ?? {});
  return new OnnxModel(graph, fold(graph, opset, file), states);
}
