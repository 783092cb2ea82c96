/** Training with several inputs, outputs and losses, and shared weights, against a float64 model of this file's own. */
import { expect, test } from "vitest";
import {
  type AnyBatch,
  adamW,
  addLosses,
  bceWithLogits,
  crossEntropy,
  ctc,
  DivergedError,
  Embedding,
  functional,
  GRU,
  Linear,
  Module,
  mse,
  type StateDict,
  sgd,
  type Tensor,
  type TensorData,
  type Trainer,
} from "../../src/index.ts";
import { expectSame, Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";

const { onEach, runtimes } = await runtimesForTests();

const [T, B, V, E, H] = [4, 3, 5, 4, 6];
type Tensors = Readonly<Record<string, TensorData>>;
type Symbols = Readonly<Record<string, Tensor>>;

const i32 = (shape: number[], data: readonly number[]): TensorData => ({ shape, data: Int32Array.from(data) });
const f32 = (shape: number[], data: ArrayLike<number>): TensorData => ({ shape, data: Float32Array.from(data) });

/** Two inputs, three outputs. */
class Joined extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: E });
  readonly dense = new Linear({ inFeatures: E + 2, outFeatures: H });
  readonly head = new Linear({ inFeatures: H, outFeatures: V });
  readonly value = new Linear({ inFeatures: H, outFeatures: 2 });
  readonly flag = new Linear({ inFeatures: H, outFeatures: 1, bias: false });
  /** In no loss: it must stay as it is. */
  readonly spare = new Linear({ inFeatures: 70, outFeatures: 3 });

  forward({ tokens, features }: { tokens: Tensor; features: Tensor }) {
    const joined = functional.concat([this.embedding.forward(tokens), features]);
    const hidden = functional.tanh(this.dense.forward(joined));
    return { logits: this.head.forward(hidden), value: this.value.forward(hidden), flag: this.flag.forward(hidden) };
  }
}

const classWeight = [1, 0.5, 2, 1, 0.25];
const joinedLoss = (outputs: { logits: Tensor; value: Tensor; flag: Tensor }, target: Symbols) => {
  const { labels, mask, values, lengths, flags } = target as Record<string, Tensor>;
  const next = crossEntropy({ weight: classWeight }).apply(outputs.logits, labels!, { mask: mask! });
  const value = mse().apply(outputs.value, values!, { lengths: lengths! });
  const flag = bceWithLogits({ posWeight: 2 }).apply(outputs.flag, flags!);
  return { loss: addLosses([next.loss, value.loss, flag.loss], [1, 0.5, 2]), count: next.count };
};

function joinedBatch(seed: number, steps = T): { x: Tensors; target: Tensors } {
  const numbers = new Numbers("joined", seed);
  const n = steps * B;
  return {
    x: {
      tokens: { shape: [steps, B], data: numbers.integers(n, 0, V - 1) },
      features: f32([steps, B, 2], numbers.floats(2 * n)),
      unused: f32([7], numbers.floats(7)),
    },
    target: {
      labels: { shape: [steps, B], data: numbers.integers(n, 0, V - 1) },
      mask: { shape: [steps, B], data: numbers.integers(n, 0, 1).fill(1, 0, 2) },
      values: f32([steps, B, 2], numbers.floats(2 * n)),
      lengths: i32([B], [steps, 1, 2]),
      flags: f32(
        [steps, B, 1],
        numbers.floats(n).map((x) => +(x > 0)),
      ),
    },
  };
}

/** y = W·x + b of the weights of one module. */
function dense(weights: StateDict, name: string, x: readonly number[]): number[] {
  const { shape, data } = weights[`${name}.weight`]!;
  const [O, I] = shape as [number, number];
  const bias = weights[`${name}.bias`]?.data;
  return Array.from({ length: O }, (_, o) => x.reduce((sum, v, i) => sum + v * data[o * I + i]!, bias?.[o] ?? 0));
}
const logSoftmax = (x: readonly number[]) => {
  const total = Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0));
  return x.map((v) => v - total);
};

/** The loss of `Joined` and how much its classes weigh, by loops. */
function lossOfJoined(weights: StateDict, { x, target }: { x: Tensors; target: Tensors }) {
  const [steps] = x.tokens!.shape as [number];
  let [next, count, value, values, flag] = [0, 0, 0, 0, 0];
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < B; b++) {
      const n = t * B + b;
      const token = x.tokens!.data[n]!;
      const row = weights["embedding.weight"]!.data.slice(token * E, (token + 1) * E);
      const hidden = dense(weights, "dense", [...row, ...x.features!.data.slice(2 * n, 2 * n + 2)]).map(Math.tanh);
      if (target.mask!.data[n]) {
        const label = target.labels!.data[n]!;
        next -= classWeight[label]! * logSoftmax(dense(weights, "head", hidden))[label]!;
        count += classWeight[label]!;
      }
      if (t < target.lengths!.data[b]!) {
        dense(weights, "value", hidden).forEach((y, i) => {
          value += (y - target.values!.data[2 * n + i]!) ** 2;
          values++;
        });
      }
      const p = 1 / (1 + Math.exp(-dense(weights, "flag", hidden)[0]!));
      flag -= target.flags!.data[n] ? 2 * Math.log(p) : Math.log(1 - p);
    }
  }
  return { loss: next / count + (0.5 * value) / values + (2 * flag) / (steps * B), count };
}

/** Weights after one step of gradient descent, the gradient by central differences. `same` are names of one tensor. */
function descend(
  weights: StateDict,
  lossOf: (weights: StateDict) => number,
  lr: number,
  same: string[] = [],
): StateDict {
  const step = 1e-5;
  const copy: StateDict = Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]),
  );
  for (const name of same) copy[name] = copy[same[0]!]!;
  return Object.fromEntries(
    Object.entries(copy).map(([name, { shape, data }]) => [
      name,
      {
        shape,
        data: Float64Array.from(data, (w, i) => {
          data[i] = w + step;
          const above = lossOf(copy);
          data[i] = w - step;
          const below = lossOf(copy);
          data[i] = w;
          return w - (lr * (above - below)) / (2 * step);
        }),
      },
    ]),
  );
}

async function lossesOf(trainer: Trainer, batches: Iterable<AnyBatch>): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(batches)) losses.push(loss);
  return losses;
}

/** A language model whose output layer is its embedding. */
class Tied extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: E });
  readonly dense = new Linear({ inFeatures: E, outFeatures: E });
  readonly head = new Linear({ inFeatures: E, outFeatures: V, weight: this.embedding.weight });
  forward(tokens: Tensor) {
    return { logits: this.head.forward(functional.tanh(this.dense.forward(this.embedding.forward(tokens)))) };
  }
}

/** A class for each sequence, of features and lengths. */
class Classifier extends Module {
  readonly rnn = new GRU({ inputSize: 3, hiddenSize: 5 });
  readonly head = new Linear({ inFeatures: 5, outFeatures: 2 });
  forward({ features, lengths }: { features: Tensor; lengths: Tensor }) {
    return { logits: this.head.forward(this.rnn.forward(features, undefined, { lengths }).state.h) };
  }
}

/** A layer as a model. */
class Wrapped extends Module {
  readonly layer: Linear;
  constructor(layer: Linear) {
    super();
    this.layer = layer;
  }
  forward(x: Tensor) {
    return { logits: this.layer.forward(x) };
  }
}

onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-8 : 2e-5;
  const runtime = runtimes[kind];

  test("two inputs, three outputs and three losses train as the equations say", async () => {
    const model = new Joined();
    runtime.initialize(model, { seed: 4 });
    let expected = await runtime.stateDict(model);
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0.5 }), loss: joinedLoss });
    // Of three lengths, so of three plans.
    for (const [seed, steps] of [T, 2, T, 7].entries()) {
      const batch = joinedBatch(seed, steps);
      const { loss } = lossOfJoined(expected, batch);
      expected = descend(expected, (weights) => lossOfJoined(weights, batch).loss, 0.5);
      const [got] = await lossesOf(trainer, [batch]);
      expect(Math.abs(got! - loss)).toBeLessThan(tolerance);
      expectSame(await runtime.stateDict(model), expected, tolerance);
    }
    trainer.dispose();
  });

  test("evaluating weighs batches by what counts in them, or alike where a loss does not tell", async () => {
    const model = new Joined();
    runtime.initialize(model, { seed: 4 });
    const weights = await runtime.stateDict(model);
    const batches = [joinedBatch(1), joinedBatch(2, 3), joinedBatch(3)];
    const results = batches.map((batch) => lossOfJoined(weights, batch));
    const total = results.reduce((sum, { count }) => sum + count, 0);
    const weighted = results.reduce((sum, { loss, count }) => sum + loss * count, 0) / total;
    const counted = await runtime.evaluate(model, batches, { loss: joinedLoss });
    expect(Math.abs(counted.loss - weighted)).toBeLessThan(tolerance);
    expect(Math.abs(counted.tokens - total)).toBeLessThan(tolerance);
    const plain = await runtime.evaluate(model, batches, {
      loss: (outputs: never, target: never) => joinedLoss(outputs, target).loss,
    });
    expect(Math.abs(plain.loss - results.reduce((sum, { loss }) => sum + loss, 0) / 3)).toBeLessThan(tolerance);
    expect(plain.tokens).toBe(3);
  });

  test("an embedding that is the output layer too gets the gradients of both", async () => {
    const model = new Tied();
    runtime.initialize(model, { seed: 4 });
    const weights = await runtime.stateDict(model);
    expect(weights["head.weight"]).toEqual(weights["embedding.weight"]);
    const numbers = new Numbers("tied");
    const [x, target] = [0, 1].map(() => ({ shape: [T, B], data: numbers.integers(T * B, 0, V - 1) }));
    const lossOf = (w: StateDict) => {
      let loss = 0;
      x!.data.forEach((token, n) => {
        const row = w["embedding.weight"]!.data.slice(token * E, (token + 1) * E);
        const hidden = dense(w, "dense", [...row]).map(Math.tanh);
        loss -= logSoftmax(dense(w, "head", hidden))[target!.data[n]!]! / x!.data.length;
      });
      return loss;
    };
    const expected = descend(weights, lossOf, 0.5, ["embedding.weight", "head.weight"]);
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0.5 }) });
    const [loss] = await lossesOf(trainer, [{ x: x!, target: target! }]);
    expect(Math.abs(loss! - lossOf(weights))).toBeLessThan(tolerance);
    expectSame(await runtime.stateDict(model), expected, tolerance);
    trainer.dispose();
  });

  test("what no loss depends on does not decay", async () => {
    const model = new Joined();
    runtime.initialize(model, { seed: 4 });
    const before = await runtime.stateDict(model);
    const trainer = runtime.trainer(model, { optimizer: adamW({ weightDecay: 0.5 }), loss: joinedLoss });
    await lossesOf(trainer, [joinedBatch(1), joinedBatch(2)]);
    const after = await trainer.stateDict();
    for (const [name, tensor] of Object.entries(before)) {
      const kept = name.startsWith("spare");
      if (kept) expect(after[`model.${name}`]).toEqual(tensor);
      else expect(after[`model.${name}`]).not.toEqual(tensor);
      for (const slot of ["exp_avg", "exp_avg_sq"])
        expect(after[`optimizer.${slot}.${name}`]!.data.every((x) => x === 0)).toBe(kept);
    }
    trainer.dispose();
  });

  test("sequences of several lengths in one batch have the losses that they have alone", async () => {
    const model = new Classifier();
    runtime.initialize(model, { seed: 4 });
    const lengths = [3, 6, 1, 5];
    const numbers = new Numbers("sequences");
    const sequences = lengths.map((length) => numbers.floats(length * 3));
    const labels = numbers.integers(4, 0, 1);
    const alone = sequences.map((x, b) => ({
      x: { features: f32([lengths[b]!, 1, 3], x), lengths: i32([1], [lengths[b]!]) },
      target: i32([1, 1], [labels[b]!]),
    }));
    const steps = [0, 1, 2, 3, 4, 5].flatMap((t) => sequences.map((x) => [0, 1, 2].map((i) => x[3 * t + i] ?? 99)));
    const together = {
      x: { features: f32([6, 4, 3], steps.flat()), lengths: i32([4], lengths) },
      target: { shape: [1, 4], data: labels },
    };
    const mean = await runtime.evaluate(model, alone);
    const padded = await runtime.evaluate(model, [together]);
    expect(Math.abs(padded.loss - mean.loss)).toBeLessThan(tolerance);
    expect([mean.tokens, padded.tokens]).toEqual([4, 4]);
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0 }) });
    const losses = await lossesOf(trainer, [together, ...alone]);
    expect(Math.abs(losses[0]! - mean.loss)).toBeLessThan(tolerance);
    expect(Math.abs(losses.slice(1).reduce((a, b) => a + b, 0) / 4 - mean.loss)).toBeLessThan(tolerance);
    trainer.dispose();
  });

  test("labels that do not fit their steps end training, unless they are to count for nothing", async () => {
    const model = new Linear({ inFeatures: 2, outFeatures: 3 });
    const run = (zeroInfinity: boolean) =>
      lossesOf(
        runtime.trainer(new Wrapped(model), {
          optimizer: sgd(),
          loss: ({ logits }: { logits: Tensor }, { labels, lengths }: Record<string, Tensor>) =>
            ctc({ zeroInfinity }).apply(logits, labels!, { targetLengths: lengths! }),
        }),
        [{ x: f32([2, 1, 2], [1, 2, 3, 4]), target: { labels: i32([1, 3], [1, 1, -1]), lengths: i32([1], [2]) } }],
      );
    expect(await run(true)).toEqual([0]);
    const caught = await run(false).catch((error) => error);
    expect(caught).toBeInstanceOf(DivergedError);
    expect(caught.message).toMatch(/loss Infinity/);
  });
});
