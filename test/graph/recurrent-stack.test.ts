/** Layers on top of each other whose steps go on together: what plans consist of, and that they compute the same. */
import "../support/all-commands.ts";
import { describe, expect, test } from "vitest";
import { cellNamed } from "../../src/cells/cell.ts";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import type { Tensor } from "../../src/graph/tensor.ts";
import { countPlan, GRU, LSTM, MGU, RNN, SLSTM } from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { questionKey } from "../../src/kernels/choose-variant.ts";
import type { Recurrent } from "../../src/nn/recurrent.ts";
import { Weights } from "../../src/nn/weights.ts";
import { hostTarget, type Target } from "../../src/plan/plan.ts";
import { Numbers } from "../support/against-twin.ts";
import { PlansFor } from "../support/plans-for.ts";

const inputSize = 3;
const makers = {
  LSTM: (options: object) => new LSTM({ inputSize, hiddenSize: 5, ...options }),
  GRU: (options: object) => new GRU({ inputSize, hiddenSize: 5, ...options }),
  RNN: (options: object) => new RNN({ inputSize, hiddenSize: 5, ...options }),
  MGU: (options: object) => new MGU({ inputSize, hiddenSize: 5, ...options }),
  SLSTM: (options: object) => new SLSTM({ inputSize, hiddenSize: 5, ...options }),
};
type Kind = keyof typeof makers;

interface Given {
  readonly T: number;
  readonly B?: number;
  readonly lengths?: boolean;
  readonly tokens?: boolean;
  /** Initial states are given, and the final ones are results. */
  readonly states?: boolean;
  readonly training?: boolean;
}

/** The reference, with plans in which layers go on together or one after the other. */
class Stacked extends CpuBackend {
  override readonly target: Target;
  constructor(together: boolean) {
    super();
    const tuned: Record<string, unknown> = {};
    const sizes = [1, 2, 4, 8, 16, 32, 64];
    for (const layers of [2, 4])
      for (const T of sizes)
        for (const B of sizes)
          for (const words of sizes)
            tuned[questionKey("recurrent-stack", { layers, T, B, words })] = together ? "together" : "layer by layer";
    this.target = { ...hostTarget, tuned };
  }
}

/** A module's outputs and all gradients. */
async function programOf(kind: Kind, options: object, given: Given, together: boolean) {
  const { T, B = 3, lengths = false, tokens = false, states = false, training = false } = given;
  const layer = makers[kind]({ numLayers: 2, ...options }) as unknown as Recurrent;
  const backend = new Stacked(together);
  const names = cellNamed(layer.cell).states;
  const shape = [layer.numLayers, B, layer.hiddenSize];
  const program = await Program.compile(backend, new Weights(backend, layer, 0), {
    inputs: {
      x: tokens ? ({ shape: [T, B], dtype: "i32" } as const) : { shape: [T, B, inputSize] },
      ...(lengths && { lengths: { shape: [B], dtype: "i32" } as const }),
      ...(states && Object.fromEntries(names.map((name) => [`${name}0`, { shape }]))),
    },
    forward: (inputs: Readonly<Record<string, Tensor>>) => {
      const before = states ? Object.fromEntries(names.map((name) => [name, inputs[`${name}0`]!])) : undefined;
      const real = inputs.lengths ? { lengths: inputs.lengths } : {};
      const { output, state } = layer.forward(inputs.x!, before, real);
      return { output, ...(states && state) } as Readonly<Record<string, Tensor>>;
    },
    seeds: ["output", ...(states ? names : [])],
    gradients: [...(tokens ? [] : ["x"]), ...(states ? names.map((name) => `${name}0`) : [])],
    parameterGradients: true,
    training,
  });
  return program;
}

/** All that a program gives, for numbers that are the same in every call. */
async function resultsOf(name: string, kind: Kind, options: object, given: Given, together: boolean) {
  const program = await programOf(kind, options, given, together);
  const numbers = new Numbers(name);
  const { T, B = 3, lengths, tokens, training } = given;
  const floats = (of: string) => {
    const { length } = program.plan.buffers.find((buffer) => buffer.name === of)!;
    return numbers.floats(length);
  };
  const shapes = program.plan.buffers.filter(
    ({ role, name }) => role === "input" && name !== "lengths" && name !== "seed",
  );
  const H = 5;
  const inputs: Record<string, unknown> = {};
  for (const { name: input, length } of shapes.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (input === "x" && tokens) {
      inputs.x = { shape: [T, B], data: Int32Array.from({ length }, (_, i) => (i * 7) % inputSize) };
      continue;
    }
    const isSequence = input === "x" || input === "gradient.output";
    const shape = isSequence ? [T, B, length / (T * B)] : [length / (B * H), B, H];
    inputs[input] = { shape, data: floats(input) };
  }
  if (lengths) inputs.lengths = { shape: [B], data: Int32Array.from({ length: B }, (_, b) => 1 + ((b * 2) % T)) };
  if (training) inputs.seed = { shape: [1], data: Int32Array.of(7) };
  return { program, results: await program.run(inputs as never) };
}

describe("the numbers are those of layers one after the other", () => {
  const cases: readonly (readonly [name: string, kind: Kind, options: object, given: Given])[] = [
    ["LSTM", "LSTM", {}, { T: 5 }],
    ["LSTM of three layers", "LSTM", { numLayers: 3 }, { T: 4 }],
    ["LSTM of four layers over fewer steps", "LSTM", { numLayers: 4 }, { T: 2, B: 1 }],
    ["LSTM without bias", "LSTM", { bias: false }, { T: 3 }],
    ["LSTM with states", "LSTM", { numLayers: 3 }, { T: 5, states: true }],
    ["LSTM, masked", "LSTM", {}, { T: 6, lengths: true }],
    ["LSTM, masked, outputs held", "LSTM", { maskedOutput: "hold" }, { T: 6, lengths: true, states: true }],
    ["LSTM with peepholes", "LSTM", { peepholes: true }, { T: 4, states: true }],
    ["LSTM with layer normalisation", "LSTM", { layerNorm: true, numLayers: 3 }, { T: 4 }],
    ["LSTM of tokens", "LSTM", {}, { T: 5, tokens: true }],
    ["LSTM with zoneout's expectation", "LSTM", { zoneout: 0.3 }, { T: 4 }],
    ["GRU", "GRU", { numLayers: 3 }, { T: 5, states: true }],
    ["GRU, masked", "GRU", {}, { T: 6, lengths: true, states: true }],
    ["RNN", "RNN", { nonlinearity: "relu" }, { T: 5, states: true }],
    ["SLSTM with four states", "SLSTM", {}, { T: 4, states: true }],
    ["LSTM, learned initial states", "LSTM", { learnedInitialState: true }, { T: 4 }],
    ["LSTM, batch first", "LSTM", { batchFirst: true }, { T: 3, B: 3 }],
  ];
  test.each(cases)("%s", async (name, kind, options, given) => {
    const [apart, together] = [
      await resultsOf(name, kind, options, given, false),
      await resultsOf(name, kind, options, given, true),
    ];
    const { perKernel } = countPlan(together.program.plan);
    expect([perKernel["recurrent-forward"], perKernel["recurrent-backward"]]).toEqual([undefined, undefined]);
    const L = (options as { numLayers?: number }).numLayers ?? 2;
    const { T } = given;
    expect(perKernel["recurrent-stack-forward"]).toBe(T + L - 1);
    expect(Object.keys(together.results).sort()).toEqual(Object.keys(apart.results).sort());
    for (const [key, { data }] of Object.entries(apart.results) as [string, { data: Float32Array }][]) {
      const own = together.results[key as never] as { data: Float32Array };
      expect(data.length, key).toBe(own.data.length);
      for (const [i, value] of data.entries()) expect(own.data[i], `${key}[${i}]`).toBeCloseTo(value, 6);
    }
  });
});

/** Commands of a program for a GPU: layers of more units than one workgroup has. */
async function commandsOnGpu(options: object, given: Given) {
  const backend = new PlansFor(false);
  const { T, B = 2 } = given;
  const layer = new LSTM({ inputSize, hiddenSize: 132, numLayers: 3, ...options });
  const { plan } = await Program.compile(backend, new Weights(backend, layer, 0), {
    inputs: { x: { shape: [T, B, inputSize] } },
    forward: ({ x }) => ({ output: layer.forward(x!).output }),
    seeds: given.training ? ["output"] : [],
    parameterGradients: given.training === true,
  });
  return plan.commands.map((command) => (command.type === "dispatch" ? command.kernel : command.type));
}
const times = (commands: readonly string[], kernel: string) => commands.filter((one) => one === kernel).length;

describe("on a GPU", () => {
  test("L layers over T steps are T + L + 3 commands", async () => {
    for (const [T, numLayers] of [
      [2, 2],
      [9, 3],
      [40, 4],
    ] as const) {
      const commands = await commandsOnGpu({ numLayers }, { T });
      expect(commands).toHaveLength(T + numLayers + 3);
      expect(times(commands, "recurrent-stack-forward")).toBe(T + numLayers - 1);
    }
  });

  test("so are they backward, and two products for each layer's weights", async () => {
    const [T, L] = [9, 3];
    const forward = await commandsOnGpu({}, { T });
    const commands = await commandsOnGpu({}, { T, training: true });
    expect(times(commands, "recurrent-stack-backward")).toBe(T + L - 1);
    const products = commands.filter((kernel) => kernel.startsWith("matmul"));
    expect(products).toHaveLength(1 + 2 * L);
    expect(commands.length).toBeLessThanOrEqual(forward.length + T + L - 1 + 2 * L + 2);
  });

  test("layers that cannot, or need not, go one after the other", async () => {
    const alone: readonly (readonly [why: string, options: object, given: Given])[] = [
      ["one layer", { numLayers: 1 }, { T: 9 }],
      ["two directions", { bidirectional: true }, { T: 9 }],
      ["from the end", { goBackwards: true }, { T: 9 }],
      ["a projection", { projSize: 8 }, { T: 9 }],
      ["heads", { numHeads: 2 }, { T: 9 }],
      ["residual connections, which read what a layer puts out", { residual: true }, { T: 9 }],
      ["all steps in one dispatch", { hiddenSize: 64 }, { T: 9 }],
      ["layers of different sizes", { hiddenSize: [132, 136, 140] }, { T: 9 }],
    ];
    for (const [why, options, given] of alone)
      expect(times(await commandsOnGpu(options, given), "recurrent-stack-forward"), why).toBe(0);
  });

  test("two of three layers of one size go together", async () => {
    const commands = await commandsOnGpu({ numLayers: 3, hiddenSize: [132, 132, 140] }, { T: 9 });
    expect([times(commands, "recurrent-stack-forward"), times(commands, "recurrent-forward")]).toEqual([10, 9]);
  });
});

test("on an adapter that computes on the CPU layers go one after the other", async () => {
  const backend = new PlansFor(true);
  const layer = new LSTM({ inputSize, hiddenSize: 132, numLayers: 2 });
  const { plan } = await Program.compile(backend, new Weights(backend, layer, 0), {
    inputs: { x: { shape: [3, 1, inputSize] } },
    forward: ({ x }) => ({ output: layer.forward(x!).output }),
  });
  expect(countPlan(plan).perKernel["recurrent-stack-forward"]).toBeUndefined();
});
