/** States that are carried and states that are not, of one model on one runtime, in turn. */
import { expect, test } from "vitest";
import {
  adam,
  type Batch,
  CharModel,
  Embedding,
  Linear,
  LSTM,
  type LSTMState,
  Module,
  type Tensor,
} from "../../src/node.ts";
import { backendsForTests } from "../support/backends.ts";

const { onEach } = await backendsForTests();

const V = 6;
const tokens = (T: number, shift: number) => ({
  shape: [T, 2],
  data: Int32Array.from({ length: T * 2 }, (_, i) => (i * i + 3 * i + shift) % V),
});
const batches = (count: number, T = 4): Batch[] =>
  Array.from({ length: count }, (_, i) => ({ x: tokens(T, i), target: tokens(T, i + 1) }));

/** A language model that hands back the state that it was given: the next batch begins where this one did. */
class Still extends Module {
  readonly embedding = new Embedding({ numEmbeddings: V, embeddingDim: 4 });
  readonly rnn = new LSTM({ inputSize: 4, hiddenSize: 5 });
  readonly head = new Linear({ inFeatures: 5, outFeatures: V });

  forward(x: Tensor, given?: LSTMState): { logits: Tensor; state: LSTMState } {
    const { output, state } = this.rnn.forward(this.embedding.forward(x), given);
    return { logits: this.head.forward(output), state: given ?? state };
  }
}

onEach(({ open }) => {
  test("evaluations with and without a carried state do not disturb each other", async () => {
    const model = new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 4, hiddenSize: 5 });
    const alone: number[] = [];
    for (const carryState of [true, false]) {
      const runtime = await open();
      runtime.initialize(model, { seed: 4 });
      alone.push((await runtime.evaluate(model, batches(4), { carryState })).loss);
      runtime.dispose();
    }
    expect(alone[0]).not.toBe(alone[1]);
    const runtime = await open();
    runtime.initialize(model, { seed: 4 });
    const inTurn: number[] = [];
    for (const carryState of [true, false, true, false, false, true])
      inTurn.push((await runtime.evaluate(model, batches(4), { carryState })).loss);
    expect(inTurn).toEqual([0, 1, 0, 1, 1, 0].map((which) => alone[which]));
    // At once, and with another shape between.
    const [carried, anew] = await Promise.all([
      runtime.evaluate(model, batches(4), { carryState: true }),
      runtime.evaluate(model, batches(4), { carryState: false }),
    ]);
    expect([carried.loss, anew.loss]).toEqual(alone);
    await runtime.evaluate(model, batches(2, 3), { carryState: true });
    expect((await runtime.evaluate(model, batches(4), { carryState: true })).loss).toBe(alone[0]);
    runtime.dispose();
  });

  test("trainings with and without a carried state do not disturb each other", async () => {
    const models = [0, 1].map(() => new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize: 5 }));
    const runtime = await open();
    const lossesOf = async (at: number, carryState: boolean) => {
      const losses: number[] = [];
      const trainer = runtime.trainer(models[at]!, { optimizer: adam(), carryState });
      for await (const { loss } of trainer.fit(batches(4))) losses.push(loss);
      trainer.dispose();
      return losses;
    };
    const both = [await lossesOf(0, true), await lossesOf(1, false)];
    expect(both[0]![0]).toBe(both[1]![0]);
    expect(both[0]![1]).not.toBe(both[1]![1]);
    for (const model of models) runtime.initialize(model, { seed: 0 });
    expect([await lossesOf(0, false), await lossesOf(1, true)]).toEqual([both[1], both[0]]);
    runtime.dispose();
  });

  test("a model that returns its state unchanged begins each batch anew", async () => {
    const runtime = await open();
    const model = new Still();
    const carried = await runtime.evaluate(model, batches(4), { carryState: true });
    expect(carried).toEqual(await runtime.evaluate(model, batches(4), { carryState: false }));
    const lossesOf = async (carryState: boolean) => {
      runtime.initialize(model, { seed: 2 });
      const losses: number[] = [];
      const trainer = runtime.trainer(model, { optimizer: adam(), carryState });
      for await (const { loss } of trainer.fit(batches(4))) losses.push(loss);
      trainer.dispose();
      return losses;
    };
    expect(await lossesOf(true)).toEqual(await lossesOf(false));
    // Each token is drawn from the one before it alone: after an equal token, an equal one.
    const drawn: number[] = [1];
    for await (const chunk of runtime.generate(model, { prompt: [1], length: 20, chunk: 8, temperature: 0 }))
      drawn.push(...chunk.tokens);
    const next = new Map<number, number>();
    for (const [i, token] of drawn.slice(0, -1).entries()) {
      expect(next.get(token) ?? drawn[i + 1]).toBe(drawn[i + 1]);
      next.set(token, drawn[i + 1]!);
    }
    expect(drawn).toHaveLength(21);
    runtime.dispose();
  });
});
