/** Operations that overlap, one case for each fault that the random sequences of interleavings.test.ts found. */
import { afterEach, expect, test, vi } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { InitialStates } from "../../src/infer/initial-states.ts";
import { adam, BusyError, CharModel, DisposedError, LimitError, Runtime, type StateDict } from "../../src/node.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";
import { batchOf, compile, evaluate, models, openSession, sessionInput } from "../support/quiet-runtime.ts";

const { onEach } = await backendsForTests();
afterEach(() => {
  vi.restoreAllMocks();
});
const nothing = { bytes: 0, roles: {}, models: [] };

onEach(({ open }) => {
  test("batches are measured with the same weights, or the evaluation is refused", async () => {
    const runtime = await open();
    runtime.initialize(models.lstm, { seed: 1 });
    const other = await runtime.stateDict(models.lstm);
    const batches = function* (change: number) {
      for (let i = 0; i < 4; i++) {
        if (i === change) runtime.loadStateDict(models.lstm, other);
        yield batchOf("lstm", i);
      }
    };
    const expected = await evaluate(runtime, "lstm", [0, 1, 2, 3]);
    runtime.initialize(models.lstm, { seed: 2 });
    const error = await errorOf(() => runtime.evaluate(models.lstm, batches(2)));
    expect(error).toBeInstanceOf(BusyError);
    expect(String(error)).toContain("evaluate: the weights changed while it ran");
    // Before the first batch is as before the evaluation.
    runtime.initialize(models.lstm, { seed: 2 });
    expect(await runtime.evaluate(models.lstm, batches(0))).toEqual(expected);
    runtime.dispose();
  });

  test("an evaluation that waits for another one when the model is released is refused, and keeps nothing", async () => {
    const runtime = await open();
    const first = errorOf(() => evaluate(runtime, "lstm", [0]));
    const second = errorOf(() => evaluate(runtime, "lstm", [1]));
    runtime.release(models.lstm);
    await first;
    expect(await second).toBeInstanceOf(DisposedError);
    expect(runtime.memory()).toEqual(nothing);
    runtime.dispose();
  });

  test("a model that is released while plans are loaded gets no memory after that", async () => {
    const runtime = await open();
    const training = runtime.trainer(models.lstm, { optimizer: adam() });
    const underWay = [
      errorOf(() => training.fit([batchOf("lstm", 0)])),
      errorOf(() => evaluate(runtime, "lstm", [1])),
      errorOf(() => runtime.generate(models.lstm, { prompt: [1, 2], length: 4, chunk: 2 })),
      errorOf(() => compile(runtime, "lstm")),
    ];
    runtime.release(models.lstm);
    for (const error of await Promise.all(underWay)) if (error) expect(error).toBeInstanceOf(DisposedError);
    expect(runtime.memory()).toEqual(nothing);
    runtime.dispose();
  });

  test("a session that is opened while its model is released does not disturb others", async () => {
    const runtime = await open();
    const opening = errorOf(() => openSession(runtime, "learned streams", 1));
    runtime.release(models["learned streams"]);
    await opening;
    expect(runtime.memory()).toEqual(nothing);
    const session = await openSession(runtime, "streams", 1);
    expect((await session.run({ x: sessionInput(1, 0) })).y!.shape).toEqual([1, 2, 2]);
    runtime.dispose();
  });

  test("what is made for a model that is released and used again meanwhile is not of the new weights", async () => {
    const runtime = await open();
    const compiling = compile(runtime, "gru").catch((error) => error);
    runtime.release(models.gru);
    runtime.initialize(models.gru, { seed: 7 });
    const program = await compiling;
    const error = program instanceof Error ? program : await errorOf(() => program.run({ x: batchOf("gru", 0).x }));
    expect(error).toBeInstanceOf(DisposedError);
    runtime.release(models.gru);
    expect(runtime.memory()).toEqual(nothing);
    runtime.dispose();
  });
});

test("a prompt is read with the weights of one moment", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const model = new CharModel({ vocabSize: 6, cell: "gru", embeddingDim: 3, hiddenSize: 4 });
  const options = { prompt: Array.from({ length: 70 }, (_, i) => i % 6), length: 20, temperature: 0, trace: true };
  const dicts: StateDict[] = [];
  const alone = [];
  for (const seed of [1, 2]) {
    runtime.initialize(model, { seed });
    dicts.push(await runtime.stateDict(model));
    alone.push((await runtime.generate(model, options).next()).value);
  }
  runtime.release(model);
  runtime.loadStateDict(model, dicts[0]!);
  // 64 tokens are read by one plan, the last few by another; the weights change when that is loaded.
  const { load } = CpuBackend.prototype;
  let prompts = 0;
  vi.spyOn(CpuBackend.prototype, "load").mockImplementation(function (this: CpuBackend, plan, ...more) {
    if (plan.name === "prompt" && ++prompts === 2) runtime.loadStateDict(model, dicts[1]!);
    return load.call(this, plan, ...more);
  });
  const { value } = await runtime.generate(model, options).next();
  expect(prompts).toBe(2);
  expect(alone[0]).not.toEqual(alone[1]);
  expect(value).toEqual(alone[1]);
  runtime.dispose();
});

test("streams that could not begin anew say so at the next call", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const session = await openSession(runtime, "learned streams", 1);
  const x = sessionInput(1, 0);
  await session.run({ x });
  const before = await session.state();
  vi.spyOn(InitialStates.prototype, "read").mockRejectedValue(new LimitError("no memory"));
  session.reset();
  expect(await errorOf(() => session.run({ x }))).toBeInstanceOf(LimitError);
  session.reset();
  await new Promise((resolve) => setTimeout(resolve));
  expect(await errorOf(() => session.run({ x }))).toBeInstanceOf(LimitError);
  expect(await session.state()).toEqual(before);
  vi.restoreAllMocks();
  session.reset();
  await session.run({ x });
  runtime.dispose();
});
