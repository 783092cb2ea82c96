// RNN, GRU and LSTM on the layers of this library.
import { ShapeError } from "../../errors.ts";
import {
  type Activation,
  type ActivationName,
  activationNames,
  GRU,
  importWeights,
  LSTM,
  type Recurrent,
  RNN,
  type StateDict,
  type Tensor,
  type WeightLayoutCell,
} from "../../index.ts";
import { startFrom } from "../../nn/start-from.ts";
import type { Call, Operator, Operators, Preparation } from "../operator.ts";
import { deviceOf, isHost, newHost, tensorOf, type Value } from "../values.ts";

/** Our names for ONNX's f, g and h. */
const roles = {
  lstm: ["gate", "cell", "hidden"],
  gru: ["gate", "candidate"],
  rnn: ["nonlinearity"],
} as const;
/** Those that take a number from the lists `activation_alpha` and `activation_beta`. */
const withAlpha = ["LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Affine"];
const withBeta = ["ScaledTanh", "HardSigmoid", "Affine"];
/** Where an input stands. */
const [X, W, R, B, LENGTHS, H, C, P] = [0, 1, 2, 3, 4, 5, 6, 7];

/** The activations by role, a pair each where there are two directions; each takes the next numbers of those that it has. */
function activationsOf(call: Call, cell: keyof typeof roles): Record<string, unknown> {
  const given = call.texts("activations");
  if (!given || given.length === 0) return {};
  const names: readonly string[] = roles[cell];
  const directions = call.text("direction", "forward") === "bidirectional" ? 2 : 1;
  if (given.length !== names.length * directions)
    throw new ShapeError(`there are ${given.length} activations, expected ${names.length * directions}`);
  const alphas = [...call.numbers("activation_alpha", [])];
  const betas = [...call.numbers("activation_beta", [])];
  const all = given.map((text): Activation => {
    // ONNX takes names in any case.
    const name = activationNames.find((known) => known.toLowerCase() === text.toLowerCase());
    if (!name) throw new ShapeError(`the activation is ${text}; known are ${activationNames.join(", ")}`);
    return withNumbers(
      name,
      withAlpha.includes(name) ? alphas.shift() : undefined,
      withBeta.includes(name) ? betas.shift() : undefined,
    );
  });
  const chosen = Object.fromEntries(
    names.map((role, i) => [role, directions === 1 ? all[i] : [all[i], all[i + names.length]]]),
  );
  return cell === "rnn" ? chosen : { activations: chosen };
}

const withNumbers = (name: ActivationName, alpha: number | undefined, beta: number | undefined): Activation =>
  alpha === undefined && beta === undefined
    ? name
    : { name, ...(alpha !== undefined && { alpha }), ...(beta !== undefined && { beta }) };

function layerOf(call: Call, cell: WeightLayoutCell): Preparation {
  const given = Object.entries({ W, R, B, P }).flatMap(([name, at]) => {
    if (!call.inputs[at]) return [];
    const { shape, data } = call.host(at);
    return [[name, { shape, data: data instanceof Float64Array ? data : Float32Array.from(data) }] as const];
  });
  const weights: StateDict = Object.fromEntries(given);
  const [directions, gates, inputSize] = weights.W!.shape as [number, number, number];
  if (weights.W!.shape.length !== 3) throw new ShapeError(`W has shape [${weights.W!.shape}], expected [D,G*H,I]`);
  const hiddenSize = weights.R!.shape.at(-1)!;
  const direction = call.text("direction", "forward");
  const asked = call.number("hidden_size", hiddenSize);
  if (asked !== hiddenSize || directions !== (direction === "bidirectional" ? 2 : 1))
    throw new ShapeError(
      `W is [${[directions, gates, inputSize]}] and R is [${weights.R!.shape}], for ${direction} with hidden_size ${asked}`,
    );
  const clip = call.number("clip", undefined);
  const coupledGates = call.number("input_forget", 0) === 1;
  const options = {
    inputSize,
    hiddenSize,
    bias: weights.B !== undefined,
    bidirectional: direction === "bidirectional",
    ...(direction === "reverse" && { goBackwards: true }),
    ...(clip !== undefined && { clip }),
    ...activationsOf(call, cell),
  };
  const layer =
    cell === "lstm"
      ? new LSTM({
          ...options,
          ...(weights.P && { peepholes: true }),
          ...(coupledGates && { coupledGates }),
        })
      : cell === "gru"
        ? new GRU({ ...options, resetAfter: call.number("linear_before_reset", 0) === 1 })
        : new RNN(options);
  startFrom(layer, importWeights("onnx", cell, weights, coupledGates ? { coupledGates } : {}));
  return { layer };
}

/** [B,D,H] as [D,B,H], and back. */
const swapped = (x: Tensor) => x.transpose(0, 1);

function run(call: Call, states: readonly number[]): readonly Value[] {
  const layer = call.prepared.layer as Recurrent;
  const isBatchFirst = call.number("layout", 0) === 1;
  const turned = (x: Tensor) => (isBatchFirst ? swapped(x) : x);
  const { type } = call.input(X);
  const x = turned(call.tensor(X));
  const [T, batch] = x.shape as [number, number];
  const D = layer.directions;
  const shape = [D, batch, layer.hiddenSize];
  const zero = () => tensorOf(newHost("FLOAT", shape));
  const names = ["h", "c"];
  const isGiven = states.some((at) => call.inputs[at] && !isZero(call.input(at)));
  const before = states.map((at, i) => [names[i]!, call.inputs[at] ? turned(call.tensor(at)) : zero()] as const);
  const { output, state } = layer.forward(x, isGiven ? Object.fromEntries(before) : undefined, lengthsOf(call, T));
  const all = output.reshape([T, batch, D, layer.hiddenSize]);
  // ONNX: [T,D,B,H], or [B,T,D,H].
  const y = isBatchFirst ? swapped(all) : D === 1 ? all.reshape([T, 1, batch, layer.hiddenSize]) : all.transpose(1, 2);
  const finals = states.map((_, i) => turned(state[names[i]!]!));
  return [y, ...finals].map((tensor) => deviceOf(type, tensor));
}

/** Zeros that are known: what layers begin with by themselves. */
const isZero = (value: Value): boolean => isHost(value) && value.data.every((x) => x === 0);

function lengthsOf(call: Call, T: number): { lengths: Tensor } | undefined {
  const given = call.inputs[LENGTHS];
  if (!given || (isHost(given) && given.data.every((length) => length === T))) return undefined;
  return { lengths: call.tensor(LENGTHS) };
}

const attributes = {
  activations: "strings",
  activation_alpha: "floats",
  activation_beta: "floats",
  clip: "float",
  direction: ["forward", "reverse", "bidirectional"],
  hidden_size: "int",
  layout: [0, 1],
} as const;

const operator = (
  cell: WeightLayoutCell,
  states: readonly number[],
  own: Operator["attributes"],
  inputs: number,
): Operator => ({
  inputs: [3, inputs],
  outputs: [1, 1 + states.length],
  attributes: { ...attributes, ...own },
  known: [W, R, B, P],
  prepare: (call) => layerOf(call, cell),
  device: (call) => run(call, states),
});

export const recurrent: Operators = {
  RNN: operator("rnn", [H], { output_sequence: "int" }, 6),
  GRU: operator("gru", [H], { linear_before_reset: [0, 1], output_sequence: "int" }, 6),
  LSTM: operator("lstm", [H, C], { input_forget: [0, 1], output_sequence: "int" }, 8),
};
