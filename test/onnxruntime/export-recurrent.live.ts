/** Recurrent layers exported to ONNX: every cell and option that ONNX knows, as ONNX Runtime computes them. */
import { expect, test } from "vitest";
import {
  functional,
  GRU,
  type GRUOptions,
  LSTM,
  type LSTMOptions,
  Module,
  RNN,
  type RNNOptions,
  type Tensor,
} from "../../src/index.ts";
import { compare } from "./export-compared.ts";

const layers = { LSTM, GRU, RNN };
type Options = Partial<LSTMOptions & GRUOptions & RNNOptions>;

/** A layer with its state in and out, and lengths where they are given. */
class Layer extends Module {
  rnn: LSTM;
  constructor(kind: keyof typeof layers, options: Options) {
    super();
    this.rnn = new layers[kind]({ inputSize: 3, hiddenSize: 4, ...options } as never) as unknown as LSTM;
  }
  forward({ x, lengths }: { x: Tensor; lengths?: Tensor }, state?: never) {
    const { output, state: next } = this.rnn.forward(x, state, lengths && { lengths });
    return { output, state: next };
  }
}

const sizes = [
  { T: 5, B: 2 },
  { T: 1, B: 3 },
  { T: 8, B: 1 },
];
const open = { inputs: { x: ["T", "B", 3] }, dynamic: ["T", "B"], sizes };
class OfX extends Layer {
  override forward(x: never, state?: never) {
    return super.forward({ x }, state);
  }
}

const cases: Readonly<Record<string, readonly [keyof typeof layers, Options]>> = {
  LSTM: ["LSTM", {}],
  "LSTM of three layers": ["LSTM", { numLayers: 3 }],
  "LSTM without bias": ["LSTM", { bias: false }],
  "LSTM of layers of different sizes, residual not": ["LSTM", { hiddenSize: [4, 5] }],
  "LSTM of two layers, residual": ["LSTM", { numLayers: 2, residual: true }],
  "LSTM with peepholes": ["LSTM", { peepholes: true }],
  "LSTM with coupled gates": ["LSTM", { coupledGates: true }],
  "LSTM with coupled gates and peepholes": ["LSTM", { coupledGates: true, peepholes: true }],
  "LSTM with other activations": [
    "LSTM",
    { activations: { gate: "HardSigmoid", cell: { name: "Affine", alpha: 0.4, beta: 0.1 }, hidden: "Softsign" } },
  ],
  "LSTM with heads": ["LSTM", { numHeads: 2 }],
  GRU: ["GRU", {}],
  "GRU of two layers": ["GRU", { numLayers: 2 }],
  "GRU with reset before": ["GRU", { resetAfter: false }],
  "GRU without bias, with reset before": ["GRU", { resetAfter: false, bias: false }],
  "GRU with other activations and a clip": [
    "GRU",
    { activations: { gate: "HardSigmoid", candidate: { name: "ScaledTanh", alpha: 0.9, beta: 0.7 } }, clip: 0.5 },
  ],
  "GRU with heads": ["GRU", { numHeads: 4 }],
  RNN: ["RNN", {}],
  "RNN relu": ["RNN", { nonlinearity: "relu", numLayers: 2 }],
  "RNN with an activation": ["RNN", { nonlinearity: { name: "LeakyRelu", alpha: 0.2 } }],
  "RNN elu": ["RNN", { nonlinearity: { name: "Elu", alpha: 0.7 } }],
  "RNN with a clip": ["RNN", { nonlinearity: "tanh", clip: 0.4 }],
};

test.each(Object.entries(cases))("%s, states carried over calls", async (_, [kind, options]) => {
  const operators = await compare(new OfX(kind, options), open);
  expect(operators[kind]).toBe(Array.isArray(options.hiddenSize) ? 2 : (options.numLayers ?? 1));
});

const backwards: Readonly<Record<string, readonly [keyof typeof layers, Options]>> = {
  "LSTM bidirectional": ["LSTM", { bidirectional: true }],
  "LSTM bidirectional of two layers, merged by a sum": ["LSTM", { bidirectional: true, numLayers: 2, merge: "sum" }],
  "LSTM bidirectional, both apart": ["LSTM", { bidirectional: true, merge: "none" }],
  "LSTM bidirectional, activations of each direction": [
    "LSTM",
    { bidirectional: true, activations: { cell: ["Tanh", "Softsign"], gate: ["HardSigmoid", "Sigmoid"] } },
  ],
  "LSTM bidirectional with peepholes": ["LSTM", { bidirectional: true, peepholes: true }],
  "LSTM from the end": ["LSTM", { goBackwards: true }],
  "LSTM with learned initial states": ["LSTM", { learnedInitialState: true, numLayers: 2, bidirectional: true }],
  "GRU bidirectional of two layers": ["GRU", { bidirectional: true, numLayers: 2 }],
  "GRU bidirectional with reset before, the average": [
    "GRU",
    { bidirectional: true, resetAfter: false, merge: "average" },
  ],
  "GRU from the end, two layers": ["GRU", { goBackwards: true, numLayers: 2 }],
  "RNN bidirectional, the product": ["RNN", { bidirectional: true, merge: "product" }],
  "RNN bidirectional, activations of each direction": [
    "RNN",
    { bidirectional: true, nonlinearity: ["Tanh", { name: "Elu", alpha: 0.5 }] },
  ],
};
const lengths = (name: string, { T = 1, B = 1 }: Readonly<Record<string, number>>) =>
  name === "lengths" ? Array.from({ length: B }, (_, b) => 1 + ((b * 3 + 1) % T)) : undefined;

test.each(Object.entries({ ...backwards, ...cases }))("%s, with lengths", async (_, [kind, options]) => {
  await compare(new Layer(kind, options), {
    inputs: { x: ["T", "B", 3], lengths: { shape: ["B"], dtype: "i32" } },
    dynamic: ["T", "B"],
    sizes,
    given: lengths,
  });
});

test.each(Object.entries(backwards))("%s", async (_, [kind, options]) => {
  await compare(new OfX(kind, options), open);
});

test.each(["LSTM", "GRU", "RNN"] as const)("%s of batch first, fixed lengths", async (kind) => {
  await compare(new OfX(kind, { batchFirst: true, bidirectional: true }), { inputs: { x: [2, 5, 3] } });
  await compare(new OfX(kind, { batchFirst: true, numLayers: 2 }), {
    inputs: { x: ["B", "T", 3] },
    dynamic: ["B", "T"],
    sizes,
  });
});

test.each(["LSTM", "GRU", "RNN"] as const)("%s of tokens", async (kind) => {
  const tokens = { x: { shape: ["T", "B"], dtype: "i32" as const } };
  await compare(new OfX(kind, { inputSize: 7 }), { inputs: tokens, dynamic: ["T", "B"], sizes, below: { x: 7 } });
});

test("a session of one step of one stream has no open axis", async () => {
  const operators = await compare(new OfX("GRU", {}), { inputs: { x: [1, 1, 3] }, calls: 20 });
  expect(Object.keys(operators).sort()).toEqual(["GRU", "Squeeze"]);
});

test("states need not be carried", async () => {
  const operators = await compare(new OfX("LSTM", {}), {
    inputs: { x: ["T", "B", 3] },
    dynamic: ["T", "B"],
    sizes,
    states: false,
  });
  expect(Object.keys(operators).sort()).toEqual(["LSTM", "Squeeze"]);
});

test("the final state of an encoder begins a decoder", async () => {
  class Pair extends Module {
    encoder = new LSTM({ inputSize: 3, hiddenSize: 4, bidirectional: true });
    decoder = new LSTM({ inputSize: 2, hiddenSize: 8 });
    forward({ x, y }: { x: Tensor; y: Tensor }) {
      const { state } = this.encoder.forward(x);
      const joined = (one: Tensor) =>
        functional.concat([functional.slice(one, 0, 1, 0), functional.slice(one, 1, 1, 0)]);
      return { output: this.decoder.forward(y, { h: joined(state.h), c: joined(state.c) }).output };
    }
  }
  await compare(new Pair(), {
    inputs: { x: ["S", "B", 3], y: ["T", "B", 2] },
    dynamic: ["S", "T", "B"],
    sizes: [
      { S: 4, T: 3, B: 2 },
      { S: 1, T: 6, B: 1 },
    ],
  });
});
