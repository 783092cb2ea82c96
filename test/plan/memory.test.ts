/** Memory has an owner, is given back, and does not grow with the number of shapes seen; what derives from weights follows them. */
import { expect, test } from "vitest";
import { adam, BusyError, CharModel, Linear, LSTM, Module, sgd, type Tensor } from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";

const { onEach } = await backendsForTests();
const V = 11;
const modelOf = (numLayers = 1) => new CharModel({ vocabSize: V, embeddingDim: 5, hiddenSize: 7, numLayers });
const tokens = (T: number, B: number, shift = 0) => ({
  shape: [T, B],
  data: Int32Array.from({ length: T * B }, (_, i) => (i * i + shift) % V),
});
const batch = (T: number, B = 2) => ({ x: tokens(T, B), target: tokens(T, B, 1) });

onEach(({ open }) => {
  test("sixty lengths of a batch need no more memory than the first few, and disposing gives it back", async () => {
    const runtime = await open({ plans: { count: 4 } });
    const model = modelOf();
    const trainer = runtime.trainer(model, { optimizer: adam() });
    const weights = runtime.memory();
    const seen: number[] = [];
    for (let i = 0; i < 60; i++) {
      const T = 1 + ((i * 7) % 20); // each length of 1 to 20 three times, the longest among the first
      for await (const _ of trainer.fit([batch(T)]));
      await runtime.evaluate(model, [batch(1 + (i % 9))]);
      seen.push(runtime.memory().bytes);
    }
    const most = Math.max(...seen.slice(0, 20));
    expect(Math.max(...seen.slice(20))).toBeLessThanOrEqual(most);
    const { models, roles } = runtime.memory();
    const parts = Object.keys(models[0]!.parts);
    expect(parts.filter((part) => /^(train|evaluate) /.test(part))).toHaveLength(4);
    expect(Object.values(roles).reduce((a, b) => a + b, 0)).toBe(runtime.memory().bytes);
    expect(roles.moment).toBe(weights.roles.moment);
    trainer.dispose();
    expect(runtime.memory().roles.moment).toBeUndefined();
    runtime.release(model);
    expect(runtime.memory()).toEqual({ bytes: 0, roles: {}, models: [] });
    runtime.dispose();
  });

  test("plans share scratch memory, and a longer one does not disturb what a shorter one computes", async () => {
    const runtime = await open();
    const model = modelOf(2);
    runtime.initialize(model, { seed: 3 });
    const compile = (T: number) =>
      runtime.compile(model, {
        inputs: { x: { shape: [T, 2], dtype: "i32" } },
        forward: ({ x }): Record<string, Tensor> => ({ logits: model.forward(x!).logits }),
      });
    const short = await compile(3);
    const before = await short.run({ x: tokens(3, 2) });
    const alone = runtime.memory().roles.scratch!;
    const long = await compile(30);
    const both = runtime.memory().roles.scratch!;
    await long.run({ x: tokens(30, 2) });
    expect(await short.run({ x: tokens(3, 2) })).toEqual(before);
    const [first, second] = await Promise.all([short.run({ x: tokens(3, 2) }), short.run({ x: tokens(3, 2, 1) })]);
    expect(first).toEqual(before);
    expect(second).not.toEqual(before);
    short.dispose();
    expect(runtime.memory().roles.scratch).toBe(both);
    long.dispose();
    expect(both).toBeGreaterThan(alone);
    expect(runtime.memory().roles.scratch).toBeUndefined();
    runtime.dispose();
  });

  test("what derives from weights is computed anew after each way of changing them", async () => {
    const runtime = await open();
    const model = modelOf();
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [4, 2], dtype: "i32" } },
      forward: ({ x }): Record<string, Tensor> => ({ logits: model.forward(x!).logits }),
    });
    const x = tokens(4, 2);
    const logits = async () => [...(await program.run({ x })).logits!.data];
    /** By a runtime that has seen nothing else. */
    const fresh = async () => {
      const other = await open();
      other.loadStateDict(model, await runtime.stateDict(model));
      const again = await other.compile(model, {
        inputs: { x: { shape: [4, 2], dtype: "i32" } },
        forward: ({ x: given }): Record<string, Tensor> => ({ logits: model.forward(given!).logits }),
      });
      const values = [...(await again.run({ x })).logits!.data];
      other.dispose();
      return values;
    };
    const seen = [await logits()];
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0.5 }) });
    const changes = [
      () => runtime.initialize(model, { seed: 9 }),
      async () => {
        for await (const _ of trainer.fit([batch(3)]));
      },
      async () => runtime.loadStateDict(model, await runtime.stateDict(model)),
      async () => {
        const saved = await trainer.stateDict();
        for await (const _ of trainer.fit([batch(3)]));
        trainer.loadStateDict(saved, 1);
      },
    ];
    for (const change of changes) {
      await change();
      const now = await logits();
      const expected = await fresh();
      expect(Math.max(...now.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-5);
      seen.push(now);
    }
    expect(seen[1]).not.toEqual(seen[0]);
    expect(seen[2]).not.toEqual(seen[1]);
    runtime.dispose();
  });

  test("release refuses a model whose weights another one shares, and takes what was made for the model with it", async () => {
    class Whole extends Module {
      rnn = new LSTM({ inputSize: 3, hiddenSize: 4 });
      head = new Linear({ inFeatures: 4, outFeatures: 2 });
      forward(x: Tensor): { logits: Tensor } {
        return { logits: this.head.forward(this.rnn.forward(x).output) };
      }
    }
    const runtime = await open();
    const [whole, other] = [new Whole(), new Whole()];
    runtime.initialize(whole);
    runtime.initialize(other);
    runtime.initialize(whole.rnn);
    expect(runtime.memory().models.map(({ name }) => name)).toEqual(["Whole", "Whole 2"]);
    const error = await errorOf(() => runtime.release(whole));
    expect(error).toBeInstanceOf(BusyError);
    expect(String(error)).toContain("LSTM shares the weights of Whole; release that one first");
    const trainer = runtime.trainer(whole, { optimizer: adam() });
    const { parameter } = runtime.memory().roles;
    runtime.release(whole.rnn);
    // The weights are the whole model's, and stay.
    expect(runtime.memory().roles.parameter).toBe(parameter);
    expect(Object.keys(await runtime.stateDict(whole))).toContain("rnn.weight_ih_l0");
    runtime.release(whole);
    runtime.release(whole);
    expect(String(await errorOf(() => trainer.stateDict()))).toContain("the trainer was disposed");
    expect(runtime.memory().models.map(({ name }) => name)).toEqual(["Whole 2"]);
    runtime.dispose();
  });

  test("a runtime, trainer and program are disposed by using", async () => {
    const runtime = await open();
    const model = modelOf();
    {
      using trainer = runtime.trainer(model, { optimizer: adam() });
      expect(trainer.steps).toBe(0);
      expect(runtime.memory().roles.moment).toBeGreaterThan(0);
    }
    expect(runtime.memory().roles.moment).toBeUndefined();
    runtime[Symbol.dispose]();
    expect(String(await errorOf(() => runtime.stateDict(model)))).toContain("the runtime was disposed");
  });
});
