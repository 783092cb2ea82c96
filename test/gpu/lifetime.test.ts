/** Ends, good and bad: dispose, divergence, a device that goes away; and generations that run side by side. */
import { beforeEach, describe, expect, test } from "vitest";
import { findNodeAdapter } from "../../src/adapter/node-adapter.ts";
import {
  adam,
  type Batch,
  CharModel,
  DeviceLostError,
  DisposedError,
  DivergedError,
  type GenerateOptions,
  Runtime,
  type StateDict,
  sgd,
  type Tensor,
} from "../../src/node.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";

const { device, found, onEach } = await backendsForTests();

const V = 6;
const modelOf = () => new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize: 5 });
const tokens = (shift: number) => ({
  shape: [4, 3],
  data: Int32Array.from({ length: 12 }, (_, i) => (i * i + shift) % V),
});
const batches = (count: number): Batch[] =>
  Array.from({ length: count }, (_, i) => ({ x: tokens(i), target: tokens(i + 1), resetState: false }));

async function drawn(runtime: Runtime, model: CharModel, options: GenerateOptions): Promise<number[]> {
  const all: number[] = [];
  for await (const { tokens: chunk } of runtime.generate(model, options)) all.push(...chunk);
  return all;
}

/**
 * A rate that no weights survive, in float32 and in float64. Relaxed SIMD rounds a product and its sum once, so that a product beyond
 * float32 does not make NaN of an infinite sum: there weights of 1e27 have finite losses.
 */
const vast = { gpu: 1e30, wasm: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY } as const;

onEach(({ kind, open }) => {
  test("a trainer that was disposed refuses, and leaves the weights", async () => {
    const runtime = await open();
    const model = modelOf();
    const trainer = runtime.trainer(model, { optimizer: adam() });
    for await (const _ of trainer.fit(batches(2)));
    const saved = await trainer.stateDict();
    const before = await runtime.stateDict(model);
    trainer.dispose();
    trainer.dispose();
    for (const use of [
      () => trainer.fit(batches(1)),
      () => trainer.stateDict(),
      () => trainer.resetState(),
      () => trainer.loadStateDict(saved, 2),
    ]) {
      const error = await errorOf(use);
      expect(error).toBeInstanceOf(DisposedError);
      expect(String(error)).toMatch(/the trainer was disposed; make a new one with runtime.trainer/);
    }
    expect(await runtime.stateDict(model)).toEqual(before);
    runtime.dispose();
  });

  test("a trainer that is disposed while it trains stops with the same error", async () => {
    const runtime = await open();
    const trainer = runtime.trainer(modelOf(), { optimizer: adam() });
    const error = await errorOf(async () => {
      for await (const { step } of trainer.fit(batches(9))) if (step === 2) trainer.dispose();
    });
    expect(error).toBeInstanceOf(DisposedError);
    runtime.dispose();
  });

  test("a runtime that was disposed refuses, and so does all that it made", async () => {
    const runtime = await Runtime.open({ backend: kind }); // on a device of its own
    const model = modelOf();
    const trainer = runtime.trainer(model, { optimizer: adam() });
    for await (const _ of trainer.fit(batches(1)));
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [2, 1], dtype: "i32" } },
      forward: ({ x }): Record<string, Tensor> => ({ logits: model.forward(x!).logits }),
    });
    const generation = runtime.generate(model, { prompt: [1], length: 20, chunk: 4 });
    await generation.next();
    const dict = await runtime.stateDict(model);
    runtime.dispose();
    runtime.dispose();
    // A device of the runtime's own goes with it: that is not a loss.
    if (kind === "gpu") await runtime.lost;
    const uses: readonly (() => unknown)[] = [
      () => runtime.trainer(model, { optimizer: adam() }),
      () => runtime.initialize(model),
      () => runtime.initialize(modelOf()),
      () => runtime.stateDict(model),
      () => runtime.loadStateDict(model, dict),
      () => runtime.evaluate(model, batches(1)),
      () => runtime.generate(model, { prompt: [1], length: 1 }),
      () => runtime.compile(model, { inputs: {}, forward: () => ({}) }),
      () => trainer.fit(batches(1)),
      () => trainer.stateDict(),
      () => generation,
      () => program.run({ x: { shape: [2, 1], data: new Int32Array(2) } }),
    ];
    for (const use of uses) expect(await errorOf(use), String(use)).toBeInstanceOf(DisposedError);
  });

  test("a program that was disposed refuses", async () => {
    const runtime = await open();
    const model = modelOf();
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [2, 1], dtype: "i32" } },
      forward: ({ x }): Record<string, Tensor> => ({ logits: model.forward(x!).logits }),
    });
    program.dispose();
    const error = await errorOf(() => program.run({ x: { shape: [2, 1], data: new Int32Array(2) } }));
    expect(error).toBeInstanceOf(DisposedError);
    expect(String(error)).toMatch(/the program was disposed; compile it again/);
    runtime.dispose();
  });

  test("divergence names its step, forbids saving, and is over when a good state is loaded", async () => {
    const runtime = await open();
    const model = modelOf();
    const good = runtime.trainer(model, { optimizer: sgd({ lr: 0.1 }) });
    for await (const _ of good.fit(batches(3)));
    const saved = await good.stateDict();
    good.dispose();

    const trainer = runtime.trainer(model, {
      optimizer: sgd({ lr: 0.1 }),
      schedule: { lrAt: (step) => (step === 5 ? vast[kind] : 1) },
    });
    trainer.loadStateDict(saved, 3);
    const reported: number[] = [];
    const error = await errorOf(async () => {
      for await (const { step } of trainer.fit(batches(12))) reported.push(step);
    });
    expect(error).toBeInstanceOf(DivergedError);
    // The sixth step has a vast rate, the seventh the weights that it left.
    expect((error as DivergedError).step).toBe(7);
    expect(reported).toEqual([4, 5, 6]);
    expect((error as Error).message).toMatch(
      /training diverged in step 7: loss .*, gradient norm .*, learning rate 0\.1; go back to the last checkpoint with a smaller learning rate or a clipNorm/,
    );
    for (const use of [() => trainer.fit(batches(1)), () => trainer.stateDict(), () => trainer.resetState()])
      expect(await errorOf(use)).toBe(error);

    trainer.loadStateDict(saved, 10);
    const losses: number[] = [];
    for await (const { step, loss } of trainer.fit(batches(3))) {
      losses.push(loss);
      expect(step).toBe(10 + losses.length);
    }
    expect(losses.every(Number.isFinite)).toBe(true);
    expect((await trainer.stateDict())["carry.h"]!.data.every(Number.isFinite)).toBe(true);
    runtime.dispose();
  });

  test("a state from before the first step takes the carried state of a diverged training with it", async () => {
    const runtime = await open();
    const model = modelOf();
    const trainer = runtime.trainer(model, {
      optimizer: sgd({ lr: 0.1 }),
      schedule: { lrAt: (step) => (step === 9 ? vast[kind] : 1) },
    });
    const fresh = await trainer.stateDict();
    expect(Object.keys(fresh).filter((name) => name.startsWith("carry."))).toEqual([]);
    const first: number[] = [];
    for await (const { loss } of trainer.fit(batches(3))) first.push(loss);
    expect(await errorOf(() => trainer.fit(batches(12)))).toBeInstanceOf(DivergedError);
    trainer.loadStateDict(fresh, 0);
    const again: number[] = [];
    for await (const { loss } of trainer.fit(batches(3))) again.push(loss);
    expect(again).toEqual(first);
    runtime.dispose();
  });

  test("saving while steps are under way waits for them, and refuses when one of them diverged", async () => {
    const runtime = await open();
    const trainer = runtime.trainer(modelOf(), {
      optimizer: sgd({ lr: 0.1 }),
      schedule: { lrAt: (step) => (step === 1 ? vast[kind] : 1) },
    });
    for await (const { step } of trainer.fit(batches(9), { ahead: 3 })) {
      // The third step is on its way.
      expect(step).toBe(1);
      const error = await errorOf(() => trainer.stateDict());
      expect(error).toBeInstanceOf(DivergedError);
      expect((error as DivergedError).step).toBe(3);
      break;
    }
    runtime.dispose();
  });

  test("generations of one model side by side do not disturb each other", async () => {
    const runtime = await open();
    const model = modelOf();
    const settings = [
      { prompt: [1], length: 24, chunk: 4, seed: 1 },
      { prompt: [3, 4], length: 24, chunk: 4, seed: 2 },
      { prompt: [5], length: 24, chunk: 4, temperature: 0 },
    ];
    const alone: number[][] = [];
    for (const options of settings) alone.push(await drawn(runtime, model, options));
    expect(await Promise.all(settings.map((options) => drawn(runtime, model, options)))).toEqual(alone);
    // One that was left in the middle does not get in the way either.
    for await (const _ of runtime.generate(model, settings[0]!)) break;
    await runtime.generate(model, settings[1]!).next();
    expect(await drawn(runtime, model, settings[2]!)).toEqual(alone[2]);
    runtime.dispose();
  });

  test("a generation stops when it is told to, and does not depend on how it is cut into chunks", async () => {
    const runtime = await open();
    const model = modelOf();
    const stop = new AbortController();
    const chunks: number[] = [];
    for await (const { tokens: chunk } of runtime.generate(model, {
      prompt: [1],
      length: 100,
      chunk: 4,
      signal: stop.signal,
    })) {
      chunks.push(chunk.length);
      if (chunks.length === 3) stop.abort();
    }
    expect(chunks).toEqual([4, 4, 4]);
    const options = { prompt: [1, 2, 3, 4, 5], length: 22, seed: 5 };
    const whole = await drawn(runtime, model, { ...options, chunk: 64 });
    expect(whole).toHaveLength(22);
    for (const chunk of [1, 2, 5, 22]) expect(await drawn(runtime, model, { ...options, chunk })).toEqual(whole);
    // With states: each token's, and the tokens are the same.
    const rows: number[] = [];
    const traced: number[] = [];
    for await (const { tokens: chunk, trace } of runtime.generate(model, { ...options, chunk: 5, trace: true })) {
      traced.push(...chunk);
      expect(trace!.h!.shape).toEqual([chunk.length, 1, 5]);
      rows.push(...trace!.h!.data);
    }
    expect(traced).toEqual(whole);
    // The state that a token was drawn from is the model's after all tokens before it.
    const read = [...options.prompt, ...whole.slice(0, -1)];
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [read.length, 1], dtype: "i32" } },
      forward: ({ x }): Record<string, Tensor> => ({ h: model.rnn.forward(model.embedding.forward(x!)).output }),
    });
    const { h } = await program.run({ x: { shape: [read.length, 1], data: Int32Array.from(read) } });
    const expected = h!.data.slice((options.prompt.length - 1) * 5);
    expect(rows.length).toBe(expected.length);
    expect(Math.max(...rows.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
    runtime.dispose();
  });
});

describe("a device", () => {
  beforeEach((context) => context.skip(!device, found.reason));

  test("that was given stays open when the runtime is disposed", async () => {
    const runtime = await Runtime.open({ device: device! });
    runtime.initialize(modelOf());
    runtime.dispose();
    const again = await Runtime.open({ device: device! });
    expect(await drawn(again, modelOf(), { prompt: [1], length: 3, chunk: 4 })).toHaveLength(3);
    again.dispose();
  });

  test("that goes away in a step on several batches fails that step, and nothing else", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const fragile = await (await findNodeAdapter()).adapter!.requestDevice();
    const runtime = await Runtime.open({ device: fragile });
    const trainer = runtime.trainer(modelOf(), { optimizer: adam() });
    await trainer.step(...batches(3));
    const steps = [trainer.step(...batches(3)), trainer.gradients(...batches(2)), trainer.step(...batches(2))];
    fragile.destroy();
    for (const step of steps) expect(await errorOf(() => step)).toBeInstanceOf(DeviceLostError);
    expect(await errorOf(() => trainer.step(...batches(2)))).toBeInstanceOf(DeviceLostError);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    runtime.dispose();
  });

  test("that goes away in mid-training is reported, and training goes on in a new runtime from the last state", async () => {
    const model = modelOf();
    const whole = await Runtime.open({ device: device! });
    whole.initialize(model, { seed: 1 });
    const expected: number[] = [];
    for await (const { loss } of whole.trainer(model, { optimizer: adam() }).fit(batches(8))) expected.push(loss);
    whole.dispose();

    const fragile = await (await findNodeAdapter()).adapter!.requestDevice();
    const runtime = await Runtime.open({ device: fragile });
    runtime.initialize(model, { seed: 1 });
    const trainer = runtime.trainer(model, { optimizer: adam() });
    let saved: StateDict = {};
    let step = 0;
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(batches(4))) losses.push(loss);
    saved = await trainer.stateDict();
    step = trainer.steps;
    const error = await errorOf(async () => {
      for await (const report of trainer.fit(batches(12).slice(4))) if (report.step === 5) fragile.destroy();
    });
    expect(error).toBeInstanceOf(DeviceLostError);
    expect((error as Error).message).toMatch(
      /the GPU device was lost: it was destroyed; open a new Runtime and load the last checkpoint/,
    );
    expect(await runtime.lost).toBeInstanceOf(DeviceLostError);
    for (const use of [
      () => trainer.fit(batches(1)),
      () => trainer.stateDict(),
      () => runtime.stateDict(model),
      () => runtime.evaluate(model, batches(1)),
      () => runtime.generate(model, { prompt: [1], length: 2 }),
      () => runtime.initialize(modelOf()),
    ])
      expect(await errorOf(use), String(use)).toBeInstanceOf(DeviceLostError);
    runtime.dispose();

    const next = await Runtime.open({ device: device! });
    const resumed = next.trainer(model, { optimizer: adam() });
    resumed.loadStateDict(saved, step);
    for await (const { loss } of resumed.fit(batches(8).slice(4))) losses.push(loss);
    expect(losses).toEqual(expected);
    next.dispose();
  });
});
