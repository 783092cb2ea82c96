import {
  type Activation,
  Dropout,
  functional as F,
  GRU,
  importWeights,
  LSTM,
  type Module,
  type RecurrentOptions,
  RNN,
  type Tensor,
} from "../index.ts";
import { startFrom } from "../nn/start-from.ts";
import type { StateDict } from "../tensor-data.ts";
import { activationOf } from "./activations.ts";
import { isRecord } from "./config.ts";
import {
  type Called,
  type CallOptions,
  type Layer,
  type LayerSource,
  type LayerState,
  numberOf,
  requireOption,
  swapTime,
  type Value,
} from "./layer.ts";
import type { LayerWeights } from "./weights.ts";

type AnyRecurrent = LSTM | GRU | RNN;
type Cell = "lstm" | "gru" | "rnn";

const cells: Readonly<Record<string, Cell>> = { LSTM: "lstm", GRU: "gru", SimpleRNN: "rnn", CuDNNLSTM: "lstm" };

/** What Keras's config says of a recurrent layer, beside its module. */
interface Settings {
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly stateful: boolean;
  readonly dropout: number;
  readonly states: readonly string[];
}

const yes = (value: unknown): boolean => value === true;

function activation(source: LayerSource, name: string): Activation | undefined {
  const given = source.config[name];
  const known = activationOf(given, source.keras)?.cell;
  if (known === undefined)
    source.refuse(`${name} is ${JSON.stringify(given)?.slice(0, 80)}, which our cells do not have`);
  return known;
}

/** A module of ours with the weights of theirs. */
function moduleOf(
  source: LayerSource,
  weights: LayerWeights,
  given: Partial<RecurrentOptions>,
): AnyRecurrent | undefined {
  const { className, config } = source;
  const cell = cells[className]!;
  const prefix = given.bidirectional ? "forward_layer/" : "";
  const [kernel, recurrent, bias] = ["kernel", "recurrent_kernel", "bias"].map((name) => weights[prefix + name]);
  const units = numberOf(source, "units", 0);
  const gates = { lstm: 4, gru: 3, rnn: 1 }[cell];
  if (!kernel || !recurrent) return void source.refuse("has no weights kernel and recurrent_kernel in the file");
  if (
    kernel.shape.length !== 2 ||
    recurrent.shape.length !== 2 ||
    recurrent.shape[0] !== units ||
    kernel.shape[1] !== gates * units
  )
    return void source.refuse(`has units ${units}, and weights [${kernel.shape}] and [${recurrent.shape}]`);
  if (!bias !== (config.use_bias === false))
    return void source.refuse(`has use_bias ${config.use_bias}, and ${bias ? "a" : "no"} bias in the file`);
  const options = {
    inputSize: kernel.shape[0]!,
    hiddenSize: units,
    bias: bias !== undefined,
    recurrentDropout: numberOf(source, "recurrent_dropout", 0),
    ...given,
  };
  const main = activation(source, "activation");
  const gate = cell === "rnn" ? "Sigmoid" : activation(source, "recurrent_activation");
  if (!main || !gate) return undefined;
  // Files of Keras before 2.1 and of TensorFlow.js do not say where the reset gate stands: before the product, where the bias does not
  // say otherwise.
  const resetAfter = typeof config.reset_after === "boolean" ? config.reset_after : bias?.shape.length === 2;
  let module: AnyRecurrent;
  let dict: StateDict;
  if (cell === "lstm") {
    module = new LSTM({ ...options, activations: { gate, cell: main, hidden: main } });
    dict = importWeights("keras", "lstm", weights);
  } else if (cell === "gru") {
    module = new GRU({ ...options, resetAfter, activations: { gate, candidate: main } });
    dict = importWeights("keras", "gru", weights, { resetAfter });
  } else {
    module = new RNN({ ...options, nonlinearity: main });
    dict = importWeights("keras", "rnn", weights);
  }
  startFrom(module, dict);
  return module;
}

function settingsOf(source: LayerSource): Settings {
  const { config } = source;
  requireOption(source, "time_major", [false]);
  return {
    returnSequences: yes(config.return_sequences),
    returnState: yes(config.return_state),
    goBackwards: yes(config.go_backwards),
    stateful: yes(config.stateful),
    dropout: numberOf(source, "dropout", 0),
    states: cells[source.className] === "lstm" ? ["h", "c"] : ["h"],
  };
}

/** Keras draws one mask for all steps of a sequence. */
const dropoutOf = (p: number): Dropout | undefined => (p > 0 ? new Dropout({ p, variational: true }) : undefined);

interface Ran {
  /** `[T,B,·]` */
  readonly output: Tensor;
  readonly state: LayerState;
}

const run = (
  module: AnyRecurrent,
  dropout: Dropout | undefined,
  { tensor, mask }: Value,
  state: LayerState | undefined,
): Ran => {
  const x = swapTime(tensor);
  const real = mask ? { mask: swapTime(mask) } : undefined;
  const layer = module as unknown as { forward(x: Tensor, state: unknown, real: unknown): Ran };
  return layer.forward(dropout ? dropout.forward(x) : x, state, real);
};

const stacked = (states: readonly string[], given: readonly Tensor[]): LayerState => {
  const D = given.length / states.length;
  return Object.fromEntries(
    states.map((name, i) => [name, F.stack(Array.from({ length: D }, (_, d) => given[d * states.length + i]!))]),
  );
};

/** LSTM, GRU and SimpleRNN. */
export function recurrentLayer(source: LayerSource): Layer | undefined {
  const { returnSequences, returnState, goBackwards, stateful, dropout: p, states } = settingsOf(source);
  const hold = yes(source.config.zero_output_for_mask) ? "zero" : "hold";
  const module = moduleOf(source, source.weights, { goBackwards, maskedOutput: hold });
  if (!module) return undefined;
  if (stateful && goBackwards)
    source.refuse("is stateful and goes backwards, so that it goes on from what comes later");
  const dropout = dropoutOf(p);
  const call = ([x]: readonly Value[], { initialState, before }: CallOptions): Called => {
    const start = initialState?.length ? stacked(states, initialState) : before;
    const { output, state } = run(module, dropout, x!, start);
    const T = output.shape[0]!;
    // Ours stay at their own time; Keras returns them as they were made.
    const ordered = goBackwards ? F.flip(output, 0) : output;
    const y = returnSequences ? swapTime(ordered) : F.select(ordered, T - 1, 0);
    const first: Value = { tensor: y, mask: returnSequences ? x!.mask : undefined };
    const finals = returnState ? states.map((name): Value => ({ tensor: F.select(state[name]!, 0, 0) })) : [];
    return { outputs: [first, ...finals], ...(stateful && { after: state }) };
  };
  return { module, ...(dropout && { dropout }), call };
}

const merges = { concat: "concat", sum: "sum", ave: "average", mul: "product" } as const;

/** Bidirectional of one of them, whose two layers have the same options. */
export function bidirectionalLayer(source: LayerSource): Layer | undefined {
  const { config, weights, refuse } = source;
  const [inner, other] = [config.layer, config.backward_layer].map((one) =>
    isRecord(one) && isRecord(one.config) ? one : undefined,
  );
  const className = inner?.class_name;
  if (!inner || typeof className !== "string" || !Object.hasOwn(cells, className))
    return void refuse(`holds a layer ${JSON.stringify(className)}; LSTM, GRU and SimpleRNN can be imported`);
  const own: LayerSource = { ...source, className, config: inner.config as Readonly<Record<string, unknown>> };
  const settings = settingsOf(own);
  const { returnSequences, returnState, goBackwards, stateful, states } = settings;
  if (
    other &&
    (other.class_name !== className ||
      JSON.stringify(comparable(other.config)) !== JSON.stringify(comparable(inner.config)))
  )
    return void refuse("has a backward_layer with other options than its layer");
  if (goBackwards || stateful) return void refuse(`holds a layer that ${stateful ? "is stateful" : "goes backwards"}`);
  const mode = config.merge_mode === undefined ? "concat" : config.merge_mode;
  if (mode !== null && !Object.hasOwn(merges, String(mode)))
    return void refuse(`has merge_mode ${JSON.stringify(mode)}`);
  const merge = mode === null ? "none" : merges[mode as keyof typeof merges];
  // Keras sets zero_output_for_mask where sequences are returned, whatever the layer says.
  const module = moduleOf(own, weights, {
    bidirectional: true,
    merge: returnSequences ? merge : "concat",
    maskedOutput: returnSequences ? "zero" : "hold",
  });
  if (!module) return undefined;
  const dropout = dropoutOf(settings.dropout);
  const call = ([x]: readonly Value[], { initialState }: CallOptions): Called => {
    const start = initialState?.length ? stacked(states, initialState) : undefined;
    const { output, state } = run(module, dropout, x!, start);
    const [h] = states.map((name) => state[name]!) as [Tensor];
    const ends = [0, 1].map((d) => F.select(h, d, 0));
    let tensors: Tensor[];
    if (returnSequences)
      tensors = merge === "none" ? [0, 1].map((d) => swapTime(F.select(output, d, 0))) : [swapTime(output)];
    else tensors = merge === "none" ? ends : [merged(merge, ends as [Tensor, Tensor])];
    const outputs = tensors.map((tensor): Value => ({ tensor, mask: returnSequences ? x!.mask : undefined }));
    const finals = returnState
      ? [0, 1].flatMap((d) => states.map((name): Value => ({ tensor: F.select(state[name]!, d, 0) })))
      : [];
    return { outputs: [...outputs, ...finals] };
  };
  return { module: module as Module, ...(dropout && { dropout }), call };
}

/** The options of a layer without what the two layers of a Bidirectional may differ in. */
function comparable(config: unknown): unknown {
  const { units, activation, recurrent_activation, use_bias, reset_after, return_sequences, return_state, stateful } =
    config as Record<string, unknown>;
  return { units, activation, recurrent_activation, use_bias, reset_after, return_sequences, return_state, stateful };
}

function merged(merge: "concat" | "sum" | "average" | "product", [a, b]: readonly [Tensor, Tensor]): Tensor {
  if (merge === "concat") return F.concat([a, b]);
  if (merge === "product") return a.mul(b);
  return merge === "sum" ? a.add(b) : a.add(b).mul(0.5);
}
