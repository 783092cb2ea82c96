/** Gradients of every op of the core. */
import { concat, reshape, slice, swapAxes } from "../../src/graph/ops/layout.ts";
import { linear } from "../../src/graph/ops/linear.ts";
import { crossEntropy, Embedding, GRU, Linear, LSTM, RNN } from "../../src/index.ts";
import type { Recurrent, RecurrentState } from "../../src/nn/recurrent.ts";
import type { RecurrentOptions } from "../../src/nn/recurrent-options.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, Parts, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

type AnyRecurrent = Recurrent<RecurrentState>;

const kinds: Readonly<Record<string, (options: RecurrentOptions) => AnyRecurrent>> = {
  lstm: (options) => new LSTM(options) as unknown as AnyRecurrent,
  gru: (options) => new GRU(options) as unknown as AnyRecurrent,
  "rnn tanh": (options) => new RNN(options) as unknown as AnyRecurrent,
  "rnn relu": (options) => new RNN({ ...options, nonlinearity: "relu" }) as unknown as AnyRecurrent,
};
const statesOf = (kind: string) => (kind === "lstm" ? ["h", "c"] : ["h"]);

/** A recurrent layer of every kind, with these options, from these inputs on. */
function recurrentCases(
  name: string,
  options: Partial<RecurrentOptions> & { readonly T?: number; readonly B?: number },
  { initial = false, seeds }: { initial?: boolean; seeds?: readonly string[] } = {},
): GradientCase[] {
  const { T = 3, B = 2, ...rest } = options;
  const sizes = { inputSize: 3, ...rest, hiddenSize: (rest.hiddenSize ?? 4) as number };
  const shape = sizes.batchFirst ? [B, T, sizes.inputSize] : [T, B, sizes.inputSize];
  const state = [(sizes.numLayers ?? 1) * (sizes.bidirectional ? 2 : 1), B, sizes.hiddenSize];
  return Object.entries(kinds).map(([kind, make]): GradientCase => {
    const part = make(sizes);
    const names = statesOf(kind);
    return {
      name: `${kind} ${name}`,
      model: only(part),
      inputs: { x: { shape }, ...(initial && Object.fromEntries(names.map((s) => [s, { shape: state }]))) },
      forward(inputs) {
        const given = initial ? Object.fromEntries(names.map((s) => [s, inputs[s]!])) : undefined;
        const { output, state: next } = part.forward(inputs.x!, given);
        return { output, ...Object.fromEntries(names.map((s) => [`next ${s}`, next[s]!])) };
      },
      ...(seeds && { seeds: kind === "lstm" ? seeds : seeds.filter((s) => s !== "next c") }),
    };
  });
}

const tied = new Embedding({ numEmbeddings: 5, embeddingDim: 3 });
const twice = new LSTM({ inputSize: 4, hiddenSize: 4 });
const dense = new Linear({ inFeatures: 3, outFeatures: 3 });
const wide = new Linear({ inFeatures: 5, outFeatures: 35 });

const cases: readonly GradientCase[] = [
  {
    name: "embedding with equal tokens, used twice",
    model: only(tied),
    inputs: { a: { shape: [3, 4], below: 5 }, b: { shape: [2], below: 3 } },
    forward: ({ a, b }) => ({ y: tied.forward(a!), z: tied.forward(b!) }),
  },
  {
    name: "linear on three axes, wide",
    model: only(wide),
    inputs: { x: { shape: [2, 17, 5] } },
    forward: ({ x }) => ({ y: wide.forward(x!) }),
  },
  {
    name: "linear without bias after linear, the first one shared",
    model: new Parts({ dense, head: new Linear({ inFeatures: 3, outFeatures: 2, bias: false }) }),
    inputs: { x: { shape: [4, 3] } },
    forward: ({ x }) => ({ y: dense.forward(dense.forward(x!)) }),
  },
  {
    name: "embedding tied to the head",
    model: only(tied),
    inputs: { tokens: { shape: [6], below: 5 }, bias: { shape: [5] } },
    forward: ({ tokens, bias }) => ({ logits: linear("head", tied.forward(tokens!), tied.weight.tensor, bias) }),
  },
  {
    name: "cross-entropy, some targets ignored",
    model: only(dense),
    inputs: { x: { shape: [4, 2, 3] }, target: { shape: [4, 2], below: 3 } },
    forward({ x, target }) {
      const { loss, count } = crossEntropy({ ignoreIndex: 1 }).apply(dense.forward(x!), target!);
      return { loss, count };
    },
    seeds: ["loss"],
  },
  {
    name: "two losses over one head",
    model: only(dense),
    inputs: { x: { shape: [5, 3] }, target: { shape: [5], below: 3 } },
    forward({ x, target }) {
      const logits = dense.forward(x!);
      const [a, b] = [crossEntropy().apply(logits, target!), crossEntropy({ ignoreIndex: 0 }).apply(logits, target!)];
      return { a: a.loss, b: b.loss, logits };
    },
  },
  {
    name: "slice, concat, reshape and swap-axes, each used more than once",
    model: only(dense),
    inputs: { x: { shape: [4, 2, 3] }, w: { shape: [2, 4, 3] } },
    forward({ x, w }) {
      const swapped = swapAxes("swap", x!);
      const joined = concat([swapped, w!, swapped]);
      return { a: slice(joined, 1, 3), b: reshape(joined, [6, 12]), c: dense.forward(slice(joined, 2, 4)) };
    },
  },
  {
    name: "concat of a tensor with itself and a part of it",
    model: only(dense),
    inputs: { x: { shape: [2, 3] } },
    forward({ x }) {
      const y = dense.forward(x!);
      return { z: concat([y, y, slice(y, 1, 1)]) };
    },
  },
  {
    name: "lstm with one tensor as both of its states",
    model: only(twice),
    inputs: { x: { shape: [2, 2, 4] }, s: { shape: [1, 2, 4] } },
    forward({ x, s }) {
      const { output, state } = twice.forward(x!, { h: s!, c: s! });
      return { output, c: state.c };
    },
  },
  {
    name: "lstm used twice, the second time from where the first one ended",
    model: only(twice),
    inputs: { x: { shape: [3, 2, 4] } },
    forward({ x }) {
      const first = twice.forward(x!);
      const second = twice.forward(first.output, first.state);
      return { output: second.output, h: first.state.h, c: second.state.c };
    },
  },
  ...recurrentCases("plain", {}),
  ...recurrentCases("from an initial state", { T: 4, B: 3, inputSize: 2, hiddenSize: 5 }, { initial: true }),
  ...recurrentCases("by its final states only", { hiddenSize: 3 }, { initial: true, seeds: ["next h", "next c"] }),
  ...recurrentCases("by its output only", { hiddenSize: 2 }, { initial: true, seeds: ["output"] }),
  ...recurrentCases("in both directions", { bidirectional: true, hiddenSize: 3 }, { initial: true }),
  ...recurrentCases("in two layers", { numLayers: 2, hiddenSize: 3, T: 2 }, { initial: true }),
  ...recurrentCases("in two layers, both directions, batch first, no bias", {
    numLayers: 2,
    bidirectional: true,
    batchFirst: true,
    bias: false,
    hiddenSize: 2,
    T: 2,
  }),
  ...recurrentCases("of one step, one row, one unit", { T: 1, B: 1, inputSize: 1, hiddenSize: 1 }, { initial: true }),
];

/** Too many numbers for differences, enough for every kind of tile; of one cell each, the twins' tests have the others. */
const large = [
  ...recurrentCases("large, both directions", {
    bidirectional: true,
    inputSize: 18,
    hiddenSize: 17,
    T: 4,
    B: 9,
  }).filter(({ name }) => name.startsWith("gru")),
  ...recurrentCases("large, many rows", { inputSize: 35, hiddenSize: 33, T: 3, B: 34 }, { initial: true }).filter(
    ({ name }) => name.startsWith("lstm"),
  ),
];

testGradients(backends, { cases, large });
