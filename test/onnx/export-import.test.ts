/** What leaves as ONNX comes back as the same model; test/onnxruntime has many more. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  adam,
  CharModel,
  Conv1d,
  functional as F,
  GRU,
  Linear,
  Module,
  Runtime,
  type Tensor,
} from "../../src/index.ts";
import { exportOnnx, importOnnx } from "../../src/onnx/index.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.open({ backend: "cpu" });
});
afterAll(() => runtime.dispose());

const numbers = ({ data }: { readonly data: ArrayLike<number> }) => Array.from(data);
const expectClose = (found: readonly number[], expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
};

test.each(["lstm", "gru", "rnn_tanh"] as const)("a session of a character model goes on alike: %s", async (cell) => {
  const model = new CharModel({ vocabSize: 7, cell, embeddingDim: 4, hiddenSize: 5, numLayers: 2 });
  runtime.initialize(model, { seed: 2 });
  const weights = await runtime.stateDict(model);
  const inputs = { x: { shape: ["T", "B"], dtype: "i32" as const } };
  const file = exportOnnx(model, { weights, inputs, dynamic: ["T", "B"] });
  const states = cell === "lstm" ? { "next.h": "state.h", "next.c": "state.c" } : { "next.h": "state.h" };
  const imported = importOnnx(file, { states });
  const shape = { inputs: { x: { shape: [2, 3], dtype: "i32" as const } }, streams: 3 };
  const [ours, theirs] = [await runtime.session(model, shape), await runtime.session(imported, shape)];
  for (let call = 0; call < 4; call++) {
    const x = { shape: [2, 3], data: Int32Array.from({ length: 6 }, (_, i) => (call * 5 + i * 3) % 7) };
    const [expected, found] = [await ours.run({ x }), await theirs.run({ x })];
    expectClose(numbers(found.logits!), numbers(expected.logits!));
  }
});

test("a model with a convolution, pooling and lengths is trained further alike", async () => {
  class Model extends Module {
    conv = new Conv1d({ inChannels: 3, outChannels: 4, kernelSize: 3, padding: "same" });
    rnn = new GRU({ inputSize: 4, hiddenSize: 3, bidirectional: true });
    head = new Linear({ inFeatures: 6, outFeatures: 2 });
    forward({ x, lengths }: { x: Tensor; lengths: Tensor }) {
      const { output } = this.rnn.forward(this.conv.forward(x).relu(), undefined, { lengths });
      return { logits: this.head.forward(F.maxPool(output, { lengths })) };
    }
  }
  const model = new Model();
  runtime.initialize(model, { seed: 4 });
  const weights = await runtime.stateDict(model);
  const inputs = { x: ["T", "B", 3], lengths: { shape: ["B"], dtype: "i32" as const } };
  const imported = importOnnx(exportOnnx(model, { weights, inputs, dynamic: ["T", "B"] }));
  const x = { shape: [5, 4, 3], data: Float32Array.from({ length: 60 }, (_, i) => Math.sin(i * 1.7)) };
  const lengths = { shape: [4], data: Int32Array.of(5, 3, 1, 4) };
  const batch = { x: { x, lengths }, target: { shape: [4], data: Int32Array.of(0, 1, 1, 0) } };
  const train = async (one: Module) => {
    const trainer = runtime.trainer(one, { optimizer: adam({ lr: 0.05 }) });
    const losses: number[] = [];
    for (let i = 0; i < 12; i++) losses.push((await trainer.step(batch)).loss);
    return losses;
  };
  const [expected, found] = [await train(model), await train(imported)];
  expect(found.at(-1)).toBeLessThan(found[0]! / 2);
  expectClose(found, expected);
});
