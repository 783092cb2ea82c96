/** A device that has no memory left, and errors of whoever shares it: what fails is told where it fails, and all else goes on. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findNodeAdapter } from "../../src/adapter/node-adapter.ts";
import { adam, CharModel, LimitError, Runtime } from "../../src/node.ts";
import { errorOf } from "../support/mistakes.ts";
import { shortOfMemory } from "../support/short-of-memory.ts";

const found = await findNodeAdapter();
beforeEach((context) => context.skip(!found.adapter, found.reason));

let device: GPUDevice;
const uncaught: string[] = [];
// A runtime that opens its device gets this test's.
vi.mock("../../src/adapter/open-device.ts", async (original) => ({
  ...(await original<object>()),
  openDevice: async () => ({ device, info: found.info, reason: "a test's", candidates: [] }),
}));
beforeEach(async () => {
  device = await (await findNodeAdapter()).adapter!.requestDevice();
  uncaught.length = 0;
  device.addEventListener("uncapturederror", (event) => uncaught.push(event.error.message));
});
afterEach(() => device.destroy());

const V = 7;
const modelOf = (hiddenSize = 5) => new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize });
const tokens = (T: number, B: number, shift: number) => ({
  shape: [T, B],
  data: Int32Array.from({ length: T * B }, (_, i) => (i * i + shift) % V),
});
const batch = (T: number, i = 0, B = 2) => ({ x: tokens(T, B, i), target: tokens(T, B, i + 1) });
const losses = async (trainer: ReturnType<Runtime["trainer"]>, T: number, count = 3) => {
  const seen: number[] = [];
  if (count === 0) return seen;
  for await (const { loss } of trainer.fit(Array.from({ length: count }, (_, i) => batch(T, i)))) seen.push(loss);
  return seen;
};

describe.each(["given", "opened by the runtime"])("a device that was %s", (how) => {
  const open = () => Runtime.open(how === "given" ? { device } : { backend: "gpu" });

  test.each([0, 12])("a batch that does not fit is refused, a smaller one is not, after %s steps", async (before) => {
    const memory = shortOfMemory(device);
    const runtime = await open();
    const model = modelOf();
    const alone = runtime.trainer(model, { optimizer: adam() });
    const expected = [...(await losses(alone, 4, before)), ...(await losses(alone, 4))];
    alone.dispose();
    runtime.initialize(model);
    const trainer = runtime.trainer(model, { optimizer: adam() });
    const seen = await losses(trainer, 4, before);
    const inUse = runtime.memory();
    memory.most = 9000;
    const error = await errorOf(() => trainer.fit([batch(300)]));
    expect(error).toBeInstanceOf(LimitError);
    expect(String(error)).toMatch(
      /plan "train" does not fit into the GPU's memory: no \d+ bytes.*choose a smaller batch/,
    );
    expect(runtime.memory().bytes).toBeLessThanOrEqual(inUse.bytes);
    expect([...seen, ...(await losses(trainer, 4))]).toEqual(expected);
    if (before > 0) expect(runtime.memory()).toEqual(inUse);
    memory.most = Number.POSITIVE_INFINITY;
    expect(await losses(trainer, 300, 1)).toHaveLength(1);
    expect(uncaught).toEqual([]);
    runtime.dispose();
  });

  test("scratch memory that could not grow does not stay for those who share it", async () => {
    const memory = shortOfMemory(device);
    const runtime = await open();
    const trainer = runtime.trainer(modelOf(), { optimizer: adam(), carryState: false });
    const loss = async (B: number) => {
      let last = Number.NaN;
      for await (const report of trainer.fit([batch(4, 0, B)])) last = report.loss;
      return last;
    };
    const first = await loss(96);
    memory.most = Math.max(
      ...[...memory.asked].filter(([label]) => label.startsWith("scratch")).map(([, size]) => size),
    );
    expect(memory.most).toBe(Math.max(...memory.asked.values()));
    expect(String(await errorOf(() => loss(97)))).toMatch(
      /does not fit into the GPU's memory: no \d+ bytes for scratch/,
    );
    expect(await loss(96)).toBeLessThan(first);
    expect(uncaught).toEqual([]);
    runtime.dispose();
  });

  test("a model that does not fit is refused where it is used, and others go on", async () => {
    const memory = shortOfMemory(device);
    const runtime = await open();
    const small = runtime.trainer(modelOf(), { optimizer: adam() });
    await losses(small, 4);
    const inUse = runtime.memory();
    memory.most = 20_000;
    const large = modelOf(64);
    runtime.initialize(large, { seed: 3 });
    const uses: readonly (() => unknown)[] = [
      () => runtime.stateDict(large),
      () => runtime.evaluate(large, [batch(2)]),
      () => runtime.generate(large, { prompt: [1], length: 2 }),
      () => runtime.trainer(large, { optimizer: adam() }).fit([batch(2)]),
    ];
    // At once, while nobody knows yet, and later.
    for (const errors of [await Promise.all(uses.map(errorOf)), [await errorOf(uses[0]!), await errorOf(uses[1]!)]]) {
      for (const [i, error] of errors.entries()) {
        expect(error, String(uses[i])).toBeInstanceOf(LimitError);
        expect(String(error)).toMatch(
          /the GPU has no memory for .* of CharModel 2: no \d+ bytes.*release other models/,
        );
      }
    }
    expect(await losses(small, 4)).toHaveLength(3);
    runtime.release(large);
    expect(runtime.memory()).toEqual(inUse);
    memory.most = Number.POSITIVE_INFINITY;
    expect(await losses(runtime.trainer(large, { optimizer: adam() }), 4)).toHaveLength(3);
    expect(await losses(small, 4)).toHaveLength(3);
    expect(uncaught).toEqual([]);
    runtime.dispose();
  });
});

test("errors of the user's own commands are the user's", async () => {
  const runtime = await Runtime.open({ device });
  const trainer = runtime.trainer(modelOf(), { optimizer: adam() });
  const mistakes = [
    () => device.queue.writeBuffer(buffer, 0, new Float32Array(9)),
    () => device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] }),
    () => device.createBuffer({ size: 4, usage: 0 }),
  ];
  const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST });
  const layout = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } }],
  });
  for (const mistake of mistakes) {
    mistake();
    const training = losses(trainer, 4);
    mistake();
    expect(await training).toHaveLength(3);
    mistake();
    expect(await errorOf(() => trainer.stateDict())).toBeUndefined();
  }
  // In a scope of the user's, around what the library does: the scope has the user's error and nothing else.
  device.pushErrorScope("validation");
  mistakes[0]!();
  expect(await losses(trainer, 3)).toHaveLength(3);
  expect((await device.popErrorScope())?.message).toContain("writeBuffer".slice(5));
  expect(uncaught.length).toBeGreaterThanOrEqual(6);
  runtime.dispose();
});
