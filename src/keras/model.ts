import { FileFormatError, OptionError, shown, shownNames } from "../errors.ts";
import { Module, Tensor } from "../index.ts";
import type { Graph, GraphLayer, Ref } from "./config.ts";
import type { Layer, LayerState, Value } from "./layer.ts";
import { buildLayer, layersKnown } from "./layers.ts";
import type { LayerWeights } from "./weights.ts";

/** The outputs of a model: `output` where there is one, else by the names of the layers that give them. */
export type KerasOutputs = { readonly state?: Readonly<Record<string, LayerState>> } & {
  readonly [name: string]: Tensor;
};

/**
 * A model of Keras as a module of ours: `runtime.predict`, `compile`, `session` and the trainer take it.
 *
 * Tensors are Keras's: `[B,T,C]`, tokens i32 `[B,T]`. One input is given as it is, several by the names of their layers. Parameters
 * are `layers.NAME.…` with the names of our modules: `layers.lstm.weight_ih_l0`, `layers.dense.weight`; a batch normalisation is the
 * `weight` and `bias` that it comes to. They begin with the weights of the file.
 *
 * Stateful layers take and return their states as `state`: sessions carry them, and so does training where batches say so.
 */
export class KerasModel extends Module {
  /** Names of the inputs, in Keras's order. */
  readonly inputNames: readonly string[];
  /** Names of the outputs, in Keras's order. */
  readonly outputNames: readonly string[];
  /** Keras's layers that the outputs need, in the file's order, with their classes. */
  readonly layerClasses: readonly { readonly name: string; readonly className: string }[];
  /** What learns, by the names of Keras's layers. */
  readonly layers: Readonly<Record<string, Module>>;
  readonly dropouts: Readonly<Record<string, Module>>;
  readonly #graph: Graph;
  readonly #built: ReadonlyMap<string, Layer>;

  /** @internal */
  constructor(graph: Graph, built: ReadonlyMap<string, Layer>) {
    super();
    this.#graph = graph;
    this.#built = built;
    const part = (key: "module" | "dropout") =>
      Object.fromEntries([...built].flatMap(([name, layer]) => (layer[key] ? [[name, layer[key]]] : [])));
    this.layers = part("module");
    this.dropouts = part("dropout");
    this.layerClasses = graph.layers
      .filter(({ name }) => built.has(name))
      .map(({ name, className }) => ({ name, className }));
    this.inputNames = graph.inputs.map(({ layer }) => layer);
    this.outputNames = namesOfOutputs(graph);
  }

  /**
   * @param inputs the input, or all by name
   * @param rest of stateful models the `state` of the call before; zeros when not given
   * @returns `{ output }`, or all outputs by name; of stateful models also `state`
   * @throws OptionError for inputs of other names; ShapeError where a shape does not fit a layer
   */
  forward(
    inputs: Tensor | Readonly<Record<string, Tensor>>,
    ...rest: [state?: Readonly<Record<string, LayerState>>]
  ): KerasOutputs {
    const [state] = rest;
    const values = new Map<string, readonly Value[]>();
    const key = (layer: string, node: number) => `${node} ${layer}`;
    const given = this.#given(inputs);
    for (const { layer, node } of this.#graph.inputs) values.set(key(layer, node), [{ tensor: given[layer]! }]);
    const after: Record<string, LayerState> = {};
    const valueAt = ({ layer, node, tensor }: Ref): Value => {
      const value = values.get(key(layer, node))?.[tensor];
      if (value) return value;
      throw new FileFormatError(
        `${this.title}: uses output ${tensor} of the layer ${shown(layer)}, which has none; the file is damaged`,
      );
    };
    for (const { name, node } of order(this.#graph)) {
      const layer = this.#built.get(name)!;
      const { inputs: from, initialState, masked } = callOf(this.#graph, name, node);
      const start = this.#stateful(name) ? (after[name] ?? state?.[name]) : undefined;
      const [first, ...others] = from.map(valueAt) as [Value, ...Value[]];
      if (masked && !first.mask)
        throw new FileFormatError(
          `${this.title}: the layer ${shown(name)} is called with a mask that does not follow from an Embedding with mask_zero or a Masking layer, which cannot be imported`,
        );
      // Keras 2 lists the initial state of a recurrent layer among its inputs.
      const isRecurrent = this.#isRecurrent(name);
      const initial = [...(isRecurrent ? others : []), ...initialState.map(valueAt)].map(({ tensor }) => tensor);
      const called = layer.call(isRecurrent ? [first] : [first, ...others], { initialState: initial, before: start });
      values.set(key(name, node), called.outputs);
      if (called.after) after[name] = called.after;
    }
    const tensors = this.#graph.outputs.map((ref) => valueAt(ref).tensor);
    const outputs = Object.fromEntries(this.outputNames.map((name, i) => [name, tensors[i]!]));
    return { ...outputs, ...(Object.keys(after).length > 0 && { state: after }) } as KerasOutputs;
  }

  #classOf(name: string): string {
    return this.#graph.layers.find((layer) => layer.name === name)!.className;
  }

  #isRecurrent(name: string): boolean {
    return ["LSTM", "GRU", "SimpleRNN", "Bidirectional"].includes(this.#classOf(name));
  }

  #stateful(name: string): boolean {
    return this.#graph.layers.find((layer) => layer.name === name)!.config.stateful === true;
  }

  #given(inputs: unknown): Readonly<Record<string, Tensor>> {
    const { inputNames } = this;
    if (inputs instanceof Tensor) {
      if (inputNames.length === 1) return { [inputNames[0]!]: inputs };
      throw new OptionError(
        `${this.title}: has ${inputNames.length} inputs; give them by name: { ${shownNames(inputNames)} }`,
      );
    }
    const record = (inputs ?? {}) as Record<string, Tensor>;
    const names = Object.keys(record);
    // One input that a program or a session calls in another way, such as x.
    if (inputNames.length === 1 && names.length === 1) return { [inputNames[0]!]: record[names[0]!]! };
    if (names.length === inputNames.length && inputNames.every((name) => record[name] instanceof Tensor)) return record;
    throw new OptionError(`${this.title}: inputs are ${shownNames(names)}, expected ${shownNames(inputNames)}`);
  }
}

/** `output`, or the layers' names; an output beyond a layer's first one has its number behind it. */
function namesOfOutputs({ outputs }: Graph): string[] {
  if (outputs.length === 1) return ["output"];
  const names = outputs.map(({ layer, node, tensor }) =>
    [layer, node > 0 ? `call${node}` : "", tensor > 0 ? `${tensor}` : ""].filter(Boolean).join("_"),
  );
  return names.map((name, i) => (names.indexOf(name) === i && name !== "state" ? name : `${name}_${i}`));
}

const callOf = ({ layers }: Graph, name: string, node: number) =>
  layers.find((layer) => layer.name === name)!.calls[node]!;

const orders = new WeakMap<Graph, readonly { name: string; node: number }[]>();

/** The calls that the outputs need, each after those that it needs. @throws FileFormatError for one that is missing, or a cycle */
function order(graph: Graph): readonly { name: string; node: number }[] {
  const known = orders.get(graph);
  if (known) return known;
  const byName = new Map(graph.layers.map((layer) => [layer.name, layer]));
  const inputs = new Set(graph.inputs.map(({ layer, node }) => `${node} ${layer}`));
  const done = new Set(inputs);
  const open = new Set<string>();
  const calls: { name: string; node: number }[] = [];
  // A stack of our own: a graph may be longer than the stack of calls.
  const stack: { ref: Ref; entered: boolean }[] = [...graph.outputs].reverse().map((ref) => ({ ref, entered: false }));
  while (stack.length > 0) {
    const { ref, entered } = stack.pop()!;
    const key = `${ref.node} ${ref.layer}`;
    if (entered) {
      open.delete(key);
      done.add(key);
      calls.push({ name: ref.layer, node: ref.node });
      continue;
    }
    if (done.has(key)) continue;
    const call = byName.get(ref.layer)?.calls[ref.node];
    if (!call || (call.inputs.length === 0 && call.problem === undefined))
      throw new FileFormatError(
        `the model "${graph.name}" uses call ${ref.node} of the layer ${shown(ref.layer)}, which has no inputs there; it is damaged`,
      );
    if (open.has(key))
      throw new FileFormatError(
        `the model "${graph.name}" is a circle through the layer ${shown(ref.layer)}; it is damaged`,
      );
    open.add(key);
    stack.push({ ref, entered: true });
    for (const input of [...call.inputs, ...call.initialState]) stack.push({ ref: input, entered: false });
  }
  orders.set(graph, calls);
  return calls;
}

/** Settings of an import. */
export interface KerasImportOptions {
  /**
   * Whether recurrent layers of one direction carry their states from call to call, whatever the file says: `true` makes a
   * model that was trained on whole sequences run step by step in a session. Default: as in the file.
   */
  readonly stateful?: boolean;
}

/**
 * Builds a model. Everything that cannot be is in one error.
 * @param weightsOf a layer's weights
 */
export function buildModel(
  graph: Graph,
  what: string,
  weightsOf: (layer: GraphLayer) => LayerWeights,
  { keras, stateful }: { readonly keras: number } & KerasImportOptions,
): KerasModel {
  const adapted =
    stateful === undefined ? graph : { ...graph, layers: graph.layers.map((layer) => withStateful(layer, stateful)) };
  const problems: string[] = [];
  const built = new Map<string, Layer>();
  const needed = new Set(attempt(what, () => order(adapted)).map(({ name }) => name));
  for (const layer of adapted.layers) {
    if (!needed.has(layer.name)) continue;
    const refuse = (why: string) => void problems.push(`layer ${shown(layer.name)} (${layer.className}) ${why}`);
    const problem = layer.calls.find((call) => call.problem !== undefined)?.problem;
    const isOperation = !layersKnown.includes(layer.className);
    if (problem && !isOperation) refuse(problem);
    const one = buildLayer({ ...layer, weights: weightsOf(layer), keras, refuse });
    if (one) built.set(layer.name, one);
  }
  if (problems.length > 0) {
    const shownProblems = problems.length > 8 ? [...problems.slice(0, 8), `… (${problems.length} in all)`] : problems;
    const unknown = problems.some((problem) => problem.includes("not known"));
    throw new FileFormatError(
      `${what}: cannot be imported: ${shownProblems.join("; ")}${unknown ? `. Known are ${layersKnown.join(", ")}` : ""}. Weights alone: readKerasWeights`,
    );
  }
  return new KerasModel(adapted, built);
}

function attempt<R>(what: string, call: () => R): R {
  try {
    return call();
  } catch (error) {
    if (error instanceof FileFormatError) throw new FileFormatError(`${what}: ${error.message}`, { cause: error });
    throw error;
  }
}

function withStateful(layer: GraphLayer, stateful: boolean): GraphLayer {
  if (!["LSTM", "GRU", "SimpleRNN"].includes(layer.className) || layer.config.go_backwards === true) return layer;
  return { ...layer, config: { ...layer.config, stateful } };
}
