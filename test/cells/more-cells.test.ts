/** IndRNN, MGU, SRU and sLSTM: gradients of everything that they have, on the CPU and the GPU, over many shapes. */
import { IndRNN, MGU, type RecurrentOptions, SLSTM, SRU, type Tensor } from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

type Layer = { forward(x: Tensor, state?: never, real?: object): { output: Tensor; state: Record<string, Tensor> } };

const kinds = {
  indrnn: { make: (options: RecurrentOptions) => new IndRNN(options), states: ["h"] },
  "indrnn with tanh": {
    make: (options: RecurrentOptions) => new IndRNN({ ...options, activation: "Tanh" }),
    states: ["h"],
  },
  mgu: { make: (options: RecurrentOptions) => new MGU(options), states: ["h"] },
  sru: { make: (options: RecurrentOptions) => new SRU(options), states: ["h", "c"] },
  slstm: { make: (options: RecurrentOptions) => new SLSTM(options), states: ["h", "c", "n", "m"] },
  "slstm with an exponential forget gate": {
    make: (options: RecurrentOptions) => new SLSTM({ ...options, forgetGate: "exponential" }),
    states: ["h", "c", "n", "m"],
  },
} as const;
type Kind = keyof typeof kinds;
const all = Object.keys(kinds) as Kind[];

interface Shape {
  readonly T?: number;
  readonly B?: number;
  readonly I?: number;
  readonly H?: number;
  readonly initial?: boolean;
  readonly lengths?: readonly number[];
  readonly training?: number;
  readonly tokens?: boolean;
}

/** Initial values of a state: of sLSTM's normaliser positive, as it always is. */
const floatsOf = (name: string, size: number): readonly number[] =>
  Array.from(new Numbers(name).floats(size), (v) => (name === "n" ? 1.2 + v : v));

function of(kind: Kind, name: string, options: Partial<RecurrentOptions>, shape: Shape = {}): GradientCase {
  const { T = 4, B = 3, I = 3, H = 5, initial = false, lengths, training, tokens = false } = shape;
  const { make, states } = kinds[kind];
  const layer = make({ inputSize: I, hiddenSize: H, ...options });
  const state = [(options.numLayers ?? 1) * (options.bidirectional ? 2 : 1), B, H];
  const size = state.reduce((a, b) => a * b);
  return {
    name: `${kind} ${name}`,
    model: only(layer),
    inputs: {
      x: tokens ? { shape: [T, B], below: I } : { shape: [T, B, I] },
      ...(lengths && { lengths: { shape: [B], integers: lengths } }),
      ...(initial && Object.fromEntries(states.map((s) => [s, { shape: state, floats: floatsOf(s, size) }]))),
    },
    forward(inputs) {
      const given = initial ? Object.fromEntries(states.map((s) => [s, inputs[s]!])) : undefined;
      const real = inputs.lengths ? { lengths: inputs.lengths } : {};
      const { output, state: next } = (layer as unknown as Layer).forward(inputs.x!, given as never, real);
      return { output, ...Object.fromEntries(states.map((s) => [`next ${s}`, next[s]!])) };
    },
    ...(training !== undefined && { training }),
  };
}

const lengths = [2, 4, 1];
const cases: GradientCase[] = [
  ...all.flatMap((kind) => [
    of(kind, "from zeros", {}),
    of(kind, "from a state, with lengths", {}, { lengths, initial: true }),
    of(kind, "both directions", { bidirectional: true }, { H: 3, initial: true, B: 2 }),
  ]),
  ...(["mgu", "sru", "slstm"] as const).flatMap((kind) => [
    of(kind, "without bias, two layers, residual", { bias: false, numLayers: 2, residual: true }, { H: 3 }),
    of(kind, "with zoneout", { zoneout: 0.3 }, { initial: true, training: 5, lengths }),
    of(kind, "of tokens", {}, { tokens: true, T: 3, I: 4, H: 3 }),
  ]),
  ...(["mgu", "slstm"] as const).flatMap((kind) => [
    of(kind, "with heads", { numHeads: 2 }, { H: 6, initial: true, T: 3 }),
    of(kind, "with recurrent dropout", { recurrentDropout: 0.4 }, { training: 6, initial: true, T: 3 }),
  ]),
  of("indrnn", "two layers, dropout", { numLayers: 2, dropout: 0.3 }, { H: 4, training: 8 }),
  of("sru", "with a learned initial state", { learnedInitialState: true, goBackwards: true }),
];

const large: GradientCase[] = [
  ...(["indrnn", "mgu", "sru", "slstm"] as const).flatMap((kind) => [
    of(kind, "of one unit", {}, { T: 1, B: 1, I: 1, H: 1, initial: true }),
    of(kind, "over 40 steps", {}, { T: 40, B: 2, I: 5, H: 7 }),
    of(kind, "of many rows", { bidirectional: true }, { T: 3, B: 37, I: 11, H: 13, initial: true }),
    of(kind, "of many units", {}, { T: 5, B: 6, I: 17, H: 130, initial: true }),
  ]),
];

testGradients(backends, { cases, large, sampled: true });
