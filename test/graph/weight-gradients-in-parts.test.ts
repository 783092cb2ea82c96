/** Weight gradients as products in parts of K: how many dispatches, and that they are those of the whole products. */
import "../support/all-commands.ts";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import { adam, functional as F, GRU, Linear, LSTM, type Module, type Tensor } from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { type Dispatch, defaultTarget, type Target } from "../../src/plan/plan.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { WasmBackend } from "../../src/wasm/wasm-backend.ts";
import { backendsForTests } from "../support/backends.ts";
import { againstCpu, type GradientCase, only, Parts } from "../support/gradient-check.ts";
import { limited } from "../support/limited.ts";
import { lossesOf, modelOf, windows } from "../support/training-runs.ts";

const { gpu, found } = await backendsForTests();

/** Any weight's gradient in so many parts, whatever the table says. */
const inParts = (PARTS: number): Pick<Target, "tuned"> => ({
  tuned: new Proxy({}, { get: (_, key) => (String(key).startsWith("weight-gradient ") ? { PARTS } : undefined) }),
});

interface Given {
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** Rows of the input: the product's K. */
  readonly rows: number;
  /** One that is used twice adds to its gradient. */
  readonly uses?: number;
  readonly bias?: boolean;
}

function linearCase({ outFeatures, inFeatures, rows, uses = 1, bias = true }: Given): GradientCase {
  const linear = new Linear({ inFeatures, outFeatures, bias });
  return {
    name: `linear ${outFeatures}x${inFeatures} on ${rows} rows, ${uses} times, bias ${bias}`,
    model: only(linear),
    inputs: { x: { shape: [rows, 1, inFeatures] } },
    forward: ({ x }) => Object.fromEntries(Array.from({ length: uses }, (_, i) => [`y${i}`, linear.forward(x!)])),
  };
}

/** A layer on 3 rows, with an input that is used again. */
function layerCase(name: string, layer: LSTM | GRU, T = 5): GradientCase {
  return {
    name,
    model: only(layer as unknown as Module),
    inputs: { x: { shape: [T, 3, 4] } },
    forward: ({ x }) => ({ y: layer.forward(x!).output, again: F.tanh(x!) }),
  };
}

const options = { inputSize: 4, hiddenSize: 8 };
const layers = [
  layerCase("lstm", new LSTM(options)),
  layerCase("lstm in both directions, in two layers", new LSTM({ ...options, numLayers: 2, bidirectional: true })),
  layerCase("lstm with heads", new LSTM({ ...options, numHeads: 2, bidirectional: true })),
  layerCase("lstm with a projection", new LSTM({ ...options, projSize: 3, bidirectional: true })),
  layerCase("gru, with a gate whose product is kept apart", new GRU({ ...options, bidirectional: true })),
  layerCase("gru with a second product", new GRU({ ...options, resetAfter: false, bidirectional: true })),
];

/** The plan of a case with all gradients. */
async function planOf({ model, inputs, forward }: GradientCase, target: Partial<Target>) {
  const backend = limited(new CpuBackend(), { ...defaultTarget, ...target });
  let seeds: readonly string[] = [];
  const call = {
    inputs: inputs as Readonly<Record<string, { readonly shape: readonly number[] }>>,
    forward: (given: Readonly<Record<string, Tensor>>) => {
      const made = forward(given);
      seeds = Object.keys(made);
      return made;
    },
  };
  const weights = new Weights(backend, model, 0);
  await Program.compile(backend, weights, call);
  return (await Program.compile(backend, weights, { ...call, seeds, gradients: [], parameterGradients: true })).plan;
}

/** The products of a plan that weights' gradients are made of: how many parts, and what they are named. */
async function gradientsOf(given: GradientCase, target: Partial<Target>): Promise<string[]> {
  const { commands } = await planOf(given, target);
  const products = commands.filter(
    (command): command is Dispatch => command.type === "dispatch" && command.kernel.startsWith("matmul"),
  );
  return products
    .filter(({ label }) => label.includes("gradient"))
    .map(({ label, params: [, , , K, kPart] }) => `${label.replace(/^.*(?=weight|W |R |W_hr)/, "")} ${K}/${kPart}`);
}

describe("dispatches", () => {
  const square = { outFeatures: 8, inFeatures: 8 };

  test("are a product and a sum of its parts, which the bias belongs to where it stands right behind the weight", async () => {
    const given = linearCase({ ...square, rows: 30 });
    expect(await gradientsOf(given, {})).toEqual(["weight gradient 30/30"]);
    expect(await gradientsOf(given, inParts(4))).toEqual(["weight gradient 30/8", "weight gradient, sum of parts 4/4"]);
    expect(await gradientsOf(linearCase({ ...square, rows: 30, bias: false }), inParts(4))).toEqual([
      "weight gradient 30/8",
      "weight gradient, sum of parts 4/4",
    ]);
  });

  test("are one more for a bias with a gap before it", async () => {
    const given = linearCase({ outFeatures: 7, inFeatures: 5, rows: 30 });
    const sum = "weight gradient, sum of parts 4/4";
    expect(await gradientsOf(given, inParts(4))).toEqual(["weight gradient 30/8", sum, sum]);
  });

  test("of both directions are those of one", async () => {
    const given = layerCase("lstm", new LSTM({ ...options, bidirectional: true }));
    expect(await gradientsOf(given, inParts(3))).toEqual([
      ...["W gradient 15/5", "W gradient, sum of parts 3/3"],
      ...["R gradient 15/5", "R gradient, sum of parts 3/3"],
    ]);
  });

  test("are as many parts as there are rows, at most", async () => {
    for (const [rows, parts] of [
      [1, 1],
      [3, 3],
      [8, 8],
      [9, 5],
    ] as const) {
      const [first, second] = await gradientsOf(linearCase({ ...square, rows }), inParts(8));
      expect(first).toBe(`weight gradient ${rows}/${Math.ceil(rows / parts)}`);
      expect(second).toBe(parts === 1 ? undefined : `weight gradient, sum of parts ${parts}/${parts}`);
    }
  });

  test("stay whole where the parts would not fit a buffer", async () => {
    const given = linearCase({ ...square, rows: 64 });
    // A part is 8·8 + 8 numbers.
    const most = { ...inParts(64), maxBufferSize: 64 * 72 * 4 };
    expect(await gradientsOf(given, most)).toHaveLength(2);
    expect(await gradientsOf(given, { ...most, maxBufferSize: most.maxBufferSize - 4 })).toEqual([
      "weight gradient 64/64",
    ]);
  });

  test("stay whole on software adapters, and on others where results are many or rows few", async () => {
    const partsOf = async (given: Given, target: Partial<Target> = {}) =>
      (await gradientsOf(linearCase(given), target)).length > 1;
    expect(await partsOf({ ...square, rows: 1024 })).toBe(true);
    expect(await partsOf({ ...square, rows: 1024 }, { software: true })).toBe(false);
    expect(await partsOf({ ...square, rows: 1023 })).toBe(false);
    expect(await partsOf({ outFeatures: 1024, inFeatures: 512, rows: 1024 })).toBe(false);
  });
});

/** On the CPU, and on the GPU as on a software adapter and as on another one, which has the other kernel. */
const machines: Readonly<Record<string, () => Promise<Backend> | Backend>> = {
  "the CPU": () => new CpuBackend(),
  WebAssembly: () => WasmBackend.open(),
  "the GPU, scheduled for a software adapter": () => new GpuBackend(gpu!.device, { software: true }),
  "the GPU, scheduled for a real one": () => new GpuBackend(gpu!.device, { software: false }),
};

describe.each(Object.entries(machines))("on %s, gradients are those of whole products", (name, open) => {
  beforeEach((context) => context.skip(!gpu && name.includes("GPU"), found.reason));

  test.each(layers.map((given) => [given.name, given] as const))("%s", async (_, given) => {
    for (const PARTS of [2, 7]) await againstCpu([limited(await open(), inParts(PARTS))], given);
  });

  test("a layer in chunks of time, which add to each other", async () => {
    const given = layerCase("lstm in chunks", new LSTM({ ...options, bidirectional: true }), 40);
    const few = { maxBufferSize: 8192 };
    const chunks = (await gradientsOf(given, few)).length;
    expect(chunks).toBeGreaterThan(2);
    expect((await gradientsOf(given, { ...few, ...inParts(3) })).length).toBeGreaterThan(chunks);
    await againstCpu([limited(await open(), { ...few, ...inParts(3) })], given);
  });

  test("a weight that is another module's, too, so that its bias stands elsewhere", async () => {
    const first = new Linear({ inFeatures: 4, outFeatures: 4 });
    const second = new Linear({ inFeatures: 4, outFeatures: 4, weight: first.weight });
    const given: GradientCase = {
      name: "tied",
      model: new Parts({ first, second }),
      inputs: { x: { shape: [11, 1, 4] } },
      forward: ({ x }) => ({ y: second.forward(F.tanh(first.forward(x!))) }),
    };
    await againstCpu([limited(await open(), inParts(3))], given);
  });

  test("products of any size", async () => {
    const size = fc.oneof(fc.constantFrom(1, 2, 3, 5, 7, 13, 31, 64, 67, 97), fc.integer({ min: 1, max: 100 }));
    const shape = fc.record({
      outFeatures: size,
      inFeatures: size,
      rows: size,
      uses: fc.integer({ min: 1, max: 2 }),
      bias: fc.boolean(),
      PARTS: fc.integer({ min: 2, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ PARTS, ...given }) =>
        againstCpu([limited(await open(), inParts(PARTS))], linearCase(given)),
      ),
      { seed: 1, numRuns: 12 },
    );
  });
});

describe("a training on the GPU", () => {
  beforeEach((context) => context.skip(!gpu, found.reason));

  const losses = async (target: Partial<Target>): Promise<number[]> => {
    const backend = limited(new GpuBackend(gpu!.device, { software: true, owned: false }), target);
    const options = { optimizer: adam({ lr: 0.01 }), clipNorm: 1, carryState: true };
    const trainer = new Trainer(backend, new Weights(backend, modelOf("lstm", 2), 1), options);
    return lossesOf(trainer, windows(4, 6, 5));
  };

  test("has the same losses with products in parts, and the same bits each time", async () => {
    const [whole, some, again] = [await losses({}), await losses(inParts(5)), await losses(inParts(5))];
    expect(some).toEqual(again);
    for (const [i, loss] of some.entries()) expect(Math.abs(loss / whole[i]! - 1)).toBeLessThan(1e-5);
    expect(whole[3]).toBeLessThan(whole[0]!);
  });
});
