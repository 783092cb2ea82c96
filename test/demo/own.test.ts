/** What the page "Bring your own" knows of files: layers by names and shapes, chains of them, tasks, and refusals. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  CharModel,
  Embedding,
  GRU,
  LayerNorm,
  Linear,
  LSTM,
  Module,
  RNN,
  Runtime,
  type StateDict,
  saveModel,
  type Tensor,
  Vocabulary,
  writeSafetensors,
} from "webgpu-rnn";
import { examples } from "../../demo/pages/own/examples.ts";
import { chainOf, layersOf } from "../../demo/pages/own/layers.ts";
import { compare, largestDifference } from "../../demo/pages/own/program.ts";
import readOnnx from "../../demo/pages/own/readers/onnx.ts";
import readPyTorchFile from "../../demo/pages/own/readers/pytorch.ts";
import read from "../../demo/pages/own/readers/safetensors.ts";

const cpu = await Runtime.open({ backend: "cpu" });
const wasm = await Runtime.open({ backend: "wasm", threads: 1 });
const options = { name: "some.safetensors", seed: 3, steps: 5 };

class Whole extends Module {
  head = new Linear({ inFeatures: 8, outFeatures: 3 });
  body = {
    norm: new LayerNorm({ normalizedShape: 8 }),
    rnn: new GRU({ inputSize: 6, hiddenSize: 4, numLayers: 2, bidirectional: true }),
    token_embedding: new Embedding({ numEmbeddings: 11, embeddingDim: 6 }),
  };
  forward(x: Tensor) {
    const { token_embedding: embedding, rnn, norm } = this.body;
    return { y: this.head.forward(norm.forward(rnn.forward(embedding.forward(x)).output)) };
  }
}

test("layers of a state dict are found by names and shapes, and put where they fit", async () => {
  const weights = await cpu.stateDict(new Whole());
  const { layers, others } = layersOf({ ...weights, "body.scale": { shape: [2, 2, 2], data: new Float32Array(8) } });
  expect(others).toEqual(["body.scale"]);
  expect(
    chainOf(layers).map(({ name, input, layer: { type, reads, gives } }) => [name, type, reads, gives, input]),
  ).toEqual([
    ["body.token_embedding", "Embedding", 11, 6, "x"],
    ["body.rnn", "GRU", 6, 8, undefined],
    ["body.norm", "LayerNorm", 8, 8, undefined],
    ["head", "Linear", 8, 3, undefined],
  ]);
  expect(layers[1]).toMatchObject({ numLayers: 2, bidirectional: true });
});

test.each([
  ["LSTM", new LSTM({ inputSize: 3, hiddenSize: 5, projSize: 2 }), 2],
  ["LSTM", new LSTM({ inputSize: 5, hiddenSize: 5, bias: false }), 5],
  ["GRU", new GRU({ inputSize: 3, hiddenSize: 2, numLayers: 3 }), 2],
  ["RNN", new RNN({ inputSize: 3, hiddenSize: 2, bidirectional: true }), 4],
  ["Linear", new Linear({ inFeatures: 3, outFeatures: 2, bias: false }), 2],
])("%s alone is found", async (type, layer, gives) => {
  const { layers, others } = layersOf(await cpu.stateDict(layer));
  expect(layers.map((found) => [found.type, found.gives])).toEqual([[type, gives]]);
  expect(others).toEqual([]);
});

test("the chain computes what the model computes, on each backend", async () => {
  const whole = new Whole();
  const weights: StateDict = await wasm.stateDict(whole);
  const { model, facts } = await read(writeSafetensors(weights), options);
  expect(facts).toMatchObject({ kind: "weights", isWhole: false, others: [] });
  expect(facts.tensors.find(({ name }) => name === "head.weight")).toEqual({
    ...{ name: "head.weight", type: "F32", shape: [3, 8], bytes: 96 },
  });
  const said = await wasm.predict(whole, model!.inputs.x!);
  const ran = [];
  for await (const found of compare(model!, ["cpu", "wasm"])) ran.push(found.ran!);
  expect(ran).toHaveLength(2);
  for (const { outputs } of ran) expect(largestDifference({ head: said.y }, outputs)).toBeLessThan(1e-6);
  expect(ran[0]!.counts.dispatches).toBe(ran[0]!.plan.commands.filter(({ type }) => type === "dispatch").length);
});

test("the largest difference is one that is there", () => {
  const of = (...data: number[]) => ({ y: { shape: [data.length], data: Float32Array.from(data) } });
  expect(largestDifference(of(1, 2, 3), of(1, 2.5, 2.75))).toBe(0.5);
  expect(largestDifference(of(1), of(1))).toBe(0);
});

test("a character model and a task come back whole", async () => {
  const vocabulary = Vocabulary.fromText("hello");
  const characters = new CharModel({ vocabSize: vocabulary.size, embeddingDim: 3, hiddenSize: 4 });
  const saved = await read(await saveModel(cpu, { model: characters, vocabulary }), options);
  expect(saved.facts).toMatchObject({ kind: "characters", isWhole: true });

  let made = examples.task(wasm, 1);
  let next = await made.next();
  while (!next.done) next = await made.next();
  const task = await read(next.value.bytes, options);
  expect(task.facts).toMatchObject({ kind: "task", detail: "sequence tagger", isWhole: true });
  expect(Object.keys(task.model!.inputs)).toEqual(["lengths", "column sequence"]);
  for (const { model } of [saved, task]) {
    const ran = [];
    for await (const found of compare(model!, ["cpu", "wasm"])) ran.push(found.ran!.outputs);
    expect(Object.keys(ran[0]!)).toContain("logits");
    expect(largestDifference(ran[0]!, ran[1]!)).toBeLessThan(1e-5);
  }

  made = examples.weights(wasm, 1);
  const losses = [];
  for (next = await made.next(); !next.done; next = await made.next()) losses.push(next.value.values!.loss!);
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
});

test("an ONNX graph computes what the weights that it was made of compute", async () => {
  const files = [];
  for (const kind of ["weights", "onnx"] as const) {
    const made = examples[kind](wasm, 1);
    let next = await made.next();
    while (!next.done) next = await made.next();
    files.push(next.value);
  }
  const [weights, onnx] = [await read(files[0]!.bytes, options), await readOnnx(files[1]!.bytes, options)];
  expect(onnx.facts).toMatchObject({ kind: "onnx", isWhole: true, operators: { LSTM: 1 } });
  const x = weights.model!.inputs.x!;
  const said = [];
  for (const { model } of [weights, onnx])
    for await (const { ran } of compare({ ...model!, inputs: { x } }, ["wasm"]))
      said.push(Object.values(ran!.outputs)[0]!);
  expect(largestDifference({ y: said[0]! }, { y: said[1]! })).toBeLessThan(1e-5);
});

const recorded = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../recorded/pytorch/${name}`, import.meta.url)));

test.each(["state-dict.pt", "checkpoint.pt"])(
  "%s of torch.save: its layers, and what belongs to none",
  async (name) => {
    const { facts, model } = await readPyTorchFile(recorded(name), { ...options, name });
    expect(facts.layers.map(({ path, type, reads, gives }) => [path, type, reads, gives])).toEqual([
      ["embedding", "Embedding", 5, 4],
      ["rnn", "LSTM", 4, 6],
      ["head", "Linear", 6, 2],
    ]);
    const norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"].map((part) => `norm.${part}`);
    expect(facts.others).toEqual(norm);
    expect(facts.tensors.find((tensor) => tensor.name === "norm.num_batches_tracked")).toMatchObject({
      type: "int64",
      bytes: 8,
    });
    const outputs = [];
    for await (const { ran } of compare(model!, ["cpu", "wasm"])) outputs.push(ran!.outputs);
    expect(outputs[0]!.head!.shape).toEqual([5, 1, 2]);
    expect(largestDifference(outputs[0]!, outputs[1]!)).toBeLessThan(1e-5);
  },
);

test("what is no such file is refused as the library says it", async () => {
  const bytes = new TextEncoder().encode("PK\x03\x04 and what torch.save writes after that");
  await expect(read(bytes, options)).rejects.toThrow("some.safetensors: is not a safetensors file");
  await expect(readPyTorchFile(recorded("whole-model.pt"), options)).rejects.toThrow("some.safetensors");
  await expect(readOnnx(bytes, options)).rejects.toThrow("some.safetensors");
});
