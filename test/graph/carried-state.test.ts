/** States that go on from call to call: what is assigned to what, what is refused, and that runs do not mix. */
import { describe, expect, test } from "vitest";
import { reshape } from "../../src/graph/ops/layout.ts";
import {
  Embedding,
  functional,
  GRU,
  Linear,
  type LSTM,
  Module,
  mse,
  OptionError,
  Runtime,
  ShapeError,
  sgd,
  type Tensor,
  type TensorData,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";

const { onEach } = await backendsForTests();

const tensor = (shape: readonly number[], ...values: number[]): TensorData => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => values[i] ?? 0),
});

/** Hands back what it got one and two calls before. */
class Delays extends Module {
  scale = new Linear({ inFeatures: 1, outFeatures: 1 });
  forward(x: Tensor, state?: Record<"now" | "before", Tensor>) {
    const zero = functional.sub(x, x);
    const { now, before } = state ?? { now: zero, before: zero };
    return { logits: this.scale.forward(before), before, state: { now: x, before: now } };
  }
}

onEach(({ open }) => {
  test("all states are assigned at once, whatever their order", async () => {
    const runtime = await open();
    const model = new Delays();
    runtime.loadStateDict(model, { "scale.weight": tensor([1, 1], 1), "scale.bias": tensor([1]) });
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0 }), loss: mse(), carryState: true });
    const losses: number[] = [];
    const batches = [1, 2, 3, 4, 5, 6].map((n) => ({ x: tensor([1, 1, 1], n), target: tensor([1, 1, 1]) }));
    for await (const { loss } of trainer.fit(batches)) losses.push(Math.round(Math.sqrt(loss)));
    expect(losses).toEqual([0, 0, 1, 2, 3, 4]);
    expect([...(await trainer.stateDict())["carry.before"]!.data]).toEqual([5]);
    const { loss } = await runtime.evaluate(model, batches, { loss: mse(), carryState: true });
    expect(loss).toBeCloseTo((0 + 0 + 1 + 4 + 9 + 16) / 6, 5);
    runtime.dispose();
  });

  test("a state that is handed back as it came stays", async () => {
    class Keeps extends Module {
      scale = new Linear({ inFeatures: 1, outFeatures: 1 });
      forward(x: Tensor, state?: { kept: Tensor }) {
        const kept = state?.kept ?? functional.sub(x, x);
        return { logits: this.scale.forward(functional.add(x, kept)), state: { kept } };
      }
    }
    const runtime = await open();
    const model = new Keeps();
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0 }), loss: mse(), carryState: true });
    const batch = { x: tensor([1, 1, 1], 2), target: tensor([1, 1, 1]) };
    for await (const _ of trainer.fit([batch, batch]));
    const saved = await trainer.stateDict();
    expect([...saved["carry.kept"]!.data]).toEqual([0]);
    trainer.loadStateDict({ ...saved, "carry.kept": tensor([1, 1, 1], 7) }, 2);
    for await (const _ of trainer.fit([batch, batch]));
    expect([...(await trainer.stateDict())["carry.kept"]!.data]).toEqual([7]);
    runtime.dispose();
  });

  test("a state that nobody reads is there all the same", async () => {
    class Idle extends Module {
      embedding = new Embedding({ numEmbeddings: 3, embeddingDim: 3 });
      forward(tokens: Tensor, state?: { idle: Tensor }) {
        const logits = this.embedding.forward(tokens);
        return { logits, state: { idle: state?.idle ?? functional.sub(logits, logits) } };
      }
    }
    const runtime = await open();
    const model = new Idle();
    const all: number[] = [];
    for await (const { tokens } of runtime.generate(model, { prompt: [1, 2], length: 3 })) all.push(...tokens);
    expect(all).toHaveLength(3);
    const session = await runtime.session(model, { inputs: { x: { shape: [1, 1], dtype: "i32" } } });
    await session.run({ x: { shape: [1, 1], data: Int32Array.of(1) } });
    session.reset();
    expect([...(await session.state()).idle!.data]).toEqual([0, 0, 0]);
    runtime.dispose();
  });

  test("runs of a program that are started at once do not mix their gradients", async () => {
    const runtime = await open();
    const model = new Linear({ inFeatures: 1, outFeatures: 1 });
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [1, 1] } },
      forward: ({ x }) => ({ y: model.forward(x) }),
      seeds: ["y"],
      parameterGradients: true,
    });
    const run = (n: number) => program.run({ x: tensor([1, 1], n), "gradient.y": tensor([1, 1], 1) });
    const gradients = (await Promise.all([1, 10, 100].map(run))).map((result) => result["grad.weight"]!.data[0]);
    expect(gradients).toEqual([1, 10, 100]);
    runtime.dispose();
  });

  test("a tensor that is two outputs gets the gradients of both", async () => {
    const runtime = await open();
    const model = new Linear({ inFeatures: 1, outFeatures: 1, bias: false });
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [1, 1] } },
      forward({ x }) {
        const y = model.forward(x);
        return { y, again: y };
      },
      seeds: ["y", "again"],
      gradients: ["x"],
      parameterGradients: true,
    });
    const seeds = { "gradient.y": tensor([1, 1], 2), "gradient.again": tensor([1, 1], 5) };
    const result = await program.run({ x: tensor([1, 1], 3), ...seeds });
    expect(result["grad.weight"]!.data[0]).toBe(21);
    runtime.dispose();
  });

  test("parameters that a program does not use have no gradient, also after another plan gave them one", async () => {
    const runtime = await open();
    class Two extends Module {
      a = new Linear({ inFeatures: 1, outFeatures: 1 });
      b = new Linear({ inFeatures: 1, outFeatures: 1 });
      forward(x: Tensor) {
        return { a: this.a.forward(x), b: this.b.forward(x) };
      }
    }
    const model = new Two();
    const compile = (of: "a" | "b") =>
      runtime.compile(model, {
        inputs: { x: { shape: [1, 1] } },
        forward: ({ x }) => ({ y: model.forward(x)[of] }),
        seeds: ["y"],
        parameterGradients: true,
      });
    const [first, second] = [await compile("a"), await compile("b")];
    const given = { x: tensor([1, 1], 3), "gradient.y": tensor([1, 1], 1) };
    const seen = [await first.run(given), await second.run(given), await first.run(given)];
    expect(seen.map((result) => ["a.weight", "a.bias", "b.weight", "b.bias"].map((p) => result[`grad.${p}`]!.data[0])))
      // biome-ignore format: a row for each run
      .toEqual([
      [3, 1, 0, 0],
      [0, 0, 3, 1],
      [3, 1, 0, 0],
    ]);
    runtime.dispose();
  });

  test("batches that fail in evaluate reject it, and nothing else", async () => {
    const runtime = await open();
    const model = new Delays();
    const good = { x: tensor([1, 1, 1], 1), target: tensor([1, 1, 1]) };
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on("unhandledRejection", note);
    const batches = function* () {
      for (let i = 0; i < 5; i++) yield good;
      yield { ...good, target: tensor([2]) };
    };
    expect(await errorOf(() => runtime.evaluate(model, batches(), { loss: mse() }))).toBeInstanceOf(ShapeError);
    const running = runtime.evaluate(model, [good, good, good], { loss: mse() });
    runtime.release(model);
    await errorOf(() => running);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", note);
    expect(rejections).toEqual([]);
    runtime.dispose();
  });
});

describe("what a state is stays known of what is made from it", () => {
  class Carries extends Module {
    readonly rnn: GRU | LSTM;
    readonly change: (h: Tensor) => Tensor;
    head = new Linear({ inFeatures: 4, outFeatures: 1 });
    constructor(rnn: GRU, change: (h: Tensor) => Tensor) {
      super();
      this.rnn = rnn;
      this.change = change;
    }
    forward(x: Tensor, state?: { h: Tensor }) {
      const { output, state: next } = (this.rnn as GRU).forward(x, state);
      return { logits: this.head.forward(output), state: { h: this.change(next.h) } };
    }
  }
  const train = async (rnn: GRU, change: (h: Tensor) => Tensor) => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const trainer = runtime.trainer(new Carries(rnn, change), { optimizer: sgd(), loss: mse(), carryState: true });
    for await (const _ of trainer.fit([{ x: tensor([2, 1, 3]), target: tensor([2, 1, 1]) }]));
  };
  const ways: readonly (readonly [string, (h: Tensor) => Tensor])[] = [
    ["as it is", (h) => h],
    ["reshaped", (h) => reshape(reshape(h, [4]), [1, 1, 4])],
    ["cut and joined", (h) => functional.concat([functional.slice(h, 0, 2), functional.slice(h, 2, 2)])],
    ["scaled", (h) => functional.add(h, h)],
  ];

  test.each(ways)("%s, of a layer that runs from the end", async (_, change) => {
    const error = await errorOf(() => train(new GRU({ inputSize: 3, hiddenSize: 4, goBackwards: true }), change));
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).toMatch(/the state h is of a layer that runs from the end .*; set carryState: false/);
  });

  test.each(ways)("%s, of a layer whose initial state is learned", async (_, change) => {
    const error = await errorOf(() =>
      train(new GRU({ inputSize: 3, hiddenSize: 4, learnedInitialState: true }), change),
    );
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).toMatch(/the state h (begins with|is computed from one that begins with) learned values/);
  });

  test("states that are returned once and not the other time are refused", async () => {
    class Forgets extends Module {
      head = new Linear({ inFeatures: 3, outFeatures: 1 });
      forward(x: Tensor, state?: { a: Tensor }) {
        return { logits: this.head.forward(x), state: state ? {} : { a: x } };
      }
    }
    const runtime = await Runtime.open({ backend: "cpu" });
    const trainer = runtime.trainer(new Forgets(), { optimizer: sgd(), loss: mse(), carryState: true });
    const error = await errorOf(() => trainer.fit([{ x: tensor([2, 1, 3]), target: tensor([2, 1, 1]) }]));
    expect(error).toBeInstanceOf(ShapeError);
    expect(String(error)).toContain("Forgets: the state a is not returned when states are given");
  });
});
