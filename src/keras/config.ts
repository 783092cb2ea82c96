import { FileFormatError, shown } from "../errors.ts";

// The graph of a model as Keras writes it: `get_config` of Sequential and Functional. Keras 2 (and TensorFlow.js) lists a call of
// a layer as [[name, node, tensor, kwargs], …]; Keras 3 as { args, kwargs } with tensors that have a keras_history.

type Json = Readonly<Record<string, unknown>>;

/** An output of a call of a layer. */
export interface Ref {
  readonly layer: string;
  /** Which call of that layer. */
  readonly node: number;
  readonly tensor: number;
}

/** A call of a layer. */
export interface Call {
  readonly inputs: readonly Ref[];
  readonly initialState: readonly Ref[];
  /** Whether Keras wrote down a mask: it does so for those that follow from Embedding and Masking, which are found again. */
  readonly masked?: boolean;
  /** Why it cannot be read, if so: only what the outputs need has to be (operations on masks are not). */
  readonly problem?: string;
}

/** A layer's class and options. */
export interface LayerConfig {
  readonly name: string;
  readonly className: string;
  readonly config: Json;
}

/** A layer of a graph. */
export interface GraphLayer extends LayerConfig {
  readonly calls: readonly Call[];
}

/** A model as a graph of layers. */
export interface Graph {
  readonly name: string;
  readonly layers: readonly GraphLayer[];
  readonly inputs: readonly Ref[];
  readonly outputs: readonly Ref[];
}

export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A model's layers and their calls. @throws FileFormatError when it is none of Sequential and Functional, or damaged */
export function graphOf(model: unknown, what: string): Graph {
  const fail = (why: string): never => {
    throw new FileFormatError(`${what}: its model ${why}`);
  };
  if (!isRecord(model) || typeof model.class_name !== "string")
    return fail("is not described; the file holds weights alone: readKerasWeights reads them");
  const { class_name: className, config } = model;
  if (!["Sequential", "Functional", "Model"].includes(className))
    return fail(
      `is of the class ${shown(className)}, whose code is not in the file; Sequential and Functional models can be read, and of others the weights: readKerasWeights`,
    );
  const layers = Array.isArray(config) ? config : isRecord(config) ? config.layers : undefined;
  if (!Array.isArray(layers) || layers.length === 0) return fail("lists no layers; it is damaged");
  const name = isRecord(config) && typeof config.name === "string" ? config.name : "model";
  const read = layers.map((layer, i) => layerOf(layer, i, fail));
  if (new Set(read.map((layer) => layer.name)).size !== read.length)
    return fail("has two layers of one name; it is damaged");
  return className === "Sequential"
    ? chain(name, read)
    : functional(name, read, layers as Json[], config as Json, fail);
}

function layerOf(layer: unknown, index: number, fail: (why: string) => never): LayerConfig {
  if (!isRecord(layer) || typeof layer.class_name !== "string" || !isRecord(layer.config))
    return fail(`has a layer ${shown(layer)}, expected { class_name, config }; it is damaged`);
  const name = layer.config.name ?? layer.name ?? `layer_${index}`;
  if (typeof name !== "string") return fail(`has a layer of the name ${shown(name)}; it is damaged`);
  return { name, className: layer.class_name, config: layer.config };
}

/** Each layer is called once, with what the one before gives. */
function chain(name: string, layers: readonly LayerConfig[]): Graph {
  const input: LayerConfig = { name: `${layers[0]!.name}_input`, className: "InputLayer", config: {} };
  const all = layers[0]!.className === "InputLayer" ? layers : [input, ...layers];
  const ref = (i: number): Ref => ({ layer: all[i]!.name, node: 0, tensor: 0 });
  return {
    name,
    layers: all.map((layer, i) => ({ ...layer, calls: [{ inputs: i === 0 ? [] : [ref(i - 1)], initialState: [] }] })),
    inputs: [ref(0)],
    outputs: [ref(all.length - 1)],
  };
}

function functional(
  name: string,
  read: readonly LayerConfig[],
  layers: readonly Json[],
  config: Json,
  fail: (why: string) => never,
): Graph {
  const graph = read.map((layer, i): GraphLayer => {
    const nodes = layers[i]!.inbound_nodes;
    if (!Array.isArray(nodes)) return fail(`does not list the calls of the layer ${shown(layer.name)}; it is damaged`);
    const calls = nodes.map(callOf);
    // A layer that makes an input has no call of its own, and one output.
    return {
      ...layer,
      calls: calls.length > 0 || layer.className !== "InputLayer" ? calls : [{ inputs: [], initialState: [] }],
    };
  });
  const ends = (key: string) => {
    const refs = refsIn(config[key], () => fail(`has ${key} ${shown(config[key])}; it is damaged`));
    return refs.length > 0 ? refs : fail(`has no ${key}; it is damaged`);
  };
  return { name, layers: graph, inputs: ends("input_layers"), outputs: ends("output_layers") };
}

const isRef = (value: unknown): value is [string, number, number, unknown?] =>
  Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number" && typeof value[2] === "number";

const refOf = ([layer, node, tensor]: readonly [string, number, number, unknown?]): Ref => ({ layer, node, tensor });

/** One reference, or several in a list or by name. */
function refsIn(value: unknown, fail: () => never[]): Ref[] {
  if (isRef(value)) return [refOf(value)];
  if (isRecord(value)) return Object.values(value).flatMap((one) => refsIn(one, fail));
  return Array.isArray(value) ? value.flatMap((one) => refsIn(one, fail)) : fail();
}

function callOf(node: unknown): Call {
  let problem: string | undefined;
  const fail = (why: string): never[] => {
    problem ??= `has a call that ${why}`;
    return [];
  };
  const call = isRecord(node) ? callOfKeras3(node, fail) : callOfKeras2(node, fail);
  return problem === undefined ? call : { inputs: [], initialState: [], problem };
}

type Fail = (why: string) => never[];
const damaged = (node: unknown, fail: Fail) => () => fail(`is ${shown(node)}`);

function callOfKeras3({ args, kwargs }: Json, fail: Fail): Call {
  const options = isRecord(kwargs) ? kwargs : {};
  const [first, ...others] = Array.isArray(args) ? args : fail(`has the arguments ${shown(args)}`);
  const later = others.filter((one) => one !== null);
  if (later.length > 1 || (later.length === 1 && options.initial_state)) fail(`has ${others.length + 1} arguments`);
  const masked = checkKwargs(options, fail);
  const wrong = damaged(args, fail);
  return {
    inputs: historiesIn(first, wrong),
    initialState: historiesIn(options.initial_state ?? later[0] ?? [], wrong),
    masked,
  };
}

function callOfKeras2(node: unknown, fail: Fail): Call {
  const refs: readonly unknown[] = isRef(node) ? [node] : Array.isArray(node) ? node : fail(`is ${shown(node)}`);
  const wrong = damaged(node, fail);
  const inputs: Ref[] = [];
  const initial: Ref[] = [];
  let masked = false;
  for (const ref of refs) {
    if (!isRef(ref)) return { inputs: wrong(), initialState: [] };
    inputs.push(refOf(ref));
    const options = isRecord(ref[3]) ? ref[3] : {};
    masked = checkKwargs(options, fail) || masked;
    if (options.initial_state) initial.push(...refsIn(options.initial_state, wrong));
  }
  return { inputs, initialState: initial, masked };
}

/** A layer may be called with `training` left open, an initial state and a mask. @returns whether there is a mask */
function checkKwargs(kwargs: Json, fail: Fail): boolean {
  for (const [name, value] of Object.entries(kwargs)) {
    if (name === "initial_state" || name === "mask" || value === null || value === undefined) continue;
    if (name !== "training" || value !== false)
      fail(`has the argument ${name} ${shown(value)}, which cannot be imported`);
  }
  return kwargs.mask !== null && kwargs.mask !== undefined;
}

/** The tensors of Keras 3. */
function historiesIn(value: unknown, fail: () => never[]): Ref[] {
  if (Array.isArray(value)) return value.flatMap((one) => historiesIn(one, fail));
  if (!isRecord(value) || value.class_name !== "__keras_tensor__" || !isRecord(value.config)) return fail();
  const history = value.config.keras_history;
  return isRef(history) ? [refOf(history)] : fail();
}
