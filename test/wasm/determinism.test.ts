/** A seed gives the same training on WebAssembly, bit for bit: again, in another process, and whatever happens beside it. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { adam, CharModel, DisposedError, GRU, Runtime } from "../../src/index.ts";
import { trainOnce } from "./train-once.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const open = () => Runtime.open({ backend: "wasm" });
const expected = await trainOnce(await open());

test("twice in one process, in a new runtime and in one that was used before", async () => {
  const runtime = await open();
  expect(await trainOnce(runtime)).toBe(expected);
  expect(await trainOnce(runtime)).toBe(expected);
  runtime.dispose();
});

test("in another process", () => {
  const arguments_ = [path("../../scripts/run-ts.mjs"), path("train-once.ts"), "--print"];
  const said = execFileSync(process.execPath, arguments_, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  expect(said.trim()).toBe(expected);
});

test("while the memory grows, and what was loaded is bound anew", async () => {
  const runtime = await open();
  const sizes: number[] = [];
  const result = await trainOnce(runtime, (step) => {
    // The memory grows by 4 MiB, or a quarter.
    if (step % 2 === 0) runtime.initialize(new GRU({ inputSize: 600 + 100 * step, hiddenSize: 700 }));
    sizes.push(runtime.memory().bytes);
  });
  expect(result).toBe(expected);
  expect(sizes.at(-1)).toBeGreaterThan(30 * 2 ** 20);
  runtime.dispose();
});

test("beside other models, whose scratch memory and workspaces are other ones", async () => {
  const runtime = await open();
  const other = new CharModel({ vocabSize: 11, cell: "gru", embeddingDim: 20, hiddenSize: 70, numLayers: 2 });
  const trainer = runtime.trainer(other, { optimizer: adam(), seed: 77 });
  const batch = (T: number) => {
    const x = { shape: [T, 8], data: Int32Array.from({ length: 8 * T }, (_, i) => (i * 5) % 11) };
    return { x, target: x };
  };
  const beside: Promise<unknown>[] = [];
  const result = await trainOnce(runtime, (step) => {
    // The last one is under way when its model goes, and the next finds none.
    beside.push(
      trainer.step(batch(5 + 7 * step)).then(
        () => "done",
        (error: unknown) => error,
      ),
    );
    if (step === 4) runtime.release(other);
  });
  expect(result).toBe(expected);
  const ends = await Promise.all(beside);
  expect(ends.slice(0, 3)).toEqual(["done", "done", "done"]);
  expect(ends.at(-1)).toBeInstanceOf(DisposedError);
  runtime.dispose();
});

test("and another seed gives another one", async () => {
  const runtime = await open();
  const { initialize } = runtime;
  runtime.initialize = (model) => initialize.call(runtime, model, { seed: 12 });
  expect(await trainOnce(runtime)).not.toBe(expected);
  runtime.dispose();
});
