/** Threads of the WebAssembly backend: the same bits as one thread, and a worker that fails costs a step and no more. */
import { afterEach, expect, test } from "vitest";
import { adam, CharModel, crossEntropy, LSTM, Runtime } from "../../src/node.ts";
import { setWorkerStarter, type WorkerStarter, workerStarter } from "../../src/wasm/start-worker.ts";

const real = workerStarter()!;
afterEach(() => setWorkerStarter(real));
const workers = (change: (code: string) => string): WorkerStarter => ({
  processors: 2,
  start: (code) => real.start(change(code)),
});

const numbers = (shape: readonly number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i + 0.3 * i)),
});

/** Runs something until its threads are at work, at most for a while. */
async function untilThreads(runtime: Runtime, threads: number, run: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + 20_000;
  while (runtime.info().threads !== threads && performance.now() < end) await run();
  expect(runtime.info().threads).toBe(threads);
}

/** A call that is divided by rows, by columns, or not at all. */
const calls = [
  { T: 3, B: 33, H: 129 },
  { T: 3, B: 64, H: 64 },
  { T: 2, B: 1, H: 600 },
  { T: 4, B: 2, H: 5 },
];

test.each([2, 3])("%i threads have the results of one, bit for bit", async (threads) => {
  const outputs: unknown[] = [];
  for (const count of [1, threads]) {
    const runtime = await Runtime.open({ backend: "wasm", threads: count });
    const models = calls.map(({ H }) => new LSTM({ inputSize: H, hiddenSize: H, bidirectional: true }));
    const predict = (i: number) => runtime.predict(models[i]!, numbers([calls[i]!.T, calls[i]!.B, calls[i]!.H]));
    await untilThreads(runtime, count, () => predict(0));
    const made: number[][] = [];
    for (const i of calls.keys()) made.push([...(await predict(i)).output.data]);
    outputs.push(made);
    runtime.dispose();
  }
  expect(outputs[1]).toEqual(outputs[0]);
});

test("training on threads is that on one, bit for bit", async () => {
  const [T, B, V] = [9, 24, 30];
  const tokens = (seed: number) => ({
    shape: [T, B],
    data: Int32Array.from({ length: T * B }, (_, i) => (i * 7 + seed + (i >> 3)) % V),
  });
  const results: unknown[] = [];
  for (const threads of [1, 2]) {
    const runtime = await Runtime.open({ backend: "wasm", threads });
    const model = new CharModel({ vocabSize: V, embeddingDim: 64, hiddenSize: 128 });
    const warm = new LSTM({ inputSize: 300, hiddenSize: 300 });
    await untilThreads(runtime, threads, () => runtime.predict(warm, numbers([1, 32, 300])));
    const loss = ({ logits }: { logits: never }, target: never) => crossEntropy().apply(logits, target);
    const trainer = runtime.trainer(model, { optimizer: adam(), carryState: false, loss: loss as never });
    const losses: number[] = [];
    for (let i = 0; i < 12; i++) losses.push((await trainer.step({ x: tokens(i), target: tokens(i + 1) })).loss);
    results.push({ losses, weights: await runtime.stateDict(model) });
    runtime.dispose();
  }
  expect(results[1]).toEqual(results[0]);
});

test("workers that never start are waited for by nobody", async () => {
  setWorkerStarter(workers(() => "const start = () => {};"));
  const runtime = await Runtime.open({ backend: "wasm", threads: 2 });
  const model = new LSTM({ inputSize: 128, hiddenSize: 128 });
  const { output } = await runtime.predict(model, numbers([2, 40, 128]));
  expect(output.data.every(Number.isFinite)).toBe(true);
  expect(runtime.info().threads).toBe(1);
  runtime.dispose();
});

test("a worker that fails is told once, and what follows runs on one thread", async () => {
  // Its functions are not there when they are called.
  setWorkerStarter(workers((code) => code.replace(/functions\.push\(/, "[].push(")));
  const runtime = await Runtime.open({ backend: "wasm", threads: 2 });
  const alone = await Runtime.open({ backend: "wasm", threads: 1 });
  const model = new LSTM({ inputSize: 128, hiddenSize: 128 });
  const x = numbers([2, 40, 128]);
  const end = performance.now() + 20_000;
  let told: unknown;
  while (told === undefined && performance.now() < end)
    told = await runtime.predict(model, x).then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(String(told)).toMatch(/WebAssembly's threads: a worker failed; .* runs on one thread/);
  expect(runtime.info().threads).toBe(1);
  expect((await runtime.predict(model, x)).output).toEqual((await alone.predict(model, x)).output);
  runtime.dispose();
  alone.dispose();
});

test("threads that cannot be had, or are no number, are refused", async () => {
  await expect(Runtime.open({ backend: "wasm", threads: 0 })).rejects.toThrow(/threads/);
  await expect(Runtime.open({ backend: "wasm", threads: 1.5 })).rejects.toThrow(/threads/);
  for (const backend of ["cpu", "gpu"] as const)
    await expect(Runtime.open({ backend, threads: 2 })).rejects.toThrow(/only WebAssembly shares work among threads/);
  setWorkerStarter(undefined as never);
  await expect(Runtime.open({ backend: "wasm", threads: 2 })).rejects.toThrow(/memory cannot be shared here/);
  const runtime = await Runtime.open({ backend: "wasm" });
  expect(runtime.info().threads).toBe(1);
  runtime.dispose();
});
