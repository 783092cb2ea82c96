/** A plan that could not be loaded, for want of memory: nothing is lost, and the next call tries again. */
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { adam, CharModel, LimitError, Runtime, type TensorData } from "../../src/index.ts";

const runtime = await Runtime.open({ backend: "cpu" });
afterAll(() => runtime.dispose());
afterEach(() => {
  vi.restoreAllMocks();
});

const failOnce = () => vi.spyOn(CpuBackend.prototype, "load").mockRejectedValueOnce(new LimitError("out of memory"));
const model = () => new CharModel({ vocabSize: 5, cell: "gru", embeddingDim: 2, hiddenSize: 3 });
const tokens = (first: number): TensorData => ({
  shape: [4, 2],
  data: Int32Array.from({ length: 8 }, (_, i) => (first + i) % 5),
});
const batches = (count: number) => Array.from({ length: count }, (_, i) => ({ x: tokens(i), target: tokens(i + 1) }));

test("training", async () => {
  const losses = async (fails: boolean) => {
    const trainer = runtime.trainer(model(), { optimizer: adam() });
    if (fails) {
      failOnce();
      await expect(trainer.fit(batches(3)).next()).rejects.toThrow(LimitError);
      expect(trainer.steps).toBe(0);
    }
    const seen: number[] = [];
    for await (const { loss } of trainer.fit(batches(3))) seen.push(loss);
    return seen;
  };
  expect(await losses(true)).toEqual(await losses(false));
});

test("evaluation", async () => {
  const evaluated = model();
  const expected = await runtime.evaluate(evaluated, batches(2));
  const again = model();
  runtime.loadStateDict(again, await runtime.stateDict(evaluated));
  failOnce();
  await expect(runtime.evaluate(again, batches(2))).rejects.toThrow(LimitError);
  expect(await runtime.evaluate(again, batches(2))).toEqual(expected);
});

test("generation", async () => {
  const drawn = model();
  const draw = async () => {
    const all: number[] = [];
    for await (const { tokens } of runtime.generate(drawn, { prompt: [1], length: 6, seed: 1 })) all.push(...tokens);
    return all;
  };
  failOnce();
  await expect(draw()).rejects.toThrow(LimitError);
  expect(await draw()).toHaveLength(6);
});

test("a program", async () => {
  const compiled = model();
  const compile = () =>
    runtime.compile(compiled, {
      inputs: { x: { shape: [4, 2], dtype: "i32" } },
      forward: ({ x }) => ({ logits: compiled.forward(x!).logits }),
    });
  failOnce();
  await expect(compile()).rejects.toThrow(LimitError);
  const { logits } = await (await compile()).run({ x: tokens(0) });
  expect(logits!.shape).toEqual([4, 2, 5]);
});

test("a session", async () => {
  const streams = model();
  const open = () => runtime.session(streams, { inputs: { x: { shape: [1, 2], dtype: "i32" } }, streams: 2 });
  const x = { shape: [1, 2], data: Int32Array.of(1, 2) };
  const before = runtime.memory().roles;
  failOnce();
  await expect(open()).rejects.toThrow(LimitError);
  expect(runtime.memory().roles.state).toBe(before.state);
  const { logits } = await (await open()).run({ x });
  expect(logits!.shape).toEqual([1, 2, 5]);
});
