/** The small cases on a device that has exactly WebGPU's guaranteed limits, against the CPU. */
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  adamW,
  type Batch,
  CharModel,
  charModelCells,
  GRU,
  LSTM,
  RNN,
  Runtime,
  type StateDict,
  type Tensor,
} from "../../src/node.ts";
import { differences, expectSame, Numbers } from "../support/against-twin.ts";
import { adapterForTests } from "../support/environment.ts";

/** https://www.w3.org/TR/webgpu/#limits, those that compute shaders can meet. */
const defaults = {
  maxBufferSize: 268_435_456,
  maxStorageBufferBindingSize: 134_217_728,
  maxUniformBufferBindingSize: 65_536,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
  maxDynamicUniformBuffersPerPipelineLayout: 8,
  maxBindingsPerBindGroup: 1000,
  maxBindGroups: 4,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
  minUniformBufferOffsetAlignment: 256,
  minStorageBufferOffsetAlignment: 256,
} as const;

const { device, found } = await adapterForTests("default");
beforeEach((context) => context.skip(!device, found.reason));
const cpu = await Runtime.open({ backend: "cpu" });
const gpu = device ? await Runtime.open({ device }) : (undefined as never);
afterAll(() => cpu.dispose());

const limitsOf = (names: Readonly<Record<string, number>>) => Object.keys(names) as (keyof typeof defaults)[];

test("the device has the default limits and no more", () => {
  expect(Object.fromEntries(limitsOf(defaults).map((name) => [name, device!.limits[name]]))).toEqual(defaults);
});

test('Runtime.open({ limits: "default" }) asks for the same, and for no feature', async () => {
  const runtime = await Runtime.open({ backend: "gpu", limits: "default" });
  const { limits, features } = runtime.info();
  expect(limits).toEqual(Object.fromEntries(limitsOf(limits).map((name) => [name, defaults[name]])));
  expect(features.filter((name) => name !== "core-features-and-limits")).toEqual([]);
  runtime.dispose();
});

const layers = {
  lstm: () => new LSTM({ inputSize: 5, hiddenSize: 7, numLayers: 2, bidirectional: true }),
  gru: () => new GRU({ inputSize: 5, hiddenSize: 7, numLayers: 2, bidirectional: true }),
  "rnn tanh": () => new RNN({ inputSize: 5, hiddenSize: 7, numLayers: 2, bidirectional: true }),
  "rnn relu": () => new RNN({ inputSize: 5, hiddenSize: 7, numLayers: 2, bidirectional: true, nonlinearity: "relu" }),
};

describe.each(Object.entries(layers))("%s", (name, make) => {
  test("forward and gradients are the CPU's", async () => {
    const layer = make();
    const numbers = new Numbers(name);
    const x = { shape: [4, 3, 5], data: numbers.floats(60) };
    const dy = { shape: [4, 3, 14], data: numbers.floats(168) };
    const results = [];
    for (const runtime of [gpu, cpu]) {
      const program = await runtime.compile(layer, {
        inputs: { x: { shape: x.shape } },
        forward({ x: symbol }): Record<string, Tensor> {
          const { output, state } = layer.forward(symbol!);
          return { output, ...state };
        },
        seeds: ["output"],
        gradients: ["x"],
        parameterGradients: true,
      });
      results.push(await program.run({ x, "gradient.output": dy }));
      program.dispose();
    }
    expectSame(results[0]!, results[1]!, 2e-5);
  });
});

function windows(steps: number): Batch[] {
  return Array.from({ length: steps }, (_, step) => {
    const tokens = (shift: number) => ({
      shape: [6, 3],
      data: Int32Array.from({ length: 18 }, (__, i) => (7 * step + 3 * i + ((i * i) % 5) + shift) % 13),
    });
    return { x: tokens(0), target: tokens(3) };
  });
}

describe.each(charModelCells)("a character model with %s", (cell) => {
  const model = new CharModel({ vocabSize: 13, cell, embeddingDim: 6, hiddenSize: 9 });

  test("trains to the CPU's losses and weights", async () => {
    const results: StateDict[] = [];
    for (const runtime of [gpu, cpu]) {
      runtime.initialize(model, { seed: 5 });
      const trainer = runtime.trainer(model, { optimizer: adamW({ lr: 0.01 }), clipNorm: 1 });
      const losses: number[] = [];
      for await (const { loss, gradNorm } of trainer.fit(windows(6))) losses.push(loss, gradNorm);
      results.push({ losses: { shape: [12], data: Float64Array.from(losses) }, ...(await trainer.stateDict()) });
      trainer.dispose();
    }
    const [got, expected] = results as [StateDict, StateDict];
    const moments = (dict: StateDict) =>
      Object.fromEntries(Object.entries(dict).filter(([n]) => !n.startsWith("optimizer.")));
    // Adam divides by the root of its second moment: small gradients keep fewer digits than their sums.
    expect(
      differences("losses", { before: undefined, expected: expected.losses!.data, got: got.losses!.data }, 1e-4),
    ).toEqual([]);
    for (const [name, { data }] of Object.entries(moments(expected)))
      expect(differences(name, { before: undefined, expected: data, got: got[name]!.data }, 1e-3).slice(0, 3)).toEqual(
        [],
      );
  });

  test("generates the CPU's tokens", async () => {
    const results: number[][] = [];
    for (const runtime of [gpu, cpu]) {
      runtime.initialize(model, { seed: 6 });
      for (const settings of [{ temperature: 0 }, { seed: 9, topK: 6, topP: 0.9 }]) {
        const tokens: number[] = [];
        for await (const chunk of runtime.generate(model, { prompt: [1, 2], length: 20, chunk: 8, ...settings }))
          tokens.push(...chunk.tokens);
        expect(tokens).toHaveLength(20);
        results.push(tokens);
      }
    }
    expect(results.slice(0, 2)).toEqual(results.slice(2));
  });
});
