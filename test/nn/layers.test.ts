/** What the layers around recurrent ones compute, against numbers from elsewhere, on GPU and CPU. */
import "../support/all-commands.ts";
import { describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { lengthMask, maskRows, sequenceMask } from "../../src/graph/ops/mask.ts";
import { Dropout, functional as F, LayerNorm, Linear, type Tensor } from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { countPlan } from "../../src/plan/count-plan.ts";
import type { StateDict } from "../../src/tensor-data.ts";
import { backendsForTests } from "../support/backends.ts";
import { type Inputs, only, Parts } from "../support/gradient-check.ts";

const { onEach, onFloat32 } = await backendsForTests();

interface Call {
  readonly model?: Parts;
  readonly inputs: StateDict;
  readonly forward: (inputs: Inputs) => Readonly<Record<string, Tensor>>;
  readonly training?: boolean;
}

const compile = (backend: Backend, { model, inputs, forward, training }: Call) => {
  const described = Object.entries(inputs).map(([name, { shape, data }]) => {
    return [name, { shape, dtype: data instanceof Int32Array ? "i32" : "f32" }] as const;
  });
  const weights = new Weights(backend, model ?? new Parts({ part: new Linear({ inFeatures: 1, outFeatures: 1 }) }), 1);
  return Program.compile(backend, weights, {
    inputs: Object.fromEntries(described),
    forward,
    training: training === true,
  });
};
const floats = (shape: readonly number[], ...data: number[]) => ({ shape, data: Float32Array.from(data) });
const whole = (shape: readonly number[], ...data: number[]) => ({ shape, data: Int32Array.from(data) });

onEach(({ backend }) => {
  const run = async (call: Call, seed?: number) =>
    (await compile(backend, call)).run({ ...call.inputs, ...(seed !== undefined && { seed: whole([1], seed) }) });

  test("gelu is x·Φ(x) to rounding", async () => {
    // Computed with 40 digits.
    const known = [
      [-6, -5.9195258702261885e-9],
      [-3, -0.0040496940948902835],
      [-1.5, -0.1002108019032871],
      [-0.5, -0.15426876936299344],
      [-0.01, -0.004960106436853684],
      [0, 0],
      [0.25, 0.14967658142073093],
      [1, 0.8413447460685429],
      [2.5, 2.4844758366855597],
      [5, 4.999998566742141],
    ] as const;
    const inputs = { x: floats([10], ...known.map(([x]) => x)) };
    const { y } = await run({ inputs, forward: ({ x }) => ({ y: F.gelu(x!) }) });
    known.forEach(([x, expected], i) => {
      expect(Math.abs(y!.data[i]! - expected)).toBeLessThan(Math.max(4e-7 * Math.abs(x), 1e-30));
    });
    expect(y!.data[0]! / known[0][1]).toBeCloseTo(1, 4);
  });

  test("NaN stays NaN in activations and in the largest over time", async () => {
    const inputs = { x: floats([3, 1, 2], 1, Number.NaN, Number.NaN, 2, 3, 1) };
    const { largest, ...others } = await run({
      inputs,
      forward: ({ x }) => ({
        gelu: F.gelu(x!),
        tanh: F.tanh(x!),
        sigmoid: F.sigmoid(x!),
        relu: F.relu(x!),
        largest: F.maxPool(x!),
      }),
    });
    for (const { data } of Object.values(others))
      expect(Array.from(data, Number.isNaN)).toEqual([false, true, true, false, false, false]);
    expect(Array.from(largest!.data)).toEqual([Number.NaN, Number.NaN]);
  });

  test("activations of large numbers are finite", async () => {
    const inputs = { x: floats([4], -1e30, -90, 90, 1e30) };
    const forward = ({ x }: Inputs) => ({
      gelu: F.gelu(x!),
      tanh: F.tanh(x!),
      sigmoid: F.sigmoid(x!),
      softmax: F.softmax(x!),
    });
    const { gelu, tanh, sigmoid, softmax } = await run({ inputs, forward });
    expect(Array.from(gelu!.data, (n) => Math.fround(n) + 0)).toEqual([0, 0, 90, Math.fround(1e30)]);
    expect(Array.from(tanh!.data, Math.fround)).toEqual([-1, -1, 1, 1]);
    expect(Array.from(sigmoid!.data, (n) => Math.round(n * 1e6) / 1e6)).toEqual([0, 0, 1, 1]);
    expect(Array.from(softmax!.data)).toEqual([0, 0, 0, 1]);
  });

  test("pools pass over steps that are not real, and give 0 where there is none", async () => {
    const inputs = {
      x: floats([3, 2, 2], 1, -2, 5, 5, 3, -4, 6, 6, 100, 100, 7, 7),
      lengths: whole([2], 2, 0),
      mask: whole([3, 2], 1, 0, 0, 1, 1, 1),
    };
    const y = await run({
      inputs,
      forward({ x, lengths, mask }) {
        const real = { lengths: lengths! };
        return {
          mean: F.meanPool(x!, real),
          max: F.maxPool(x!, real),
          last: F.lastPool(x!, real),
          holes: F.meanPool(x!, { mask: mask! }),
          all: F.lastPool(x!),
        };
      },
    });
    expect(Object.fromEntries(Object.entries(y).map(([name, { data }]) => [name, Array.from(data)]))).toEqual({
      mean: [2, -3, 0, 0],
      max: [3, -2, 0, 0],
      last: [3, -4, 0, 0],
      holes: [50.5, 49, 6.5, 6.5],
      all: [100, 100, 7, 7],
    });
  });

  test("layer norm, of torch.nn.LayerNorm's formula", async () => {
    const norm = new LayerNorm({ normalizedShape: 4, eps: 0 });
    // Mean 5, biased variance 5.
    const call = { model: only(norm) as Parts, inputs: { x: floats([1, 4], 2, 4, 6, 8) } };
    const { y } = await run({ ...call, forward: ({ x }) => ({ y: norm.forward(x!) }) });
    y!.data.forEach((value, i) => {
      expect(value).toBeCloseTo((2 * i - 3) / Math.sqrt(5), 6);
    });
  });

  test("a linear layer's tokens are its one-hot vectors", async () => {
    const part = new Linear({ inFeatures: 3, outFeatures: 5 });
    const y = await run({
      model: only(part) as Parts,
      inputs: { tokens: whole([4], 2, 0, 2, 1), hot: floats([4, 3], 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0) },
      forward: ({ tokens, hot }) => ({ gathered: part.forward(tokens!), product: part.forward(hot!) }),
    });
    y.gathered!.data.forEach((value, i) => {
      expect(value).toBeCloseTo(y.product!.data[i]!, 6);
    });
  });

  test("dropout hands its input on when it is not training", async () => {
    const drop = new Dropout({ p: 0.9 });
    const call = { model: only(drop) as Parts, inputs: { x: floats([3], 1, 2, 3) } };
    const program = await compile(backend, { ...call, forward: ({ x }) => ({ y: drop.forward(x!) }) });
    expect(Array.from((await program.run(call.inputs)).y!.data)).toEqual([1, 2, 3]);
    expect(countPlan(program.plan).dispatches).toBe(0);
  });

  test("dropout keeps 1 - p of the numbers, others with another seed and at the next use, the same ones again", async () => {
    const drop = new Dropout({ p: 0.25 });
    const N = 4096;
    const call: Call = {
      model: only(drop) as Parts,
      inputs: { x: floats([N], ...new Array<number>(N).fill(3)) },
      training: true,
      forward: ({ x }) => ({ first: drop.forward(x!), second: drop.forward(x!) }),
    };
    const [one, again, other] = [await run(call, 1), await run(call, 1), await run(call, 2)];
    for (const { data } of [one.first!, one.second!, other.first!]) {
      const kept = data.filter((value) => value !== 0);
      expect(Math.abs(kept.length / N - 0.75)).toBeLessThan(0.03);
      expect(new Set(kept)).toEqual(new Set([4]));
    }
    const equal = (a: Iterable<number>, b: ArrayLike<number>) => [...a].filter((value, i) => value === b[i]).length / N;
    expect(equal(one.first!.data, again.first!.data)).toBe(1);
    // Two independent masks agree in 0.75² + 0.25² of the places.
    expect(Math.abs(equal(one.first!.data, one.second!.data) - 0.625)).toBeLessThan(0.04);
    expect(Math.abs(equal(one.first!.data, other.first!.data) - 0.625)).toBeLessThan(0.04);
  });

  test("variational dropout drops the same units in all steps", async () => {
    const drop = new Dropout({ variational: true });
    const [T, units] = [5, 64];
    const call = {
      model: only(drop) as Parts,
      training: true,
      inputs: { x: floats([T, 4, 16], ...new Array<number>(T * units).fill(1)) },
      forward: ({ x }: Inputs) => ({ y: drop.forward(x!) }),
    };
    const { y } = await run(call, 3);
    const step = Array.from(y!.data.subarray(0, units));
    expect(new Set(step)).toEqual(new Set([0, 2]));
    for (let t = 1; t < T; t++) expect(Array.from(y!.data.subarray(t * units, (t + 1) * units))).toEqual(step);
  });
});

onFloat32(({ backend }) =>
  test("the same numbers are dropped as by the twins", async () => {
    const drop = new Dropout({ p: 0.7 });
    const call: Call = {
      model: only(drop) as Parts,
      inputs: { x: floats([999], ...new Array<number>(999).fill(1)) },
      training: true,
      forward: ({ x }) => ({ y: drop.forward(x!) }),
    };
    const seed = whole([1], -77);
    const [got, expected] = await Promise.all(
      [backend, new CpuBackend()].map(
        async (b) => (await (await compile(b, call)).run({ ...call.inputs, seed })).y!.data,
      ),
    );
    expect(Array.from(got!, (value) => value !== 0)).toEqual(Array.from(expected!, (value) => value !== 0));
  }),
);

describe("dispatches", () => {
  const count = async (forward: Call["forward"], inputs: StateDict, model?: Parts) => {
    const program = await compile(new CpuBackend(), { inputs, forward, ...(model && { model }) });
    return countPlan(program.plan).perKernel;
  };
  const x = floats([3, 2, 2], ...new Array<number>(12).fill(0));

  test("lengths make one mask, however many layers read it; a mask makes none", async () => {
    const forward = ({ x: rows, lengths }: Inputs) => ({
      a: maskRows("a", rows!, lengthMask("mask", lengths!, 3)),
      b: maskRows("b", rows!, sequenceMask("test", { lengths: lengths! }, 3, 2)!),
      c: F.meanPool(rows!, { lengths: lengths! }),
    });
    expect(await count(forward, { x, lengths: whole([2], 1, 1) })).toEqual({
      "sequence-mask": 1,
      "mask-rows": 2,
      pool: 1,
    });
    const masked = ({ x: rows, mask }: Inputs) => ({ y: F.maxPool(rows!, { mask: mask! }) });
    expect(await count(masked, { x, mask: whole([3, 2], 1, 1, 1, 1, 1, 1) })).toEqual({ pool: 1 });
  });

  test("one for a layer norm and for tokens in a linear layer; a join takes one for each part", async () => {
    const norm = new LayerNorm({ normalizedShape: 2 });
    const linear = new Linear({ inFeatures: 4, outFeatures: 2 });
    const forward = ({ x: rows, tokens }: Inputs) => ({
      y: F.concat([norm.forward(rows!), linear.forward(tokens!)]),
    });
    const model = new Parts({ norm, linear });
    expect(await count(forward, { x, tokens: whole([3, 2], 0, 0, 0, 0, 0, 0) }, model)).toEqual({
      "layer-norm": 1,
      "column-gather": 1,
      "strided-copy": 2,
    });
  });
});
