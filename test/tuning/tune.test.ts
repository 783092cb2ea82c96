/** Tuning: what it asks, checks, times, takes and keeps. A double has a clock of its own, so that no test depends on a time. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import {
  adam,
  CharModel,
  DisposedError,
  Embedding,
  LSTM,
  Module,
  OptionError,
  Runtime,
  type Tensor,
  type TunedQuestion,
} from "../../src/node.ts";
import type { Dispatch } from "../../src/plan/plan.ts";
import { GpuDouble, ownCache } from "../support/tuning-double.ts";

const cache = ownCache("tune");
beforeEach(() => rmSync(cache.folder, { recursive: true, force: true }));
afterAll(() => cache.restore());
const keptFiles = (): string[] => {
  try {
    return readdirSync(cache.folder);
  } catch {
    return [];
  }
};
const keptTable = () => JSON.parse(readFileSync(join(cache.folder, keptFiles()[0]!), "utf8"));

class Layer extends Module {
  rnn = new LSTM({ inputSize: 5, hiddenSize: 9 });
  forward(x: Tensor) {
    return { y: this.rnn.forward(x).output };
  }
}
const inputs = { x: [4, 3, 5] };
const isTile = ({ constants }: Dispatch, ROWS: number, COLUMNS: number) =>
  constants.ROWS === ROWS && constants.COLUMNS === COLUMNS;
const product = (questions: readonly TunedQuestion[]) => questions.find(({ kernel }) => kernel === "matmul")!;
const variants = ({ candidates }: TunedQuestion) => candidates.map(({ variant }) => variant);

describe("a call of a layer", () => {
  test("asks what its plan asks, and takes what is clearly faster", async () => {
    // The built-in choice of a GPU for [12,36] from 5 is the tile of 4x4.
    const gpu = new GpuDouble({ cost: (one) => (one.kernel === "matmul" && isTile(one, 8, 8) ? 1 : 2) });
    const progress: number[] = [];
    const tuned = await gpu.tune(new Layer(), { inputs, keep: false, onProgress: ({ done }) => progress.push(done) });
    expect(tuned.questions.map(({ kernel }) => kernel)).toEqual(["matmul", "recurrent"]);
    expect(progress).toEqual([1, 2]);
    const question = product(tuned.questions);
    expect(question).toMatchObject({
      key: "matmul M 8 N 32 K 4 batches 1 results 256",
      shape: { M: 12, N: 36, K: 5 },
      chosen: { ROWS: 8, COLUMNS: 8, LANES: 16, SHARED: 1 },
    });
    expect(variants(question)[0]).toEqual({ ROWS: 4, COLUMNS: 4, LANES: 64, SHARED: 1 });
    expect(question.candidates).toHaveLength(5);
    for (const { microseconds, fault, predicted } of question.candidates) {
      expect(fault).toBeUndefined();
      expect(microseconds!.median).toBeGreaterThan(0);
      expect(predicted).toBeGreaterThan(0);
    }
    expect(question.candidates[0]!.microseconds!.median).toBeCloseTo(2000);
    expect(tuned.table.choices).toMatchObject({ [question.key]: question.chosen });
    expect(tuned.whole!.default.median - tuned.whole!.tuned.median).toBeCloseTo(1000);
    expect(tuned).toMatchObject({ notes: [], table: { adapter: "test adapter, d, a, v" } });
    expect([...gpu.loaded]).toEqual([]);
    expect([...gpu.allocations].filter(({ owner }) => owner.part === "tuning")).toEqual([]);
  });

  test("keeps the built-in choice where all take the same time, or another one is better by little", async () => {
    for (const cost of [() => 1, (one: Dispatch) => (isTile(one, 8, 8) ? 0.97 : 1)]) {
      const tuned = await new GpuDouble({ cost }).tune(new Layer(), { inputs, keep: false });
      expect(tuned.questions.length).toBeGreaterThan(0);
      for (const { candidates, chosen } of tuned.questions) expect(chosen).toEqual(candidates[0]!.variant);
      expect(tuned.whole).toBeUndefined();
    }
  });

  test("a wrong variant is named, never timed and never taken, however fast", async () => {
    const gpu = new GpuDouble({
      cost: (one) => (isTile(one, 8, 8) ? 0.1 : 2),
      isWrong: (one) => one.kernel === "matmul" && isTile(one, 8, 8),
    });
    const { questions, table } = await gpu.tune(new Layer(), { inputs, keep: false });
    const wrong = product(questions).candidates.filter(({ fault }) => fault !== undefined);
    expect(wrong).toMatchObject([{ variant: { ROWS: 8, COLUMNS: 8, LANES: 16, SHARED: 1 } }]);
    expect(wrong[0]!.fault).toMatch(/\[\d+\] is -?[\d.e-]+, and its twin says -?[\d.e-]+$/);
    expect(wrong[0]!.microseconds).toBeUndefined();
    expect(product(questions).chosen).toEqual({ ROWS: 4, COLUMNS: 4, LANES: 64, SHARED: 1 });
    expect(JSON.stringify(table.choices)).not.toContain('"COLUMNS":8');
  });

  test("where the built-in choice itself is wrong, the fastest right one is taken", async () => {
    const gpu = new GpuDouble({
      cost: (one) => (isTile(one, 1, 4) ? 1 : 2),
      isWrong: (one) => one.kernel === "matmul" && isTile(one, 4, 4),
    });
    const { questions } = await gpu.tune(new Layer(), { inputs, keep: false });
    expect(product(questions).candidates[0]!.fault).toBeDefined();
    expect(product(questions).chosen).toEqual({ ROWS: 1, COLUMNS: 4, LANES: 16, SHARED: 1 });
  });

  test("variants that make the whole plan slower are dropped", async () => {
    // Alone the tile is fast; in the plan of all commands it is slow.
    let isWhole = false;
    const gpu = new GpuDouble({
      cost: (one) => (isTile(one, 8, 8) ? (isWhole ? 9 : 0.5) : 1),
      onRun: () => {},
    });
    const load = gpu.load.bind(gpu);
    gpu.load = (plan, ...rest) => {
      isWhole = new Set(plan.commands.map((command) => command.label)).size > 2;
      return load(plan, ...rest);
    };
    const tuned = await gpu.tune(new Layer(), { inputs, keep: true });
    expect(product(tuned.questions).chosen).toEqual({ ROWS: 8, COLUMNS: 8, LANES: 16, SHARED: 1 });
    expect(tuned.table.choices).toEqual({});
    expect(tuned.notes).toEqual(["the whole plan was slower with these variants: none of them is taken"]);
    expect([tuned.keptAt, keptFiles()]).toEqual([undefined, []]);
  });

  test("on a software adapter, what is predicted to be hopeless is not compiled", async () => {
    const seen = new Set<string>();
    const gpu = new GpuDouble({
      software: true,
      onRun: ({ commands }) => {
        for (const command of commands) if (command.type === "dispatch") seen.add(command.kernel);
      },
    });
    const { questions } = await gpu.tune(new Layer(), { inputs, keep: false });
    const { candidates } = product(questions);
    const left = candidates.filter(({ microseconds, fault }) => !microseconds && !fault);
    expect(left.map(({ variant }) => variant)).toContain("tiled");
    const least = Math.min(...candidates.map(({ predicted }) => predicted!));
    for (const { predicted } of left) expect(predicted).toBeGreaterThan(2 * least);
    expect(seen).toContain("matmul");
    expect(seen).not.toContain("matmul-tiled");
  });

  test("what there is no time for keeps the built-in choice, and a note says so", async () => {
    const none = await new GpuDouble().tune(new Layer(), { inputs, keep: false, timeLimit: 0.0001 });
    expect(none.table.choices).toEqual({});
    expect(none.notes).toEqual([
      "2 questions were not reached in 0.0001 seconds and stay with the built-in choice; a longer time limit reaches them",
    ]);
    const some = await new GpuDouble({ cost: () => 20 }).tune(new Layer(), { inputs, keep: false, timeLimit: 1.5 });
    expect(some.questions).toHaveLength(1);
    expect(some.notes).toHaveLength(1);
    expect(some.seconds).toBeLessThan(2);
  });

  test("its states and inputs of whole numbers are valid for every command", async () => {
    class Masked extends Module {
      embedding = new Embedding({ numEmbeddings: 7, embeddingDim: 5 });
      rnn = new LSTM({ inputSize: 5, hiddenSize: 9 });
      forward({ tokens, lengths }: { tokens: Tensor; lengths: Tensor }) {
        return { y: this.rnn.forward(this.embedding.forward(tokens), undefined, { lengths }).output };
      }
    }
    const given = { tokens: { shape: [4, 3], dtype: "i32" }, lengths: { shape: [3], dtype: "i32" } } as const;
    const { questions } = await new GpuDouble().tune(new Masked(), { inputs: given, keep: false });
    expect(questions.flatMap(({ candidates }) => candidates.filter(({ fault }) => fault))).toEqual([]);
  });
});

describe("a training step", () => {
  test("asks for forward, backward and the loss; the weights and the steps stay", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const model = new CharModel({ vocabSize: 7, embeddingDim: 4, hiddenSize: 6 });
    const trainer = runtime.trainer(model, { optimizer: adam() });
    const before = await runtime.stateDict(model);
    const tuned = await new GpuDouble().tune(model, { trainer, batch: { T: 3, B: 2 }, keep: false });
    expect(new Set(tuned.questions.map(({ kernel }) => kernel))).toEqual(
      new Set(["matmul", "weight-gradient", "recurrent", "cross-entropy"]),
    );
    const again = { shape: [3, 2], data: new Int32Array(6) };
    const byBatch = await new GpuDouble().tune(model, { trainer, batch: { x: again, target: again }, keep: false });
    expect(Object.keys(byBatch.table.choices)).toEqual(Object.keys(tuned.table.choices));
    expect([await runtime.stateDict(model), trainer.steps]).toEqual([before, 0]);
    runtime.dispose();
  });
});

test("parts of a weight's gradient are asked for, and the product in parts that comes of it", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const model = new CharModel({ vocabSize: 7, embeddingDim: 4, hiddenSize: 6 });
  const trainer = runtime.trainer(model, { optimizer: adam() });
  // A product in parts is measured to be the fastest one: 24 rows in 8 parts of 3.
  const gpu = new GpuDouble({
    cost: ({ kernel, params: [, , , K, kPart] }) => (kernel === "matmul" && K === 24 ? (kPart === 3 ? 1 : 4) : 0.1),
  });
  const { questions } = await gpu.tune(model, { trainer, batch: { T: 12, B: 2 }, keep: false });
  const asked = questions.filter(({ kernel }) => kernel === "weight-gradient");
  expect(asked.map(({ key }) => key)).toContain("weight-gradient M 16 N 4 K 16 batches 1 results 64");
  for (const question of asked) {
    expect(variants(question)).toEqual([1, 2, 4, 8, 16].map((PARTS) => ({ PARTS })));
    expect(question.chosen).toEqual({ PARTS: 8 });
    for (const { fault, microseconds, predicted } of question.candidates) {
      expect(fault).toBeUndefined();
      expect(microseconds!.median).toBeGreaterThan(0);
      expect(predicted).toBeGreaterThan(0);
    }
  }
  expect(questions.map(({ key }) => key)).toContain("matmul M 16 N 4 K 2 batches 8 results 64");
  runtime.dispose();
});

describe("keeps its table", () => {
  test("in a file for the adapter and the version, beside what is there for other shapes", async () => {
    const first = await new GpuDouble().tune(new Layer(), { inputs });
    expect(first.keptAt).toBe(join(cache.folder, "tuning-0.1.0-test-adapter-d-a-v.json"));
    expect(keptTable()).toEqual(first.table);
    const second = await new GpuDouble().tune(new Layer(), { inputs: { x: [1, 1, 5] } });
    expect(second.table.choices).not.toEqual(first.table.choices);
    expect(keptTable().choices).toEqual({ ...first.table.choices, ...second.table.choices });
    expect(keptFiles()).toHaveLength(1);
  });

  test("in place of a file that is damaged", async () => {
    mkdirSync(cache.folder, { recursive: true });
    writeFileSync(join(cache.folder, "tuning-0.1.0-test-adapter-d-a-v.json"), '{ "format": ');
    const { table, notes } = await new GpuDouble().tune(new Layer(), { inputs });
    expect([keptTable(), notes]).toEqual([table, []]);
  });

  test("or says why it could not", async () => {
    writeFileSync(cache.folder.replace(/webgpu-rnn$/, "a file"), "");
    const before = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = join(before!, "a file");
    try {
      const { table, keptAt, notes } = await new GpuDouble().tune(new Layer(), { inputs });
      expect(Object.keys(table.choices)).not.toEqual([]);
      expect(keptAt).toBeUndefined();
      expect(notes).toEqual([expect.stringMatching(/^the table could not be kept: /)]);
    } finally {
      process.env.XDG_CACHE_HOME = before!;
    }
  });
});

describe("ends early", () => {
  test("when its signal aborts, with the signal's reason, and keeps nothing", async () => {
    const controller = new AbortController();
    const gpu = new GpuDouble();
    const tuning = gpu.tune(new Layer(), {
      inputs,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(tuning).rejects.toThrow("enough");
    expect([keptFiles(), [...gpu.loaded]]).toEqual([[], []]);
    expect([...gpu.allocations].filter(({ owner }) => owner.part === "tuning")).toEqual([]);
  });

  test("when the runtime is disposed, and leaves nothing", async () => {
    let replays = 0;
    const gpu: GpuDouble = new GpuDouble({
      onRun: () => {
        if (++replays === 40) gpu.dispose();
      },
    });
    await expect(gpu.tune(new Layer(), { inputs })).rejects.toThrow(DisposedError);
    expect(keptFiles()).toEqual([]);
  });

  test("and the next one runs all the same", async () => {
    const gpu = new GpuDouble();
    const aborted = gpu.tune(new Layer(), { inputs, signal: AbortSignal.abort(new Error("enough")) });
    const second = gpu.tune(new Layer(), { inputs, keep: false });
    await expect(aborted).rejects.toThrow("enough");
    expect(Object.keys((await second).table.choices)).toHaveLength(2);
  });
});

test("two at once go one after the other", async () => {
  const order: string[] = [];
  const gpu = new GpuDouble();
  const both = await Promise.all([
    gpu.tune(new Layer(), { inputs, keep: false, onProgress: () => order.push("first") }),
    gpu.tune(new Layer(), { inputs: { x: [2, 2, 5] }, keep: false, onProgress: () => order.push("second") }),
  ]);
  expect(order).toEqual(["first", "first", "second", "second"]);
  for (const { questions } of both) expect(questions).toHaveLength(2);
  expect(gpu.loaded.size).toBe(0);
});

test.each([
  ["neither", {}],
  ["both", { inputs, trainer: {}, batch: { T: 1, B: 1 } }],
  ["a trainer without a batch", { trainer: {} }],
  ["a batch without a trainer", { inputs, batch: { T: 1, B: 1 } }],
])("%s of what is to be tuned is refused", async (_, options) => {
  await expect(new GpuDouble().tune(new Layer(), options as never)).rejects.toThrow(
    /expected either inputs, .* or a trainer/,
  );
});

test("a trainer of another model is refused", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const trainer = runtime.trainer(new Layer(), { optimizer: adam() });
  await expect(new GpuDouble().tune(new Layer(), { trainer, batch: { T: 3, B: 2 } })).rejects.toThrow(
    /the trainer is one of another model than this Layer; give its own/,
  );
  runtime.dispose();
});

test("options that are not known or not right are refused", async () => {
  const gpu = new GpuDouble();
  await expect(gpu.tune(new Layer(), { inputs, limit: 3 } as never)).rejects.toThrow(OptionError);
  await expect(gpu.tune(new Layer(), { inputs, timeLimit: -1 })).rejects.toThrow(/timeLimit/);
  await expect(gpu.tune(new Layer(), { inputs, keep: 1 } as never)).rejects.toThrow(/keep/);
});

test.each(["wasm", "cpu"] as const)("on %s there is nothing to tune, and a note says so", async (backend) => {
  const runtime = await Runtime.open({ backend, tuned: "kept" });
  const { table, questions, notes } = await runtime.tune(new Layer(), { inputs });
  expect([table.choices, questions, keptFiles()]).toEqual([{}, [], []]);
  expect(notes).toEqual([
    `nothing to tune: on "${backend}" every kernel has one variant; open a GPU with { backend: "gpu" }`,
  ]);
  expect(runtime.info().tuned).toBeUndefined();
  runtime.dispose();
});
