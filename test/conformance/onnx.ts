/** What ONNX's RNN, GRU and LSTM mean in our terms: used by the runners of all suites in ONNX's form. */
import { importWeights, type StateDict, type TensorData } from "../../src/index.ts";
import { directionsFirst, integersOf, type Layer, swapFirst, tensorOf } from "./run-layer.ts";

/** A tensor as the suites' files have it. */
export interface OnnxTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface OnnxAttributes {
  readonly hidden_size: number;
  readonly direction?: "forward" | "reverse" | "bidirectional";
  readonly activations?: readonly string[];
  readonly activation_alpha?: readonly number[];
  readonly activation_beta?: readonly number[];
  readonly clip?: number;
  readonly input_forget?: number;
  readonly linear_before_reset?: number;
  readonly layout?: number;
}

/** Our names for ONNX's f, g and h. */
const roles = { lstm: ["gate", "cell", "hidden"], gru: ["gate", "candidate"], rnn: ["nonlinearity"] } as const;

/** ONNX writes names in any case. */
const known = [
  "Sigmoid",
  "Tanh",
  "Relu",
  "LeakyRelu",
  "ThresholdedRelu",
  "ScaledTanh",
  "HardSigmoid",
  "Elu",
  "Softsign",
  "Softplus",
  "Affine",
];
const withAlpha = ["LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Affine"];
const withBeta = ["ScaledTanh", "HardSigmoid", "Affine"];

/** The activations by role; for two directions a pair each. The lists of alpha and beta are for those that have them, in turn. */
function activationsOf(cell: Layer["cell"], attributes: OnnxAttributes): Record<string, unknown> {
  const { activations, activation_alpha = [], activation_beta = [] } = attributes;
  if (!activations) return {};
  const [alphas, betas] = [[...activation_alpha], [...activation_beta]];
  const all = activations.map((given) => {
    const name = known.find((n) => n.toLowerCase() === given.toLowerCase()) ?? given;
    const alpha = withAlpha.includes(name) ? alphas.shift() : undefined;
    const beta = withBeta.includes(name) ? betas.shift() : undefined;
    if (alpha === undefined && beta === undefined) return name;
    return { name, ...(alpha !== undefined && { alpha }), ...(beta !== undefined && { beta }) };
  });
  const names = roles[cell];
  const chosen = Object.fromEntries(
    names.map((role, i) => {
      const [first, second] = [all[i], all[i + names.length]];
      return [role, second === undefined || JSON.stringify(first) === JSON.stringify(second) ? first : [first, second]];
    }),
  );
  return cell === "rnn" ? chosen : { activations: chosen };
}

/** From a node's inputs by ONNX's names. */
export function onnxLayer(cell: Layer["cell"], attributes: OnnxAttributes, inputs: Record<string, OnnxTensor>): Layer {
  const { hidden_size, direction = "forward", clip, input_forget, linear_before_reset = 0, layout = 0 } = attributes;
  const floats = (name: string): TensorData | undefined =>
    inputs[name] && tensorOf(inputs[name].shape, inputs[name].data);
  const { W, R, B, P } = Object.fromEntries(["W", "R", "B", "P"].map((name) => [name, floats(name)]));
  const coupledGates = input_forget === 1;
  const weights: StateDict = { W: W!, R: R!, ...(B && { B }), ...(P && { P }) };
  const states = ["h", "c"].flatMap((name) => {
    const given = floats(`initial_${name}`);
    return given ? [[name, layout === 1 ? swapFirst(given) : given] as const] : [];
  });
  // ONNX may give one of the two states; the other is zero then.
  const [, firstState] = states[0] ?? [];
  const zero = firstState && tensorOf(firstState.shape, new Float32Array(firstState.data.length));
  const { sequence_lens } = inputs;
  return {
    cell,
    options: {
      inputSize: W!.shape[2],
      hiddenSize: hidden_size,
      bias: B !== undefined,
      bidirectional: direction === "bidirectional",
      ...(direction === "reverse" && { goBackwards: true }),
      ...(layout === 1 && { batchFirst: true }),
      ...(clip !== undefined && { clip }),
      ...(P && { peepholes: true }),
      ...(coupledGates && { coupledGates }),
      ...(cell === "gru" && { resetAfter: linear_before_reset !== 0 }),
      ...activationsOf(cell, attributes),
    },
    weights: importWeights("onnx", cell, weights, coupledGates ? { coupledGates } : {}),
    x: floats("X")!,
    ...(zero && {
      state: { h: zero, ...(cell === "lstm" && { c: zero }), ...Object.fromEntries(states) },
    }),
    ...(sequence_lens && { real: { lengths: integersOf(sequence_lens.shape, sequence_lens.data) } }),
  };
}

/**
 * Our outputs as ONNX's. A sequence of length 0 has the initial state as its final state with us, as with PyTorch's cells
 * that take no step; ONNX Runtime has zeros in `Y_h` and `Y_c` then, which is put in here.
 */
export function onnxOutputs({ options, real }: Layer, result: StateDict): Record<string, TensorData> {
  const D = options.bidirectional ? 2 : 1;
  const { y, hn, cn } = result as { y: TensorData; hn: TensorData; cn?: TensorData };
  const batchFirst = options.batchFirst === true;
  const [B, H] = hn.shape.slice(1) as [number, number];
  const final = (state: TensorData): TensorData => {
    const data = state.data.slice();
    real?.lengths?.data.forEach((length, b) => {
      for (let d = 0; length === 0 && d < D; d++) data.fill(0, (d * B + b) * H, (d * B + b + 1) * H);
    });
    return batchFirst ? swapFirst({ shape: state.shape, data }) : { shape: state.shape, data };
  };
  const [first, second, C] = y.shape as [number, number, number];
  return {
    Y: batchFirst ? { shape: [first, second, D, C / D], data: y.data } : directionsFirst(y, D),
    Y_h: final(hn),
    ...(cn && { Y_c: final(cn) }),
  };
}
