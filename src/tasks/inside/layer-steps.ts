import {
  type BatchPart,
  functional,
  type LayerStep,
  type Module,
  type NumberArray,
  OptionError,
  type Parameter,
  type Recurrent,
  type Runtime,
  type Shape,
  ShapeError,
  type StateDict,
  shown,
  stepByStep,
  Tensor,
  type TensorData,
} from "../../index.ts";

/** A call of one layer, as `stepByStep` showed it. */
export interface TracedLayer {
  /** Where the layer stands in the model, with its number where the module has several, and that of the call from the second on. */
  readonly name: string;
  readonly module: Recurrent;
  readonly layer: number;
  readonly steps: readonly LayerStep[];
}

type Change = (call: number, step: LayerStep) => Readonly<Record<string, Tensor>> | undefined;

/** Calls a model and keeps the steps of its recurrent layers, in the order of calls. @throws OptionError when there are none */
function traceLayers<R>(model: Module, trace: () => R, change?: Change): { result: R; layers: TracedLayer[] } {
  const layers: (TracedLayer & { steps: LayerStep[] })[] = [];
  const see = (step: LayerStep) => {
    const module = step.module as Recurrent;
    if (step.step === 0) {
      const plain = module.numLayers > 1 ? `${module.label}.l${step.layer}` : module.label;
      const calls = layers.filter((one) => one.module === module && one.layer === step.layer).length;
      layers.push({ name: calls > 0 ? `${plain} ${calls + 1}` : plain, module, layer: step.layer, steps: [] });
    }
    layers.at(-1)!.steps.push(step);
    return change?.(layers.length - 1, step);
  };
  const result = stepByStep(see, trace);
  if (layers.length === 0)
    throw new OptionError(
      `${model.title}: it has no recurrent layer to look into; an RNN, LSTM, GRU or another Recurrent is needed`,
    );
  return { result, layers };
}

type Tree<T> = T | { readonly [name: string]: Tree<T> };

/** The tensors of a record of records, by path; what else lies there is left out. */
export function leavesOf(tree: unknown, path = ""): Record<string, Tensor> {
  if (tree instanceof Tensor) return { [path]: tree };
  if (typeof tree !== "object" || tree === null) return {};
  const leaves = Object.entries(tree).map(([name, one]) => leavesOf(one, path ? `${path}.${name}` : name));
  return Object.assign({}, ...leaves);
}

/** A record of records with the numbers that a program gave for its tensors. */
function numbersOf(tree: Tree<Tensor>, given: StateDict, path: string): unknown {
  if (tree instanceof Tensor) return given[path];
  return Object.fromEntries(
    Object.entries(tree).map(([name, one]) => [name, numbersOf(one, given, `${path}.${name}`)]),
  );
}

interface Specified {
  readonly specs: Record<string, { shape: Shape; dtype: "f32" | "i32" }>;
  readonly data: StateDict;
  /** The part, as a model or a loss is given it. */
  pick(inputs: Readonly<Record<string, Tensor>>): Tensor | Record<string, Tensor>;
}

const isTensor = (given: unknown): given is TensorData =>
  typeof given === "object" && given !== null && "shape" in given && "data" in given;

/** A part of a batch as inputs of a program. @throws ShapeError for what is no tensor */
export function specified(who: string, name: string, part: BatchPart): Specified {
  const isOne = isTensor(part);
  const tensors = isOne ? [[name, part] as const] : Object.entries(part ?? {});
  for (const [key, one] of tensors) {
    const { shape, data } = (one ?? {}) as Partial<TensorData>;
    if (!Array.isArray(shape) || !ArrayBuffer.isView(data))
      throw new ShapeError(
        `${who}: ${isOne ? name : `${name}.${key}`} is ${shown(one)}, expected { shape, data } with data a Float32Array, Float64Array or Int32Array`,
      );
  }
  if (tensors.length === 0)
    throw new ShapeError(`${who}: ${name} is ${shown(part)}, expected { shape, data }, or several of them by name`);
  const named = tensors.map(([key, one]) => [isOne ? name : `${name}.${key}`, key, one] as const);
  return {
    specs: Object.fromEntries(
      named.map(([full, , { shape, data }]) => [full, { shape, dtype: data instanceof Int32Array ? "i32" : "f32" }]),
    ),
    data: Object.fromEntries(named.map(([full, , one]) => [full, one])),
    pick: (inputs) =>
      isOne ? inputs[name]! : Object.fromEntries(named.map(([full, key]) => [key, inputs[full] as Tensor])),
  };
}

/** Calls a model as a trainer does. @returns its outputs, without the state */
export function applied(who: string, model: Module, x: unknown, change?: Change) {
  const forward = model.forward as (x: unknown) => unknown;
  const { result, layers } = traceLayers(model, () => forward.call(model, x), change);
  if (typeof result !== "object" || result === null || result instanceof Tensor)
    throw new ShapeError(
      `${who}: ${model.title}.forward returned ${result instanceof Tensor ? "a tensor" : shown(result)}, expected a record of outputs, such as { logits, state }`,
    );
  const { state: _, ...outputs } = result as Record<string, unknown>;
  return { outputs, layers };
}

/** A gate of all steps, each `[T,B,H]`. */
export interface GateValues<T = TensorData> {
  /** W·x of the layer's input. */
  readonly wx: T;
  /** R·h of the step before; of GRU's n with its bias: R_n·h + b'_n. */
  readonly rh: T;
  /** What goes into the activation. */
  readonly preactivation: T;
  readonly activation: T;
}

/** What a layer computes over a sequence. T time, B batch, I input, H hidden. */
export interface LayerValues<T = TensorData> {
  /** The layer's input `[T,B,I]`; tokens as one-hot vectors. */
  readonly x: T;
  /** h before each step, `[T,B,H]`. */
  readonly before: T;
  /** By name: RNN a; LSTM i, f, g, o; GRU r, z, n. Empty for other cells, for heads, and for activations of one's own. */
  readonly gates: Readonly<Record<string, GateValues<T>>>;
  /** By name, after each step, `[T,B,H]`. */
  readonly states: Readonly<Record<string, T>>;
}

/** The activations of cells that are known, by gate, in the order of the weights. */
export const cellGates: Readonly<Record<string, Readonly<Record<string, "tanh" | "relu" | "sigmoid">>>> = {
  "rnn(Tanh)": { a: "tanh" },
  "rnn(Relu)": { a: "relu" },
  "rnn(Sigmoid)": { a: "sigmoid" },
  lstm: { i: "sigmoid", f: "sigmoid", g: "tanh", o: "sigmoid" },
  gru: { r: "sigmoid", z: "sigmoid", n: "tanh" },
};

/** The equations of a layer, for all steps at once; the states are those of the layer itself. */
function equations({ module, layer, steps }: TracedLayer): LayerValues<Tensor> {
  const all = (of: (step: LayerStep) => Tensor) => functional.concat(steps.map(of), 0);
  const states = Object.fromEntries(
    Object.keys(steps[0]!.states).map((name) => [name, all((step) => step.states[name]!)]),
  );
  const [, B, P] = states.h!.shape as [number, number, number];
  const zeros = () => functional.expand(functional.constant([0]), [1, B, P]);
  const before = all((step) => step.before?.h ?? zeros());
  // Layers have their parameters as fields, under their names in a state dict: [1, G*H, ·] in one direction.
  const fields = module as unknown as Readonly<Record<string, Parameter | undefined>>;
  const weight = (kind: string) => fields[`${kind}_l${layer}`]?.tensor.select(0);
  const W = weight("weight_ih")!;
  const tokens = all((step) => step.x);
  const x = tokens.dtype === "i32" ? tokens.oneHot(W.shape[1]!) : tokens;
  const R = weight("weight_hh");
  const known = cellGates[module.cell];
  if (!known || R?.shape[1] !== P) return { x, before, gates: {}, states };
  const H = W.shape[0]! / Object.keys(known).length;
  const [wx, rh] = [x.matmul(W.transpose()).split(H), before.matmul(R.transpose()).split(H)];
  const [bih, bhh] = [weight("bias_ih")?.split(H), weight("bias_hh")?.split(H)];
  const plus = (a: Tensor, b: Tensor | undefined) => (b ? a.add(b) : a);
  const gates: Record<string, GateValues<Tensor>> = {};
  for (const [g, [name, activation]] of Object.entries(known).entries()) {
    const isReset = module.cell === "gru" && name === "n";
    const recurrent = isReset ? plus(rh[g]!, bhh?.[g]) : rh[g]!;
    const input = plus(wx[g]!, bih?.[g]);
    const preactivation = isReset
      ? input.add(gates.r!.activation.mul(recurrent))
      : plus(input.add(recurrent), bhh?.[g]);
    gates[name] = { wx: wx[g]!, rh: recurrent, preactivation, activation: preactivation[activation]() };
  }
  return { x, before, gates, states };
}

/** A layer of a model and what it computed. */
export interface Layer extends LayerValues, Omit<TracedLayer, "steps"> {}

/** Runs a model once and takes down what its recurrent layers compute. */
export async function lookInto(
  who: string,
  runtime: Runtime,
  model: Module,
  x: BatchPart,
): Promise<{ layers: Layer[]; outputs: StateDict }> {
  const { specs, data, pick } = specified(who, "x", x);
  let traced: readonly (TracedLayer & { values: LayerValues<Tensor> })[] = [];
  let names: readonly string[] = [];
  const program = await runtime.compile(model, {
    inputs: specs,
    forward(inputs) {
      const { outputs, layers } = applied(who, model, pick(inputs));
      traced = layers.map((layer) => ({ ...layer, values: equations(layer) }));
      const made = leavesOf(outputs);
      names = Object.keys(made);
      const values = traced.map((layer, k) => leavesOf(layer.values, `layer ${k}`));
      return Object.assign(Object.fromEntries(names.map((name) => [`output ${name}`, made[name]!])), ...values);
    },
  });
  try {
    const given = await program.run(data);
    const layers = traced.map(({ name, module, layer, values }, k) => ({
      ...(numbersOf(values as unknown as Tree<Tensor>, given, `layer ${k}`) as LayerValues),
      name,
      module,
      layer,
    }));
    return { layers, outputs: Object.fromEntries(names.map((name) => [name, given[`output ${name}`]!])) };
  } finally {
    program.dispose();
  }
}

/** Numbers of step t of `[T,B,C]`. */
export function stepOf({ shape, data }: TensorData, t: number): NumberArray {
  const size = data.length / shape[0]!;
  return data.subarray(t * size, (t + 1) * size);
}
