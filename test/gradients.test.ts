/** Gradients of every op: the plan's on the CPU against finite differences of its own forward, the GPU's against the CPU's. */
import { describe, expect, test } from "vitest";
import { CpuBackend } from "../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../src/gpu/gpu-backend.ts";
import { concat, reshape, slice, swapAxes } from "../src/graph/ops/layout.ts";
import { linear } from "../src/graph/ops/linear.ts";
import { crossEntropy, Embedding, GRU, Linear, LSTM, Module, RNN, type Tensor } from "../src/index.ts";
import { Program } from "../src/infer/program.ts";
import type { Recurrent, RecurrentOptions, RecurrentState } from "../src/nn/recurrent.ts";
import { Weights } from "../src/nn/weights.ts";
import type { Backend } from "../src/plan/backend.ts";
import { type StateDict, sizeOf } from "../src/tensor-data.ts";
import { differences, gpuForTests, Numbers } from "./against-twin.ts";

const gpu = await gpuForTests();

type Inputs = Readonly<Record<string, Tensor>>;

interface Case {
  readonly name: string;
  readonly model: Module;
  /** i32 inputs are tokens below the number; f32 ones are differentiated by. */
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly below?: number }>>;
  forward(inputs: Inputs): Readonly<Record<string, Tensor>>;
  /** Outputs that get a gradient; default all of them. */
  readonly seeds?: readonly string[];
}

/** A model that is no more than its parts. */
class Parts extends Module {
  constructor(parts: Readonly<Record<string, Module>>) {
    super();
    Object.assign(this, parts);
  }
  forward(): void {}
}

const only = (part: Module): Module => new Parts({ part });
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
): Case[] {
  const { T = 3, B = 2, ...rest } = options;
  const sizes = { inputSize: 3, hiddenSize: 4, ...rest };
  const shape = sizes.batchFirst ? [B, T, sizes.inputSize] : [T, B, sizes.inputSize];
  const state = [(sizes.numLayers ?? 1) * (sizes.bidirectional ? 2 : 1), B, sizes.hiddenSize];
  return Object.entries(kinds).map(([kind, make]): Case => {
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

const cases: readonly Case[] = [
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
    ...{ numLayers: 2, bidirectional: true, batchFirst: true, bias: false, hiddenSize: 2, T: 2 },
  }),
  ...recurrentCases("of one step, one row, one unit", { T: 1, B: 1, inputSize: 1, hiddenSize: 1 }, { initial: true }),
];

interface Run {
  readonly program: Program;
  readonly weights: Weights;
}

async function compile(backend: Backend, { model, inputs, forward, seeds }: Case, gradients: boolean): Promise<Run> {
  const weights = new Weights(backend, model, 3);
  const names = Object.keys(inputs).filter((name) => inputs[name]!.below === undefined);
  let outputs: readonly string[] = [];
  const options = {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, below }]) => [
        name,
        { shape, dtype: below ? "i32" : "f32" } as const,
      ]),
    ),
    forward(symbols: Inputs) {
      const made = forward(symbols);
      outputs = seeds ?? Object.keys(made);
      return made;
    },
  };
  await Program.compile(backend, weights, options).then((probe) => probe.dispose());
  if (!gradients) return { program: await Program.compile(backend, weights, options), weights };
  const program = await Program.compile(backend, weights, {
    ...{ ...options, seeds: outputs, gradients: names, parameterGradients: true },
  });
  return { program, weights };
}

/** Values of the inputs in float64, and gradients of the outputs. */
function valuesOf(
  { name, inputs }: Case,
  outputs: StateDict,
  seeds: readonly string[],
): { x: StateDict; dy: StateDict } {
  const numbers = new Numbers(name);
  const values = (shape: readonly number[]) => ({ shape, data: Float64Array.from(numbers.floats(sizeOf(shape))) });
  const x = Object.fromEntries(
    Object.entries(inputs).map(([input, { shape, below }]) => [
      input,
      below ? { shape, data: numbers.integers(sizeOf(shape), 0, below - 1) } : values(shape),
    ]),
  );
  const dy = Object.fromEntries(seeds.map((output) => [`gradient.${output}`, values(outputs[output]!.shape)]));
  return { x, dy };
}

const zeros = ({ inputs }: Case): StateDict =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, below }]) => [
      name,
      { shape, data: below ? new Int32Array(sizeOf(shape)) : new Float64Array(sizeOf(shape)) },
    ]),
  );

async function prepared(given: Case): Promise<{ x: StateDict; dy: StateDict; plain: Run }> {
  const plain = await compile(new CpuBackend(), given, false);
  const outputs = await plain.program.run(zeros(given));
  return { ...valuesOf(given, outputs, given.seeds ?? Object.keys(outputs)), plain };
}

/** d(sum of dy·y) / d(tensor[i]) for all i, by central differences. */
async function differenceBy(
  tensor: Float64Array,
  measure: () => Promise<number>,
  accept: () => void,
): Promise<Float64Array> {
  const step = 1e-5;
  const result = new Float64Array(tensor.length);
  for (let i = 0; i < tensor.length; i++) {
    const value = tensor[i]!;
    const at = async (moved: number) => {
      tensor[i] = moved;
      accept();
      return measure();
    };
    result[i] = ((await at(value + step)) - (await at(value - step))) / (2 * step);
    tensor[i] = value;
  }
  accept();
  return result;
}

describe("on the CPU, against central differences in float64", () => {
  test.each(cases.map((given) => [given.name, given] as const))("%s", async (_, given) => {
    const { x, dy, plain } = await prepared(given);
    const { program } = await compile(new CpuBackend(), given, true);
    const analytic = await program.run({ ...x, ...dy });
    const dict = await plain.weights.stateDict();
    const measure = async () => {
      const y = await plain.program.run(x);
      return Object.entries(dy).reduce((sum, [name, { data }]) => {
        const output = y[name.slice("gradient.".length)]!.data;
        return sum + Array.from(data, (g, i) => g * output[i]!).reduce((s, product) => s + product, 0);
      }, 0);
    };
    const tensors = [
      ...Object.entries(x).filter(([, { data }]) => !(data instanceof Int32Array)),
      ...Object.entries(dict),
    ];
    expect(
      Object.keys(analytic)
        .filter((name) => name.startsWith("grad."))
        .sort(),
    ).toEqual(tensors.map(([name]) => `grad.${name}`).sort());
    for (const [name, { data }] of tensors) {
      const accept = name in dict ? () => plain.weights.load(dict) : () => {};
      const expected = await differenceBy(data as Float64Array, measure, accept);
      const faults = differences(name, { before: undefined, expected, got: analytic[`grad.${name}`]!.data }, 2e-8);
      expect(faults.slice(0, 3)).toEqual([]);
    }
  });
});

/** Too many numbers for differences, enough for every kind of tile; of one cell each, the twins' tests have the others. */
const large = [
  ...recurrentCases("large, both directions", {
    ...{ bidirectional: true, inputSize: 18, hiddenSize: 17, T: 4, B: 9 },
  }).filter(({ name }) => name.startsWith("gru")),
  ...recurrentCases("large, many rows", { inputSize: 35, hiddenSize: 33, T: 3, B: 34 }, { initial: true }).filter(
    ({ name }) => name.startsWith("lstm"),
  ),
];

const asWhat = [
  ["a software adapter", gpu && new GpuBackend(gpu.device, true)],
  ["a real GPU", gpu && new GpuBackend(gpu.device, false)],
] as const;

describe.each(asWhat)("on the GPU, scheduled for %s, against the CPU", (_, onGpu) => {
  test.each([...cases, ...large].map((given) => [given.name, given] as const))("%s", async (__, given) => {
    const { x, dy } = await prepared(given);
    const results = [];
    for (const backend of [onGpu, new CpuBackend()]) {
      const { program, weights } = await compile(backend, given, true);
      results.push(await program.run({ ...x, ...dy }));
      program.dispose();
      weights.dispose();
    }
    const [got, expected] = results as [StateDict, StateDict];
    expect(Object.keys(got)).toEqual(Object.keys(expected));
    for (const [name, { data }] of Object.entries(expected)) {
      expect(differences(name, { before: undefined, expected: data, got: got[name]!.data }, 2e-5)).toEqual([]);
    }
  });
});
