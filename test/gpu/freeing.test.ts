/** What is disposed gives its memory back: a watched device knows which buffers are alive. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adam, type Batch, CharModel, Runtime, type Tensor } from "../../src/node.ts";
import { adapterForTests } from "../support/environment.ts";
import { watch } from "../support/watched-device.ts";

const { device, found } = await adapterForTests();
beforeEach((context) => context.skip(!device, found.reason));
const seen = device ? watch(device) : (undefined as never);

const V = 7;
const modelOf = () => new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 4, hiddenSize: 6, numLayers: 2 });

function batches(count: number, T = 4): Batch[] {
  const tokens = (shift: number) => ({
    shape: [T, 3],
    data: Int32Array.from({ length: T * 3 }, (_, i) => (i * i + shift) % V),
  });
  return Array.from({ length: count }, (_, i) => ({ x: tokens(i), target: tokens(i + 1) }));
}

async function drain(work: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of work);
}

let runtime: Runtime;
let model: CharModel;
beforeEach(async () => {
  if (!device) return;
  expect(seen.alive.size).toBe(0);
  runtime = await Runtime.open({ device });
  model = modelOf();
});
afterEach(async () => {
  if (!device) return;
  runtime.dispose();
  // Commands that were submitted keep what they use until they are done.
  await device.queue.onSubmittedWorkDone();
  expect([...seen.alive].map(({ label }) => label)).toEqual([]);
});

/** Makes, uses and disposes of something several times: memory is as after the first time. */
async function expectGivesBack(use: () => Promise<{ dispose(): void }>): Promise<void> {
  const after: number[] = [];
  for (let i = 0; i < 4; i++) {
    const made = await use();
    const inUse = seen.bytes;
    made.dispose();
    made.dispose();
    await device!.queue.onSubmittedWorkDone();
    expect(seen.bytes).toBeLessThan(inUse);
    after.push(seen.bytes);
  }
  expect(after).toEqual(after.map(() => after[0]));
}

const programOf = (training: boolean) =>
  runtime.compile(model, {
    inputs: { x: { shape: [5, 2], dtype: "i32" } },
    forward: ({ x }): Record<string, Tensor> => ({ logits: model.forward(x!).logits }),
    ...(training && { seeds: ["logits"], parameterGradients: true }),
  });

describe("memory is given back by", () => {
  test("a trainer, with all shapes that it has seen and its carried state", async () => {
    await expectGivesBack(async () => {
      const trainer = runtime.trainer(model, { optimizer: adam(), clipNorm: 1 });
      for (const T of [4, 3]) await drain(trainer.fit(batches(3, T)));
      await trainer.stateDict();
      return trainer;
    });
  });

  test("a trainer that never took a step, and one that was left in the middle", async () => {
    await expectGivesBack(async () => {
      const unused = runtime.trainer(model, { optimizer: adam() });
      const trainer = runtime.trainer(model, { optimizer: adam(), carryState: false });
      for await (const { step } of trainer.fit(batches(9))) if (step % 9 === 2) break;
      unused.dispose();
      return trainer;
    });
  });

  test.each([
    ["forward", false],
    ["with gradients", true],
  ])("a program, %s", async (_, training) => {
    await expectGivesBack(async () => {
      const program = await programOf(training);
      const gradient = { shape: [5, 2, V], data: new Float32Array(10 * V) };
      const x = { shape: [5, 2], data: new Int32Array(10) };
      await program.run(training ? ({ x, "gradient.logits": gradient } as never) : { x });
      return program;
    });
  });

  test("a program that was compiled and never run", async () => {
    await expectGivesBack(() => programOf(false));
  });

  test("a runtime, whatever runs when it ends", async () => {
    const trainer = runtime.trainer(model, { optimizer: adam() });
    await drain(trainer.fit(batches(2)));
    await programOf(true);
    await drain(runtime.generate(model, { prompt: [1, 2], length: 9, chunk: 4, trace: true }));
    await runtime.generate(modelOf(), { prompt: [1], length: 9, chunk: 4 }).next();
    await runtime.evaluate(model, batches(2));
    await runtime.evaluate(model, batches(2), { carryState: false });
    const underWay = [runtime.stateDict(model), trainer.stateDict(), runtime.evaluate(model, batches(3))];
    runtime.dispose();
    await Promise.allSettled(underWay);
  });

  test("a runtime in the middle of training", async () => {
    const trainer = runtime.trainer(model, { optimizer: adam() });
    const failed = drain(
      (async function* () {
        for await (const report of trainer.fit(batches(9))) {
          if (report.step === 2) runtime.dispose();
          yield report;
        }
      })(),
    );
    await expect(failed).rejects.toThrow(/disposed/);
  });
});
