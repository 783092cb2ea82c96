/**
 * Memory does not grow with what a process has done: lengths seen, runtimes opened, steps run. Prints the bytes on the heap
 * and on the device. With STEPS, three hundred lengths, two hundred runtimes and that many steps:
 *
 *   STEPS=20000 npx vitest run test/plan/memory-over-time.test.ts
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { adam, CharModel, type Runtime } from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { openSession, sessionInput } from "../support/quiet-runtime.ts";
import { watch } from "../support/watched-device.ts";

const isLong = process.env.STEPS !== undefined;
const steps = Number(process.env.STEPS ?? 400);
const lengthCount = isLong ? 300 : 90;
const runtimeCount = isLong ? 200 : 60;
const { device, onEach } = await backendsForTests();
const seen = device && watch(device);

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** Bytes that are in use, after a collection: objects, and what they hold outside of the heap. */
async function heap(): Promise<number> {
  // What is freed by finalizers is freed in a turn of its own.
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
/** For what tests, Vitest and compiled code keep; of fewer lengths or runtimes a share, so that one of them may keep no more. */
const noise = 2 * 2 ** 20;

const V = 5;
const model = new CharModel({ vocabSize: V, cell: "rnn_tanh", embeddingDim: 2, hiddenSize: 2 });
const tokens = (T: number, shift: number) => ({
  shape: [T, 1],
  data: Int32Array.from({ length: T }, (_, i) => (i * i + shift) % V),
});
const batch = (T: number) => ({ x: tokens(T, 0), target: tokens(T, 1) });

onEach(({ kind, open }) => {
  const onDevice = (runtime: Runtime) => (kind === "gpu" ? seen!.bytes : runtime.memory().bytes);

  test(`${lengthCount} lengths`, async () => {
    const runtime = await open({ plans: { count: 4 } });
    const trainer = runtime.trainer(model, { optimizer: adam(), carryState: false });
    // The four longest first; then all of them in an order that jumps.
    const longest = Array.from({ length: 4 }, (_, i) => lengthCount - i);
    const lengths = [...longest, ...Array.from({ length: lengthCount }, (_, i) => 1 + ((i * 89) % lengthCount))];
    expect(new Set(lengths).size).toBe(lengthCount);
    const device: number[] = [];
    const used: number[] = [];
    for (const [i, T] of lengths.entries()) {
      for await (const _ of trainer.fit([batch(T)]));
      device.push(onDevice(runtime));
      if ((i + 1) % (lengthCount / 3) === 0) used.push(await heap());
    }
    console.info(
      `${kind}, ${lengthCount} lengths: ${mib(Math.max(...device))} on the device, heap ${used.map(mib).join(", ")}`,
    );
    expect(Math.max(...device.slice(4))).toBeLessThanOrEqual(Math.max(...device.slice(0, 4)));
    expect(used.at(-1)! - used[0]!).toBeLessThan((noise * lengthCount) / 300);
    trainer.dispose();
    expect(runtime.memory().roles.moment ?? 0).toBe(0);
    runtime.dispose();
    if (seen) expect(seen.alive.size).toBe(0);
  });

  test(`${runtimeCount} runtimes`, async () => {
    const used: number[] = [];
    let most = 0;
    for (let i = 0; i < runtimeCount; i++) {
      const runtime = await open();
      await runtime.evaluate(model, [batch(3)]);
      // Compiling for all of them takes long.
      if (i % 5 === 0) {
        for await (const _ of runtime.trainer(model, { optimizer: adam() }).fit([batch(3)]));
        const session = await openSession(runtime, "streams", 1);
        await session.run({ x: sessionInput(1, 0) });
        await runtime.generate(model, { prompt: [1, 2], length: 4, chunk: 2 }).next();
      }
      most = Math.max(most, onDevice(runtime));
      runtime.dispose();
      if (seen) expect(seen.alive.size).toBe(0);
      if ((i + 1) % (runtimeCount / 4) === 0) used.push(await heap());
    }
    console.info(
      `${kind}, ${runtimeCount} runtimes: ${mib(most)} on the device, then 0; heap ${used.map(mib).join(", ")}`,
    );
    expect(used.at(-1)! - used[0]!).toBeLessThan((noise * runtimeCount) / 200);
  });

  test(`${steps} steps`, { timeout: 60_000 + 50 * steps }, async () => {
    const runtime = await open();
    const trainer = runtime.trainer(model, { optimizer: adam(), clipNorm: 1 });
    const used: number[] = [];
    const device: number[] = [];
    const quarter = Math.ceil(steps / 4);
    for (let done = 0; done < 4; done++) {
      const batches = Array.from({ length: 4 }, (_, i) => batch(2 + i));
      for (let i = 0; i < quarter; i += 4) {
        for await (const _ of trainer.fit(batches, { ahead: 2 }));
        await runtime.evaluate(model, batches.slice(0, 1));
      }
      await trainer.stateDict();
      used.push(await heap());
      device.push(onDevice(runtime));
    }
    expect(trainer.steps).toBeGreaterThanOrEqual(steps);
    console.info(
      `${kind}, ${trainer.steps} steps: ${device.map(mib).join(", ")} on the device, heap ${used.map(mib).join(", ")}`,
    );
    expect(device).toEqual(device.map(() => device[0]));
    expect(used.at(-1)! - used[0]!).toBeLessThan(noise);
    runtime.dispose();
    if (seen) expect(seen.alive.size).toBe(0);
  });
});
