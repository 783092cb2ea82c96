/** runtime.predict: a model called on numbers. */
import { expect, test } from "vitest";
import {
  adam,
  DataError,
  Dropout,
  Embedding,
  GRU,
  type GRUState,
  Linear,
  Module,
  ShapeError,
  type Tensor,
} from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";

const { onEach } = await backendsForTests();

class Tagger extends Module {
  embedding = new Embedding({ numEmbeddings: 7, embeddingDim: 4 });
  dropout = new Dropout({ p: 0.5 });
  rnn = new GRU({ inputSize: 4, hiddenSize: 5 });
  head = new Linear({ inFeatures: 5, outFeatures: 3 });
  forward({ tokens, lengths }: { tokens: Tensor; lengths?: Tensor }, before?: GRUState) {
    const x = this.dropout.forward(this.embedding.forward(tokens));
    const { output, state } = this.rnn.forward(x, before, lengths && { lengths });
    return { logits: this.head.forward(output), best: this.head.forward(output).argmax(-1), tokens, state };
  }
}
const i32 = (shape: number[], data: number[]) => ({ shape, data: Int32Array.from(data) });
const tokens = (T: number, B = 2) =>
  i32(
    [T, B],
    Array.from({ length: T * B }, (_, i) => (3 * i + T) % 7),
  );

onEach(({ open }) => {
  test("it is the compiled function, of any shape, and knows the newest weights", async () => {
    const runtime = await open();
    const model = new Tagger();
    for (const T of [1, 4, 3, 4]) {
      const x = tokens(T);
      const got = await runtime.predict(model, { tokens: x });
      const program = await runtime.compile(model, {
        inputs: { tokens: { shape: [T, 2], dtype: "i32" } },
        forward: (given) => {
          const { logits, state } = model.forward(given);
          return { logits, h: state.h };
        },
      });
      const { logits, h } = await program.run({ tokens: x });
      expect(got.logits).toEqual(logits);
      expect(got["state.h"]).toEqual(h);
      expect(got.best.data).toEqual(
        Int32Array.from({ length: T * 2 }, (_, i) => {
          const row = Array.from(logits.data.slice(3 * i, 3 * i + 3));
          return row.indexOf(Math.max(...row));
        }),
      );
      // What comes in goes out.
      expect(got.tokens).toEqual(x);
      program.dispose();
    }
    const before = await runtime.predict(model, { tokens: tokens(4) });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.1 }) });
    await trainer.step({ x: { tokens: tokens(4) }, target: i32([4, 2], [0, 1, 2, 0, 1, 2, 0, 1]) });
    const after = await runtime.predict(model, { tokens: tokens(4) });
    expect(after.logits).not.toEqual(before.logits);
    const dict = await runtime.stateDict(model);
    const other = new Tagger();
    runtime.loadStateDict(other, dict);
    expect(await runtime.predict(other, { tokens: tokens(4) })).toEqual(after);
    runtime.dispose();
  });

  test("several at once, of equal shapes and others, give each its own", async () => {
    const runtime = await open();
    const model = new Linear({ inFeatures: 3, outFeatures: 2 });
    class Alone extends Module {
      layer = model;
      forward(x: Tensor) {
        return { y: this.layer.forward(x) };
      }
    }
    const alone = new Alone();
    const numbers = new Numbers("predict");
    const inputs = [2, 5, 2, 2, 5].map((n) => ({ shape: [n, 3], data: numbers.floats(3 * n) }));
    const together = await Promise.all(inputs.map((x) => runtime.predict(alone, x)));
    for (const [i, x] of inputs.entries()) expect(together[i]!.y).toEqual((await runtime.predict(alone, x)).y);
    runtime.dispose();
  });

  test("bad input is refused before anything runs, and what is released is made again", async () => {
    const runtime = await open();
    const model = new Tagger();
    await expect(runtime.predict(model, { tokens: i32([1, 1], [7]) })).rejects.toThrow(DataError);
    await expect(runtime.predict(model, { tokens: { shape: [2, 2], data: new Float32Array(4) } })).rejects.toThrow(
      ShapeError,
    );
    await expect(runtime.predict(model, { tokens: { shape: [2, 2], data: new Int32Array(3) } })).rejects.toThrow(
      /predict: x.tokens has 3 values/,
    );
    await expect(runtime.predict(model, { tokens: undefined as never })).rejects.toThrow(
      /predict: x.tokens is missing/,
    );
    const first = await runtime.predict(model, { tokens: tokens(2), lengths: i32([2], [2, 1]) });
    const { bytes } = runtime.memory();
    expect(bytes).toBeGreaterThan(0);
    runtime.release(model);
    expect(runtime.memory().models).toEqual([]);
    expect((await runtime.predict(model, { tokens: tokens(2), lengths: i32([2], [2, 1]) })).logits).toEqual(
      first.logits,
    );
    runtime.dispose();
    await expect(runtime.predict(model, { tokens: tokens(2) })).rejects.toThrow(/disposed/);
  });
});
