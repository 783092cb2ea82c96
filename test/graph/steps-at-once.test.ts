/** Steps in one dispatch, where a workgroup has all units of its rows: what plans for a GPU consist of, and that they compute the same. */
import "../support/all-commands.ts";
import { describe, expect, test } from "vitest";
import { countPlan, GRU, IndRNN, LSTM, RNN, SLSTM } from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import type { Recurrent } from "../../src/nn/recurrent.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Target } from "../../src/plan/plan.ts";
import { Numbers } from "../support/against-twin.ts";
import { PlansFor } from "../support/plans-for.ts";

const inputSize = 3;
const makers = {
  LSTM: (options: object) => new LSTM({ inputSize, hiddenSize: 8, ...options }),
  GRU: (options: object) => new GRU({ inputSize, hiddenSize: 8, ...options }),
  RNN: (options: object) => new RNN({ inputSize, hiddenSize: 8, ...options }),
  IndRNN: (options: object) => new IndRNN({ inputSize, hiddenSize: 8, ...options }),
  SLSTM: (options: object) => new SLSTM({ inputSize, hiddenSize: 8, ...options }),
};
type Kind = keyof typeof makers;

interface Given {
  readonly T: number;
  readonly B?: number;
  readonly lengths?: boolean;
}

/** A layer's output and all gradients, planned for one kind of adapter. */
function programOf(
  kind: Kind,
  options: object,
  { T, B = 3, lengths = false }: Given,
  software: boolean,
  tuned?: Target["tuned"],
) {
  const layer = makers[kind](options) as unknown as Recurrent;
  const backend = new PlansFor(software, tuned);
  return Program.compile(backend, new Weights(backend, layer, 0), {
    inputs: {
      x: { shape: [T, B, inputSize] },
      ...(lengths && { lengths: { shape: [B], dtype: "i32" } as const }),
    },
    forward: ({ x, lengths: given }) => ({
      output: layer.forward(x!, undefined, given ? { lengths: given } : {}).output,
    }),
    seeds: ["output"],
    gradients: ["x"],
    parameterGradients: true,
  });
}

async function stepsOf(kind: Kind, options: object, given: Given): Promise<[forward: number, backward: number]> {
  const { perKernel } = countPlan((await programOf(kind, options, given, false)).plan);
  return [perKernel["recurrent-forward"] ?? 0, perKernel["recurrent-backward"] ?? 0];
}

describe("on a GPU", () => {
  test.each(["LSTM", "GRU", "RNN", "SLSTM"] as const)(
    "a layer of %s is one dispatch forward and one back",
    async (kind) => {
      for (const T of [1, 2, 64]) {
        for (const B of [1, 3, 33]) expect(await stepsOf(kind, {}, { T, B })).toEqual([1, 1]);
        expect(await stepsOf(kind, { bidirectional: true }, { T })).toEqual([1, 1]);
        expect(await stepsOf(kind, { numLayers: 3 }, { T })).toEqual([3, 3]);
        expect(await stepsOf(kind, { zoneout: 0.1, recurrentDropout: 0.1 }, { T, lengths: true })).toEqual([1, 1]);
      }
    },
  );

  test.each(["LSTM", "GRU"] as const)("so is one of %s with layer normalisation, and one with heads", async (kind) => {
    expect(await stepsOf(kind, { layerNorm: true }, { T: 64 })).toEqual([1, 1]);
    expect(await stepsOf(kind, { numHeads: 2 }, { T: 64 })).toEqual([1, 1]);
  });

  test("long sequences are cut into pieces of some milliseconds", async () => {
    // 4·2·128² operations a step and row.
    const piece = Math.floor(5e7 / (2 * 4 * 128 * 128));
    const T = 2 * piece + 1;
    expect(await stepsOf("LSTM", { hiddenSize: 128 }, { T, B: 1 })).toEqual([3, 3]);
    // The last row of the table has no word of its rows beyond 128 units: a step a dispatch.
    expect(await stepsOf("LSTM", { hiddenSize: 132 }, { T: 9, B: 1 })).toEqual([9, 9]);
  });

  test("cells without R, with a second product, and projections go step by step", async () => {
    expect(await stepsOf("IndRNN", {}, { T: 9 })).toEqual([9, 9]);
    expect(await stepsOf("GRU", { resetAfter: false }, { T: 9 })).toEqual([18, 9]);
    expect(await stepsOf("LSTM", { projSize: 4 }, { T: 9 })).toEqual([9, 9]);
  });
});

test("on an adapter that computes on the CPU every step is a dispatch", async () => {
  const { perKernel } = countPlan((await programOf("LSTM", {}, { T: 9 }, true)).plan);
  expect([perKernel["recurrent-forward"], perKernel["recurrent-backward"]]).toEqual([9, 9]);
});

describe("the numbers are the same either way", () => {
  const cases: readonly (readonly [name: string, kind: Kind, options: object, given: Given])[] = [
    ["LSTM", "LSTM", {}, { T: 5 }],
    ["LSTM, both directions, masked", "LSTM", { bidirectional: true }, { T: 6, lengths: true }],
    ["LSTM from the end", "LSTM", { goBackwards: true, hiddenSize: 7 }, { T: 4 }],
    ["GRU in two layers, both directions", "GRU", { bidirectional: true, numLayers: 2 }, { T: 5, B: 9 }],
    ["GRU with layer normalisation", "GRU", { layerNorm: true, hiddenSize: 5 }, { T: 5 }],
    ["RNN, masked", "RNN", {}, { T: 7, lengths: true }],
    ["SLSTM with heads", "SLSTM", { numHeads: 2 }, { T: 5 }],
  ];
  /** Steps one by one forward or backward, and at once the other way: what may be measured on a machine. */
  const oneByOne = (back: 0 | 1): Target["tuned"] =>
    new Proxy(
      {},
      { get: (_, key) => (new RegExp(`^recurrent .* back ${back}$`).test(String(key)) ? "block" : undefined) },
    );

  test.each(cases)("of %s", async (name, kind, options, given) => {
    const results = [];
    const dispatches = [];
    const ways = [[true], [false], [false, oneByOne(0)], [false, oneByOne(1)]] as const;
    for (const [software, tuned] of ways) {
      const program = await programOf(kind, options, given, software, tuned);
      const { perKernel } = countPlan(program.plan);
      dispatches.push([perKernel["recurrent-forward"], perKernel["recurrent-backward"]]);
      const numbers = new Numbers(name);
      const { T, B = 3, lengths } = given;
      const inputs = {
        x: { shape: [T, B, inputSize], data: numbers.floats(T * B * inputSize) },
        ...(lengths && { lengths: { shape: [B], data: Int32Array.from({ length: B }, (_, b) => 1 + ((b * 2) % T)) } }),
      };
      const { plan } = program;
      const output = plan.buffers.find((buffer) => buffer.name === "gradient.output")!;
      const shape = [T, B, output.length / (T * B)];
      results.push(
        await program.run({ ...inputs, "gradient.output": { shape, data: numbers.floats(output.length) } } as never),
      );
    }
    const [stepByStep, ...others] = results;
    expect(Object.keys(stepByStep!).length).toBeGreaterThan(4);
    for (const other of others) expect(other).toEqual(stepByStep);
    const [most, least] = dispatches as [number[], number[]];
    expect(dispatches.slice(2)).toEqual([
      [most[0], least[1]],
      [least[0], most[1]],
    ]);
  });
});
