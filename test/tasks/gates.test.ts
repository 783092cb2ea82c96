/** Gates of layers over a sequence, against the equations in float64. */
import { expect, test } from "vitest";
import { Embedding, GRU, Linear, LSTM, MGU, Module, RNN, Runtime, type Tensor } from "../../src/index.ts";
import { gates } from "../../src/tasks/inside/gates.ts";
import { classes, layerOf, normals, Tagger } from "../support/inside-models.ts";
import { plainLayers } from "../support/plain-layers.ts";

const cpu = await Runtime.open({ backend: "cpu" });
const wasm = await Runtime.open({ backend: "wasm", threads: 1 });
const [T, B, I, H] = [4, 2, 3, 5];
const names = {
  lstm: ["i", "f", "g", "o", "c", "h"],
  gru: ["r", "z", "n", "h"],
  tanh: ["h"],
  relu: ["h"],
  sigmoid: ["h"],
};

test.each(["lstm", "gru", "tanh", "relu", "sigmoid"] as const)(
  "of %s, two layers, are those of its equations",
  async (cell) => {
    const x = normals([T, B, I]);
    for (const [runtime, digits] of [
      [cpu, 12],
      [wasm, 5],
    ] as const) {
      const model = new Tagger(layerOf(cell, I, H, 2), 2);
      const layers = await gates(runtime, model, x);
      const expected = plainLayers({ cell, layers: 2, T, B, H }, await runtime.stateDict(model), "rnn.", x);
      expect(layers.map(({ name }) => name)).toEqual(["rnn.l0", "rnn.l1"]);
      for (const [l, { values }] of layers.entries()) {
        expect(Object.keys(values)).toEqual(names[cell]);
        for (const [name, { shape, data }] of Object.entries(values)) {
          expect(shape).toEqual([T, B, H]);
          const plain = expected[l]!.flatMap((step) => step[name]!);
          for (const [i, value] of plain.entries()) expect(data[i], `${l} ${name} ${i}`).toBeCloseTo(value, digits);
        }
      }
    }
  },
);

test("h is the layer's own output, also with lengths, tokens and without biases", async () => {
  class Words extends Module {
    embedding = new Embedding({ numEmbeddings: 6, embeddingDim: I });
    first = new GRU({ inputSize: I, hiddenSize: H, bias: false });
    second = new LSTM({ inputSize: 6, hiddenSize: H, projSize: 2 });
    forward({ tokens, lengths }: { tokens: Tensor; lengths: Tensor }) {
      const { output: first } = this.first.forward(this.embedding.forward(tokens), undefined, { lengths });
      return { first, second: this.second.forward(tokens).output };
    }
  }
  const model = new Words();
  const x = { tokens: classes([T, B], 6), lengths: { shape: [B], data: Int32Array.of(4, 2) } };
  const [first, second] = await gates(cpu, model, x);
  const own = await cpu.predict(model, x);
  expect([first!.name, second!.name, first!.cell, second!.cell]).toEqual(["first", "second", "gru", "lstm"]);
  expect([...second!.values.h!.data]).toEqual([...own.second!.data]);
  expect(second!.values.i!.shape).toEqual([T, B, H]);
  // In a step that is passed over h is held, and the output is zero.
  const row = (data: ArrayLike<number>, t: number, b: number) =>
    Array.from(data).slice((t * B + b) * H, (t * B + b + 1) * H);
  expect(row(first!.values.h!.data, 1, 1)).toEqual(row(own.first!.data, 1, 1));
  expect(row(first!.values.h!.data, 3, 1)).toEqual(row(own.first!.data, 1, 1));
  expect(row(first!.values.h!.data, 3, 0)).toEqual(row(own.first!.data, 3, 0));
  // With a gate z and a candidate n, h is what lies between n and the h before.
  const { z, n, h } = first!.values;
  for (let u = 0; u < H; u++) {
    const [zu, nu, hu] = [z, n, h].map((one) => row(one!.data, 1, 0)[u]!) as [number, number, number];
    expect((1 - zu) * nu + zu * row(h!.data, 0, 0)[u]!).toBeCloseTo(hu, 12);
  }
});

test("a layer that is called twice stands there twice; of other cells there are the states", async () => {
  class Twice extends Module {
    rnn = new MGU({ inputSize: I, hiddenSize: I });
    forward(x: Tensor) {
      return this.rnn.forward(this.rnn.forward(x).output);
    }
  }
  const layers = await gates(cpu, new Twice(), normals([T, B, I]));
  expect(layers.map(({ name }) => name)).toEqual(["rnn", "rnn 2"]);
  expect(layers.map(({ values }) => Object.keys(values))).toEqual([["h"], ["h"]]);
  const [bare] = await gates(cpu, new LSTM({ inputSize: I, hiddenSize: 4, numHeads: 2 }), normals([T, B, I]));
  expect(bare!.name).toBe("lstm");
  expect(Object.keys(bare!.values)).toEqual(["c", "h"]);
});

test("what has no gates is refused", async () => {
  const x = normals([T, B, I]);
  await expect(gates(cpu, new Linear({ inFeatures: I, outFeatures: 2 }), x)).rejects.toThrow("no recurrent layer");
  const both = new RNN({ inputSize: I, hiddenSize: 2, bidirectional: true });
  await expect(gates(cpu, both, x)).rejects.toThrow("one direction");
  const layer = new RNN({ inputSize: I, hiddenSize: 2 });
  await expect(gates(cpu, layer, [[1, 2, 3]] as never)).rejects.toThrow(
    "gates: x.0 is [1, 2, 3], expected { shape, data }",
  );
  await expect(gates(cpu, layer, { shape: [2, 3], data: new Float32Array(6) })).rejects.toThrow("expected [T,B,3]");
});
