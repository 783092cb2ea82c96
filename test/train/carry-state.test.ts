/** Which batches carry their state, what is refused because nothing would be carried, and messages about what is not given. */
import { expect, test } from "vitest";
import {
  type AnyBatch,
  adam,
  type Batch,
  CharModel,
  crossEntropy,
  DataError,
  Embedding,
  functional,
  GRU,
  type GRUState,
  Linear,
  Module,
  mse,
  OptionError,
  Runtime,
  ShapeError,
  sgd,
  type Tensor,
  Windows,
} from "../../src/node.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";

const { onEach } = await backendsForTests();

const V = 5;
const tokens = (T: number, shift = 0) => ({
  shape: [T, 2],
  data: Int32Array.from({ length: T * 2 }, (_, i) => (i * i + shift) % V),
});
const alone = (count: number): Batch[] =>
  Array.from({ length: count }, (_, i) => ({ x: tokens(3, i), target: tokens(3, i + 1) }));
const windows = new Windows(
  Int32Array.from({ length: 60 }, (_, i) => (i * i + (i >> 2)) % V),
  { window: 4, batch: 2 },
);

/** A language model whose forward uses the state that it is given, or not. */
class Reader extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 3 });
  readonly rnn = new GRU({ inputSize: 3, hiddenSize: 4 });
  readonly head = new Linear({ inFeatures: 4, outFeatures: V });
  run(x: Tensor, given?: GRUState) {
    const { output, state } = this.rnn.forward(this.embedding.forward(x), given);
    return { logits: this.head.forward(output), state };
  }
  forward(x: Tensor, _state?: object): object {
    return this.run(x, _state as GRUState | undefined);
  }
}
class TakesNone extends Reader {
  override forward(x: Tensor): object {
    return this.run(x);
  }
}
class IgnoresIt extends Reader {
  override forward(x: Tensor, _state?: object): object {
    return this.run(x);
  }
}
class ReturnsNone extends Reader {
  override forward(x: Tensor, state?: object): object {
    const { logits } = this.run(x, state as GRUState | undefined);
    return { logits };
  }
}
class HasNone extends Reader {
  override forward(x: Tensor): object {
    const { logits } = this.run(x);
    return { logits };
  }
}
/** Its state is no layer's, and it is not read. */
class OwnState extends Reader {
  override forward(x: Tensor, _state?: object): object {
    const { logits } = this.run(x);
    return { logits, state: { own: functional.add(logits, logits) } };
  }
}
/** Two layers, of which one is given its state. */
class ForgetsOne extends Reader {
  readonly second = new GRU({ inputSize: 4, hiddenSize: 4 });
  override forward(x: Tensor, state?: object): object {
    const { a } = (state ?? {}) as { a?: GRUState };
    const first = this.rnn.forward(this.embedding.forward(x), a);
    const second = this.second.forward(first.output);
    return { logits: this.head.forward(second.output), state: { a: first.state, b: second.state } };
  }
}

onEach(({ open }) => {
  const model = new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 3, hiddenSize: 4 });
  const lossesOf = async (runtime: Runtime, batches: readonly AnyBatch[], carryState?: boolean) => {
    runtime.initialize(model, { seed: 3 });
    const trainer = runtime.trainer(model, {
      optimizer: sgd({ lr: 0 }),
      ...(carryState !== undefined && { carryState }),
    });
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(batches)) losses.push(loss);
    const carried = Object.keys(await trainer.stateDict()).filter((name) => name.startsWith("carry."));
    trainer.dispose();
    return { losses, carried };
  };

  test("batches that say nothing of resetState each begin at zero, in training and in evaluate", async () => {
    const runtime = await open();
    const byDefault = await lossesOf(runtime, alone(3));
    expect(byDefault).toEqual(await lossesOf(runtime, alone(3), false));
    expect(byDefault.carried).toEqual([]);
    const carried = await lossesOf(runtime, alone(3), true);
    expect(carried.losses[0]).toBe(byDefault.losses[0]);
    expect(carried.losses[1]).not.toBe(byDefault.losses[1]);
    expect(carried.carried).toEqual(["carry.h"]);
    const measured = await runtime.evaluate(model, alone(3));
    expect(measured).toEqual(await runtime.evaluate(model, alone(3), { carryState: false }));
    expect(measured.loss).not.toBe((await runtime.evaluate(model, alone(3), { carryState: true })).loss);
    runtime.dispose();
  });

  test("windows over a text carry their state by themselves", async () => {
    const runtime = await open();
    const epoch = [...windows.epoch()];
    const byDefault = await lossesOf(runtime, epoch);
    expect(byDefault).toEqual(await lossesOf(runtime, epoch, true));
    expect(byDefault.losses[1]).not.toBe((await lossesOf(runtime, epoch, false)).losses[1]);
    expect(await runtime.evaluate(model, epoch)).toEqual(await runtime.evaluate(model, epoch, { carryState: true }));
    runtime.dispose();
  });

  test("batches that disagree are refused, and nothing of the one that is refused runs", async () => {
    const runtime = await open();
    const trainer = runtime.trainer(model, { optimizer: adam() });
    const steps: number[] = [];
    const train = async (...batches: AnyBatch[]) => {
      for await (const { step } of trainer.fit(batches)) steps.push(step);
    };
    // A batch that is refused for another reason does not decide for those after it.
    const bad = { ...alone(1)[0]!, x: { shape: [3, 2], data: new Int32Array(6).fill(V) } };
    expect(await errorOf(() => train(bad))).toBeInstanceOf(DataError);
    const error = await errorOf(() => train({ ...windows.at(0) }, ...alone(1)));
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).toMatch(
      /fit: this batch does not say resetState, those before it did, .*; say carryState: true or false, or resetState in every batch/,
    );
    expect(steps).toEqual([1]);
    await train(windows.at(1), { ...alone(1)[0]!, resetState: true });
    expect(steps).toEqual([1, 2, 3]);
    const measured = await errorOf(() => runtime.evaluate(model, [...alone(1), windows.at(0)]));
    expect(String(measured)).toMatch(/evaluate: this batch says resetState, those before it did not/);
    runtime.dispose();
  });

  test.each([
    ["forward without a second parameter", TakesNone, "h"],
    ["a state that is ignored", IgnoresIt, "h"],
    ["a layer that is not given its state", ForgetsOne, "b.h"],
    ["a state of its own that is not read", OwnState, "own"],
  ] as const)("refused where it would be carried: %s", async (_, Model, path) => {
    const runtime = await open();
    const model = new Model();
    const says = `${Model.name}: forward returns the state ${path} and does not read the one that it is given, so nothing would be carried; take it as forward(x, state)`;
    for (const does of [
      () => runtime.trainer(model, { optimizer: adam(), carryState: true }).fit(alone(1)),
      () => runtime.trainer(model, { optimizer: adam() }).fit([windows.at(0)]),
      () => runtime.evaluate(model, alone(1), { carryState: true }),
      () => runtime.session(model, { inputs: { x: { shape: [1, 2], dtype: "i32" } }, streams: 2 }),
      () => runtime.generate(model, { prompt: [1], length: 2, chunk: 2 }),
      () => runtime.beamSearch(model, { prompt: [1], length: 2, chunk: 2 }),
    ]) {
      const error = await errorOf(does);
      expect(error).toBeInstanceOf(OptionError);
      expect(String(error)).toContain(says);
    }
    for await (const { loss } of runtime.trainer(model, { optimizer: adam() }).fit(alone(1)))
      expect(loss).toBeGreaterThan(0);
    runtime.dispose();
  });

  test("a state that is taken and not returned is refused where it would be carried", async () => {
    const runtime = await open();
    const model = new ReturnsNone();
    for (const does of [
      () => runtime.trainer(model, { optimizer: adam() }).fit([windows.at(0)]),
      () => runtime.generate(model, { prompt: [1], length: 2, chunk: 2 }),
      () => runtime.beamSearch(model, { prompt: [1], length: 2, chunk: 2 }),
    ]) {
      const error = await errorOf(does);
      expect(error).toBeInstanceOf(OptionError);
      expect(String(error)).toContain(
        "ReturnsNone: forward takes a state and returns none, so nothing would be carried",
      );
    }
    for await (const { loss } of runtime.trainer(model, { optimizer: adam() }).fit(alone(1)))
      expect(loss).toBeGreaterThan(0);
    runtime.dispose();
  });

  test("carryState: true is refused for a model that has no state; batches that say resetState are not", async () => {
    const runtime = await open();
    const model = new HasNone();
    for (const does of [
      () => runtime.trainer(model, { optimizer: adam(), carryState: true }).fit(alone(1)),
      () => runtime.evaluate(model, alone(1), { carryState: true }),
    ]) {
      const error = await errorOf(does);
      expect(error).toBeInstanceOf(OptionError);
      expect(String(error)).toContain(
        "carryState is true, and HasNone.forward returns no state, so nothing would be carried",
      );
    }
    expect((await runtime.trainer(model, { optimizer: adam() }).fit([windows.at(0)])).steps).toBe(1);
    runtime.dispose();
  });

  test("messages about what is not given name it", async () => {
    const runtime = await open();
    class Pair extends Module {
      readonly head = new Linear({ inFeatures: 2, outFeatures: 1 });
      forward({ a, b }: { a: Tensor; b: Tensor }) {
        return { logits: this.head.forward(b), a };
      }
    }
    const model = new Pair();
    const numbers = { shape: [1, 2], data: new Float32Array(2) };
    const target = { shape: [1, 1], data: new Float32Array(1) };
    const trainer = runtime.trainer(model, { optimizer: adam(), loss: mse() });
    const batch = await errorOf(() => trainer.fit([{ x: { a: numbers }, target }]));
    expect(batch).toBeInstanceOf(ShapeError);
    expect(String(batch)).toMatch(
      /Pair\.forward reads b, which is not among the inputs that it is given \(a\): Linear/,
    );
    const program = await errorOf(() =>
      runtime.compile(model, {
        inputs: { a: { shape: [1, 2] } },
        forward: (inputs) => ({ y: model.forward(inputs as { a: Tensor; b: Tensor }).logits }),
      }),
    );
    expect(String(program)).toMatch(/compile: forward reads b, .* \(a\)/);
    const whole = await runtime.compile(model, {
      inputs: { a: { shape: [1, 2] }, b: { shape: [1, 2] } },
      forward: (inputs) => ({ y: model.forward(inputs).logits }),
    });
    expect(String(await errorOf(() => whole.run({ a: numbers } as never)))).toMatch(
      /input "b" is missing: expected \{ shape, data \} of shape \[1,2\] with data a Float32Array/,
    );
    expect(String(await errorOf(() => trainer.fit([{ x: numbers, y: target } as never])))).toMatch(
      /batch\.target is missing: .* a batch is \{ x, target \}, this one has x, y/,
    );
    runtime.dispose();
  });
});

test("a state, or all steps, given to a loss that wants one output for each sequence: the message says what to take", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  class Classifier extends Module {
    readonly rnn = new GRU({ inputSize: 3, hiddenSize: 4 });
    readonly head = new Linear({ inFeatures: 4, outFeatures: 2 });
    readonly of: "state" | "output";
    constructor(of: "state" | "output") {
      super();
      this.of = of;
    }
    forward(x: Tensor) {
      const { output, state } = this.rnn.forward(x);
      return { logits: this.head.forward(this.of === "state" ? state.h : output) };
    }
  }
  const x = { shape: [5, 2, 3], data: new Float32Array(30) };
  const train = (of: "state" | "output", isClasses: boolean) =>
    errorOf(() =>
      runtime.trainer(new Classifier(of), { optimizer: adam(), loss: isClasses ? crossEntropy() : mse() }).fit([
        {
          x,
          target: isClasses ? { shape: [2], data: new Int32Array(2) } : { shape: [2, 2], data: new Float32Array(4) },
        },
      ]),
    );
  for (const isClasses of [true, false]) {
    expect(String(await train("state", isClasses))).toMatch(
      /; the first axis is that of the layers, as in a state \[L,B,H\]: .* functional\.squeeze\(h, 0\), or use functional\.lastPool\(output\)/,
    );
    expect(String(await train("output", isClasses))).toMatch(
      /; with one target for each sequence take one output for each, with functional\.lastPool\(output\), meanPool or maxPool/,
    );
  }
  runtime.dispose();
});
