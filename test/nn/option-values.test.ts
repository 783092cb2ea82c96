/** What options and defaults do, in numbers: two ways of computing that share a mistake would not show it. */
import { afterAll, expect, test } from "vitest";
import { additiveScores } from "../../src/graph/ops/attention.ts";
import { dropout } from "../../src/graph/ops/dropout.ts";
import {
  addLosses,
  crossEntropy,
  Dropout,
  functional,
  huber,
  LSTM,
  l1,
  MinGRU,
  MinLSTM,
  Module,
  MultiplicativeAttention,
  Recurrent,
  Runtime,
  type StateDict,
  smoothL1,
  type Tensor,
  type TensorData,
} from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { inventedCells } from "../support/invented-cells.ts";

const runtime = await Runtime.open({ backend: "cpu" });
afterAll(() => runtime.dispose());

const numbers = (shape: number[], of: string): TensorData => ({
  shape,
  data: new Numbers(of).floats(shape.reduce((a, b) => a * b, 1)),
});

/** What `forward` gives for these inputs; i32 where they are whole numbers. */
async function valuesOf(
  model: Module,
  inputs: Readonly<Record<string, TensorData>>,
  forward: (given: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>,
  training = false,
): Promise<StateDict> {
  const specs = Object.entries(inputs).map(([name, { shape, data }]) => [
    name,
    { shape, dtype: data instanceof Int32Array ? "i32" : "f32" } as const,
  ]);
  const program = await runtime.compile(model, { inputs: Object.fromEntries(specs), forward, training });
  const seed = training ? { seed: { shape: [1], data: Int32Array.of(7) } } : {};
  const values = await program.run({ ...inputs, ...seed } as never);
  program.dispose();
  return values;
}

/** The greatest difference from a mix of two others. */
function farFrom(mix: (a: number, b: number) => number, y: TensorData, a: TensorData, b: TensorData): number {
  expect([a.shape, b.shape]).toEqual([y.shape, y.shape]);
  return Math.max(...Array.from(y.data, (value, i) => Math.abs(value - mix(a.data[i]!, b.data[i]!))));
}

class Empty extends Module {
  forward(): void {}
}

test.each([
  [{ h: 0.25 }, 0.25, 0],
  [{ c: 0.5 }, 0, 0.5],
] as const)("zoneout of one state leaves the other as it is: %j", async (zoneout, rateH, rateC) => {
  const size = { inputSize: 3, hiddenSize: 4 };
  const [plain, zoned] = [new LSTM(size), new LSTM({ ...size, zoneout })];
  runtime.initialize(plain, { seed: 3 });
  runtime.loadStateDict(zoned, await runtime.stateDict(plain));
  const given = { x: numbers([1, 2, 3], "x"), h0: numbers([1, 2, 4], "h"), c0: numbers([1, 2, 4], "c") };
  const final = (model: LSTM) =>
    valuesOf(model, given, ({ x, h0, c0 }) => ({ ...model.forward(x!, { h: h0!, c: c0! }).state }));
  const [a, b] = [await final(zoned), await final(plain)];
  // The expectation of what training does; h is computed from the c that is kept.
  expect(farFrom((old, next) => rateC * old + (1 - rateC) * next, a.c!, given.c0, b.c!)).toBeLessThan(1e-6);
  if (rateC > 0) return;
  expect(farFrom((old, next) => rateH * old + (1 - rateH) * next, a.h!, given.h0, b.h!)).toBeLessThan(1e-6);
});

test("weights start uniform in ±1/√H", async () => {
  const model = new LSTM({ inputSize: 8, hiddenSize: 16 });
  runtime.initialize(model, { seed: 1 });
  for (const [name, { data }] of Object.entries(await runtime.stateDict(model))) {
    const [least, most] = [Math.min(...data), Math.max(...data)];
    expect(least, name).toBeGreaterThanOrEqual(-0.25);
    expect(most, name).toBeLessThanOrEqual(0.25);
    expect([least < -0.2, most > 0.2], name).toEqual([true, true]);
  }
});

test("a cell without R has no weights for it", async () => {
  const cell = inventedCells.find(({ recurrent }) => !recurrent)!;
  const model = new Recurrent({ cell, inputSize: 2, hiddenSize: 3 });
  expect(Object.keys(await runtime.stateDict(model))).toEqual(["weight_ih_l0", "bias_ih_l0", "u_l0"]);
});

test("each use of a Dropout draws by itself, and each step other units", async () => {
  const model = new Dropout({ p: 0.5 });
  const x = { shape: [8, 1, 32], data: new Float32Array(256).fill(1) };
  const forward = ({ x: given }: Readonly<Record<string, Tensor>>) => ({
    first: model.forward(given!),
    second: model.forward(given!),
    between: dropout("between layers", given!, 0.5),
    same: dropout("same for all steps", given!, 0.5, true),
  });
  const { first, second, between, same } = await valuesOf(model, { x }, forward, true);
  for (const y of [first!, second!, between!, same!]) {
    expect(new Set(y.data)).toEqual(new Set([0, 2]));
  }
  expect(first).not.toEqual(second);
  const steps = ({ data }: TensorData) =>
    new Set(Array.from({ length: 8 }, (_, t) => data.slice(32 * t, 32 * t + 32).join()));
  expect(steps(between!).size).toBe(8);
  expect(steps(first!).size).toBe(8);
  expect(steps(same!).size).toBe(1);
});

test("noise and lengths together: nothing comes of steps that are not real", async () => {
  const model = new LSTM({ inputSize: 2, hiddenSize: 8, recurrentDropout: 0.3, zoneout: 0.2 });
  const given = { x: numbers([4, 3, 2], "x"), lengths: { shape: [3], data: Int32Array.of(1, 4, 2) } };
  const forward = ({ x, lengths }: Readonly<Record<string, Tensor>>) => {
    const { output, state } = model.forward(x!, undefined, { lengths: lengths! });
    return { y: output, h: state.h };
  };
  const { y, h } = await valuesOf(model, given, forward, true);
  for (const [b, length] of given.lengths.data.entries()) {
    const row = (t: number) => [...y!.data.slice((t * 3 + b) * 8, (t * 3 + b + 1) * 8)];
    expect(row(length - 1)).toEqual([...h!.data.slice(b * 8, b * 8 + 8)]);
    for (let t = 0; t < 4; t++)
      expect(
        row(t).some((value) => value !== 0),
        `row ${b}, step ${t}`,
      ).toBe(t < length);
  }
});

test.each([
  ["MinGRU", MinGRU],
  ["MinLSTM", MinLSTM],
] as const)("tokens of a %s stand for one-hot vectors", async (_, Layer) => {
  const model = new Layer({ inputSize: 4, hiddenSize: 3 });
  const tokens = { shape: [3, 2], data: Int32Array.of(0, 3, 2, 1, 3, 3) };
  const vectors = {
    shape: [3, 2, 4],
    data: Float32Array.from({ length: 24 }, (__, i) => Number(tokens.data[Math.floor(i / 4)] === i % 4)),
  };
  const { byToken, byVector } = await valuesOf(model, { tokens, vectors }, (given) => ({
    byToken: model.forward(given.tokens!).output,
    byVector: model.forward(given.vectors!).output,
  }));
  expect(farFrom((a) => a, byToken!, byVector!, byVector!)).toBeLessThan(1e-6);
  const gradients = async (x: TensorData, dtype: "i32" | "f32") => {
    const program = await runtime.compile(model, {
      inputs: { x: { shape: x.shape, dtype } },
      forward: (all) => ({ y: model.forward(all.x!).output }),
      seeds: ["y"],
      parameterGradients: true,
    });
    // Twice: what a run leaves in the gradients is not added to.
    for (let i = 0; ; i++) {
      const values = await program.run({ x, "gradient.y": numbers([3, 2, 3], "gradient") } as never);
      if (i === 1) return values as StateDict;
    }
  };
  const [some, others] = [await gradients(tokens, "i32"), await gradients(vectors, "f32")];
  for (const name of ["grad.weight_ih_l0", "grad.bias_ih_l0"]) {
    expect(some[name]!.data.some((value) => value !== 0)).toBe(true);
    expect(
      farFrom((a) => a, some[name]!, others[name]!, others[name]!),
      name,
    ).toBeLessThan(1e-6);
  }
});

test("a residual layer gives its output and what went into it, added", async () => {
  const both = new MinGRU({ inputSize: 3, hiddenSize: 3, numLayers: 2, residual: true });
  const dict = await runtime.stateDict(both);
  const [first, second] = await Promise.all(
    [0, 1].map(async (layer) => {
      const one = new MinGRU({ inputSize: 3, hiddenSize: 3 });
      const names = Object.keys(dict).filter((name) => name.endsWith(`_l${layer}`));
      const own = Object.fromEntries(names.map((name) => [name.replace(`_l${layer}`, "_l0"), dict[name]!]));
      runtime.loadStateDict(one, own);
      return one;
    }),
  );
  const x = numbers([4, 2, 3], "x");
  const { y } = await valuesOf(both, { x }, (given) => ({ y: both.forward(given.x!).output }));
  const { y: below } = await valuesOf(first!, { x }, (given) => ({ y: first!.forward(given.x!).output }));
  const { y: above } = await valuesOf(second!, { x: below! }, (given) => ({ y: second!.forward(given.x!).output }));
  expect(farFrom((a, b) => a + b, y!, above!, below!)).toBeLessThan(1e-6);
});

test("additive scores give the gradients by some inputs that they give by all", async () => {
  const given = { q: numbers([3, 2, 4], "q"), k: numbers([5, 2, 4], "k"), v: numbers([4], "v") };
  const gradients = async (wanted: readonly string[]): Promise<StateDict> => {
    const program = await runtime.compile(new Empty(), {
      inputs: { q: { shape: [3, 2, 4] }, k: { shape: [5, 2, 4] }, v: { shape: [4] } },
      forward: ({ q, k, v }) => ({ scores: additiveScores("scores", q!, k!, v!) }),
      seeds: ["scores"],
      gradients: wanted,
    });
    // Also rows of gradients that nobody asked for need their room: 24 numbers, or a larger place that is free.
    const places = program.plan.buffers.filter(({ role, length }) => role === "scratch" && length >= 24);
    const placeOf = (what: string) => places.find(({ name }) => name.split(" | ").includes(what));
    if (wanted.includes("v")) expect(placeOf("scores v")).toBeDefined();
    if (wanted.includes("v") && !wanted.includes("q")) {
      expect(placeOf("unused")).toBeDefined();
      expect(placeOf("unused")).not.toBe(placeOf("scores v"));
    }
    return program.run({ ...given, "gradient.scores": numbers([3, 2, 5], "gradient") } as never);
  };
  const all = await gradients(["q", "k", "v"]);
  for (const wanted of [["v"], ["k", "v"], ["q"], ["k"], ["q", "v"]]) {
    const some = await gradients(wanted);
    for (const name of wanted) expect(some[`grad.${name}`], `${name} of ${wanted}`).toEqual(all[`grad.${name}`]);
  }
});

test("scores of attention are scaled where that is chosen", () => {
  const size = { querySize: 9, keySize: 9 };
  for (const score of ["dot", "general"] as const) {
    expect(new MultiplicativeAttention({ ...size, score }).scale).toBe(1);
    expect(new MultiplicativeAttention({ ...size, score, scale: false }).scale).toBe(1);
    expect(new MultiplicativeAttention({ ...size, score, scale: true }).scale).toBe(1 / 3);
  }
});

test("what a loss is a mean over: a sum counts 1", async () => {
  const given = {
    logits: numbers([3, 4], "logits"),
    target: { shape: [3], data: Int32Array.of(1, -100, 0) },
    goal: numbers([3, 4], "goal"),
    mask: { shape: [3], data: Int32Array.of(1, 1, 0) },
  };
  const values = await valuesOf(new Empty(), given, ({ logits, target, goal, mask }) => ({
    classes: crossEntropy().apply(logits!, target!).count,
    "classes, sum": crossEntropy({ reduction: "sum" }).apply(logits!, target!).count,
    numbers: l1().apply(logits!, goal!, { mask: mask! }).count,
    "numbers, sum": l1({ reduction: "sum" }).apply(logits!, goal!, { mask: mask! }).count,
  }));
  expect(Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, data[0]]))).toEqual({
    classes: 2,
    "classes, sum": 1,
    numbers: 2,
    "numbers, sum": 1,
  });
});

test("a loss that is only measured has no room for gradients", async () => {
  const shape = [5, 8];
  const compile = (seeds: readonly string[]) =>
    runtime.compile(new Empty(), {
      inputs: { output: { shape }, target: { shape } },
      forward: ({ output, target }) => ({ loss: l1().apply(output!, target!).loss }),
      seeds,
      gradients: seeds.length > 0 ? ["output"] : [],
    });
  const large = ({ plan }: Awaited<ReturnType<typeof compile>>) =>
    plan.buffers.filter(({ role, length }) => role === "scratch" && length >= 40).length;
  expect(large(await compile([]))).toBe(0);
  expect(large(await compile(["loss"]))).toBeGreaterThan(0);
});

test("losses of two numbers", async () => {
  const output = { shape: [2], data: Float32Array.of(0.5, -3) };
  const target = { shape: [2], data: Float32Array.of(0, 0) };
  const values = await valuesOf(new Empty(), { output, target }, (given) => {
    const loss = (of: ReturnType<typeof l1>) => of.apply(given.output!, given.target!).loss;
    return {
      l1: loss(l1()),
      sum: loss(l1({ reduction: "sum" })),
      smooth: loss(smoothL1()),
      "smooth, 2": loss(smoothL1({ beta: 2 })),
      "smooth, 0": loss(smoothL1({ beta: 0 })),
      huber: loss(huber()),
      "huber, 2": loss(huber({ delta: 2 })),
      "one added": addLosses([loss(l1())]),
      "one with a weight": addLosses([loss(l1())], [3]),
      "three added": addLosses([loss(l1()), loss(huber()), loss(l1())], [1, 2, 4]),
    };
  });
  expect(Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, data[0]]))).toEqual({
    l1: 1.75,
    sum: 3.5,
    smooth: 1.3125,
    "smooth, 2": 1.03125,
    "smooth, 0": 1.75,
    huber: 1.3125,
    "huber, 2": 2.0625,
    "one added": 1.75,
    "one with a weight": 5.25,
    "three added": 11.375,
  });
});

test("an output may be an input, or another output", async () => {
  const x = { shape: [2], data: Float32Array.of(1, -2) };
  const values = await valuesOf(new Empty(), { x, z: x }, (given) => {
    const y = functional.add(given.x!, given.z!);
    return { same: given.x!, y, again: y };
  });
  expect(Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, [...data]]))).toEqual({
    same: [1, -2],
    y: [2, -4],
    again: [2, -4],
  });
});
