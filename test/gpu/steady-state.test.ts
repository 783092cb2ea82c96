/** From the second replay on the device is asked for nothing but the replay: a watched device counts its calls. */
import { beforeEach, describe, expect, test } from "vitest";
import { adam, type Batch, CharModel, cosine, Runtime } from "../../src/index.ts";
import { adapterForTests } from "../support/environment.ts";
import { watch } from "../support/watched-device.ts";

const { device, found } = await adapterForTests();
beforeEach((context) => context.skip(!device, found.reason));
const seen = device ? watch(device) : (undefined as never);
const runtime = device ? await Runtime.open({ device }) : (undefined as never);

const V = 9;
const modelOf = () => new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 5, hiddenSize: 6, numLayers: 2 });

function* batches(T: number, B: number, more: Partial<Batch> = {}): Generator<Batch> {
  for (let step = 0; ; step++) {
    const tokens = (shift: number) => ({
      shape: [T, B],
      data: Int32Array.from({ length: T * B }, (_, i) => (step + i * 5 + shift) % V),
    });
    yield { x: tokens(0), target: tokens(1), resetState: false, ...more };
  }
}

async function count(work: AsyncIterable<unknown>): Promise<number> {
  let n = 0;
  for await (const _ of work) n++;
  return n;
}

/** Of two layers, in the order in which plans meet them. */
const states = ["carry.h 0", "carry.h 1", "carry.c 0", "carry.c 1"];

const times = <T>(n: number, items: readonly T[]): T[] => Array.from({ length: n }, () => items).flat();

describe("training", () => {
  test("makes nothing after the first step, submits once a step, writes the batch and the scalars, reads the ring", async () => {
    const trainer = runtime.trainer(modelOf(), { optimizer: adam(), clipNorm: 1, schedule: cosine({ steps: 50 }) });
    await count(trainer.fit(batches(4, 3), { steps: 1 }));
    expect(seen.made.get("createBuffer")).toBeGreaterThan(0);
    seen.reset();
    expect(await count(trainer.fit(batches(4, 3), { steps: 25 }))).toBe(25);
    expect([...seen.made]).toEqual([]);
    expect(seen.submits).toBe(25);
    expect(seen.encoders).toBe(25);
    expect(seen.written).toEqual(times(25, ["x", "target", "hyper"]));
    expect(seen.reads).toBe(25);
    trainer.dispose();
  });

  test("writes the carried states as well when they are to be reset", async () => {
    const trainer = runtime.trainer(modelOf(), { optimizer: adam() });
    await count(trainer.fit(batches(4, 3), { steps: 1 }));
    seen.reset();
    await count(trainer.fit(batches(4, 3, { resetState: true }), { steps: 2 }));
    expect(seen.written).toEqual(times(2, [...states, "x", "target", "hyper"]));
    seen.reset();
    // One row of two layers.
    await count(trainer.fit(batches(4, 3, { resetState: [1] }), { steps: 1 }));
    expect(seen.written).toEqual([...states, "x", "target", "hyper"]);
    expect([...seen.made]).toEqual([]);
    trainer.dispose();
  });

  test("compiles once for each shape of a batch", async () => {
    const trainer = runtime.trainer(modelOf(), { optimizer: adam() });
    await count(trainer.fit(batches(4, 3), { steps: 2 }));
    await count(trainer.fit(batches(3, 3), { steps: 2 }));
    seen.reset();
    for (const T of [4, 3, 4]) await count(trainer.fit(batches(T, 3), { steps: 2 }));
    expect([...seen.made]).toEqual([]);
    trainer.dispose();
  });

  test("reads everything only when it is asked for a state dict", async () => {
    const trainer = runtime.trainer(modelOf(), { optimizer: adam() });
    await count(trainer.fit(batches(4, 3), { steps: 2 }));
    seen.reset();
    await trainer.stateDict();
    expect(seen.made.get("createBuffer")).toBe(1); // staging for weights, moments and states, freed at once
    expect([seen.submits, seen.reads, seen.written.length]).toEqual([1, 1, 0]);
    trainer.dispose();
  });

  test("cuts a long sequence into submits, and makes nothing then either", async () => {
    const model = new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize: 4 });
    const trainer = runtime.trainer(model, { optimizer: adam() });
    const T = 2100;
    await count(trainer.fit(batches(T, 1), { steps: 1 }));
    seen.reset();
    await count(trainer.fit(batches(T, 1), { steps: 2 }));
    const dispatches = 2 * T + 16; // one of them packs R
    expect(seen.submits).toBe(2 * Math.ceil(dispatches / 4096));
    expect([...seen.made]).toEqual([]);
    trainer.dispose();
  });
});

describe("generation", () => {
  test("makes nothing after the first chunk, and submits and reads once a chunk", async () => {
    const model = modelOf();
    const options = { prompt: [1, 2, 3], length: 38, chunk: 8, topK: 5, topP: 0.9, seed: 3 };
    await count(runtime.generate(model, { ...options, length: 1 }));
    seen.reset();
    expect(await count(runtime.generate(model, options))).toBe(5);
    expect([...seen.made]).toEqual([]);
    // One more for the prompt, which is read as a sequence.
    expect(seen.submits).toBe(6);
    expect(seen.reads).toBe(5);
    const ring = (layer: number) => `ring of carry.h ${layer}`;
    const rings = [ring(0), ring(1), `${ring(0)}, cell states`, `${ring(1)}, cell states`];
    expect(seen.written).toEqual([...rings, "prompt", "steps", "tokens", ...times(5, ["settings"])]);
    // Other settings are numbers, not pipelines.
    await count(runtime.generate(model, { ...options, temperature: 0, topK: 0, topP: 1, seed: 4 }));
    expect([...seen.made]).toEqual([]);
  });

  test("brings the states back in the same read", async () => {
    const model = modelOf();
    const options = { prompt: [1], length: 24, chunk: 8, trace: true };
    await count(runtime.generate(model, { ...options, length: 8 }));
    seen.reset();
    await count(runtime.generate(model, options));
    expect([...seen.made]).toEqual([]);
    expect(seen.reads).toBe(3);
  });
});

describe("evaluation", () => {
  test("makes nothing the second time, and writes the batch and the state at the beginning", async () => {
    const model = modelOf();
    const endless = batches(4, 3);
    const three = Array.from({ length: 3 }, () => endless.next().value as Batch);
    await runtime.evaluate(model, three);
    seen.reset();
    await runtime.evaluate(model, three);
    expect([...seen.made]).toEqual([]);
    expect(seen.submits).toBe(3);
    expect(seen.reads).toBe(3);
    expect(seen.written).toEqual([...states, ...times(3, ["x", "target"])]);
  });
});

test("the watch sees what is made, written, read and destroyed", async () => {
  seen.reset();
  const before = seen.bytes;
  const buffer = device!.createBuffer({
    label: "watched",
    size: 16,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  device!.queue.writeBuffer(buffer, 0, new Float32Array(4));
  device!.queue.submit([device!.createCommandEncoder().finish()]);
  await buffer.mapAsync(GPUMapMode.READ);
  expect(seen.bytes).toBe(before + 16);
  buffer.destroy();
  expect(seen.bytes).toBe(before);
  expect([[...seen.made], seen.written, seen.submits, seen.encoders, seen.reads]).toEqual([
    [["createBuffer", 1]],
    ["watched"],
    1,
    1,
    1,
  ]);
});
