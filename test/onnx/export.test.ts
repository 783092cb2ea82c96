/** What an exported ONNX file consists of, and what is refused; test/onnxruntime compares what it computes. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Conv1d, functional as F, GRU, Linear, LSTM, Module, RNN, type Tensor } from "../../src/index.ts";
import { inspectOnnx } from "../../src/onnx/index.ts";
import { decode, type Message } from "../../src/onnx/proto.ts";
import { Model, tokens, weightsOf, write } from "../support/exported-models.ts";

/** A graph with what tests ask of it. */
function read(file: Uint8Array) {
  const model = decode("ModelProto", file);
  const graph = model.graph!;
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  const attributesOf = ({ attribute }: Message<"NodeProto">) =>
    Object.fromEntries(
      attribute.map(({ name, type, i, f, s, ints, floats, strings }) => [
        name,
        { 1: f, 2: i, 3: text(s), 6: floats, 7: ints, 8: strings.map(text) }[type!],
      ]),
    );
  const nodes = graph.node.map((node) => ({ ...node, attributes: attributesOf(node) }));
  const numbers = (name: string) => {
    const { rawData, dims } = graph.initializer.find((one) => one.name === name)!;
    return { dims, data: [...new Float32Array(rawData!.slice().buffer)] };
  };
  return { model, graph, nodes, numbers, of: (op: string) => nodes.filter(({ opType }) => opType === op) };
}

describe("a file", () => {
  test("has the model's inputs, outputs and states, with names for open axes", () => {
    const file = write(new Model(), { ...tokens, metadata: { vocabulary: "abc" } });
    const { inputs, outputs, opset, producer, operators } = inspectOnnx(file);
    expect({ opset, producer }).toEqual({ opset: 17, producer: "webgpu-rnn" });
    expect(inputs).toEqual([
      { name: "x", type: "INT32", shape: ["T", "B"] },
      { name: "state.h", type: "FLOAT", shape: [1, "B", 4] },
      { name: "state.c", type: "FLOAT", shape: [1, "B", 4] },
    ]);
    expect(outputs).toEqual([
      { name: "logits", type: "FLOAT", shape: ["T", "B", 5] },
      { name: "next.h", type: "FLOAT", shape: [1, "B", 4] },
      { name: "next.c", type: "FLOAT", shape: [1, "B", 4] },
    ]);
    expect(operators).toEqual({ Add: 1, Gather: 1, LSTM: 1, MatMul: 1, Squeeze: 1, Transpose: 1 });
    const { model } = read(file);
    expect(model.irVersion).toBe(8);
    expect(model.metadataProps).toEqual([{ key: "vocabulary", value: "abc" }]);
  });

  test("has weights under their names, and those of recurrent layers packed as ONNX has them", () => {
    const model = new Model();
    const weights = weightsOf(model);
    const { graph, nodes, numbers, of } = read(write(model, tokens));
    expect(graph.initializer.map(({ name }) => name).filter((name) => !name!.startsWith("constant."))).toEqual([
      "embedding.weight",
      "head.weight",
      "head.bias",
      "rnn.W",
      "rnn.R",
      "rnn.B",
    ]);
    expect(numbers("head.weight")).toEqual({ dims: [5, 4], data: [...weights["head.weight"]!.data] });
    expect(numbers("rnn.W").dims).toEqual([1, 16, 3]);
    // i o f c there, i f g o here: the first rows of o are ours from the 12th row on.
    expect(numbers("rnn.W").data.slice(12, 15)).toEqual([...weights["rnn.weight_ih_l0"]!.data.slice(36, 39)]);
    const [lstm] = of("LSTM");
    expect(lstm!.input).toEqual(["embedding.Gather", "rnn.W", "rnn.R", "rnn.B", "", "state.h", "state.c"]);
    expect(lstm!.output).toEqual(["rnn.LSTM", "next.h", "next.c"]);
    expect(lstm!.attributes).toEqual({ hidden_size: 4, direction: "forward" });
    // In an order in which they can run.
    const known = new Set(["", ...graph.input.map(({ name }) => name!), ...graph.initializer.map(({ name }) => name!)]);
    for (const { input, output } of nodes) {
      expect(input.filter((name) => !known.has(name))).toEqual([]);
      for (const name of output) known.add(name);
    }
  });

  test("says options of cells as attributes", () => {
    const attributesOf = (layer: LSTM | GRU | RNN) => {
      class Of extends Module {
        rnn = layer as LSTM;
        forward(x: Tensor) {
          return { y: this.rnn.forward(x).output };
        }
      }
      const { nodes } = read(write(new Of(), { inputs: { x: [3, 2, 2] } }));
      return nodes.find(({ opType }) => ["LSTM", "GRU", "RNN"].includes(opType!))!.attributes;
    };
    const size = { inputSize: 2, hiddenSize: 2 };
    expect(attributesOf(new GRU(size))).toEqual({ hidden_size: 2, direction: "forward", linear_before_reset: 1 });
    expect(attributesOf(new GRU({ ...size, resetAfter: false, goBackwards: true }))).toEqual({
      hidden_size: 2,
      direction: "reverse",
    });
    expect(attributesOf(new LSTM({ ...size, coupledGates: true }))).toMatchObject({ input_forget: 1 });
    const activations = { gate: "HardSigmoid", hidden: ["Tanh", { name: "Affine", alpha: 0.5, beta: 0.25 }] } as const;
    expect(attributesOf(new LSTM({ ...size, bidirectional: true, activations }))).toMatchObject({
      direction: "bidirectional",
      activations: ["HardSigmoid", "Tanh", "Tanh", "HardSigmoid", "Tanh", "Affine"],
      activation_alpha: [expect.closeTo(0.2), expect.closeTo(0.2), 0.5],
      activation_beta: [0.5, 0.5, 0.25],
    });
    expect(attributesOf(new RNN({ ...size, nonlinearity: "relu", clip: 2 }))).toEqual({
      hidden_size: 2,
      direction: "forward",
      activations: ["Relu"],
      clip: 2,
    });
  });

  test("has no open axis, and no Shape, where every length is given", () => {
    const { operators, inputs } = inspectOnnx(write(new Model(), { inputs: { x: { shape: [4, 1], dtype: "i32" } } }));
    expect(operators.Shape).toBeUndefined();
    expect(inputs[0]!.shape).toEqual([4, 1]);
  });

  test("has a lengths' computation where it depends on open axes", () => {
    class Flat extends Module {
      forward(x: Tensor) {
        const [T, B] = x.shape as [number, number];
        return {
          flat: x.reshape([T * B, 2]),
          turned: x.permute([1, 0, 2]).reshape([B, T * 2]),
          twice: F.concat([x, x], 0),
        };
      }
    }
    const { nodes } = read(write(new Flat(), { inputs: { x: ["T", "B", 2] }, dynamic: ["T", "B"] }));
    expect(nodes.map(({ opType }) => opType)).toEqual(["Reshape", "Transpose", "Reshape", "Concat"]);
    const { outputs } = inspectOnnx(write(new Flat(), { inputs: { x: ["T", "B", 2] }, dynamic: ["T", "B"] }));
    expect(outputs.map(({ shape }) => shape)).toEqual([
      ["?", 2],
      ["B", "?"],
      ["?", "B", 2],
    ]);
  });

  test("gives what is an input, a weight or twice an output its own name", () => {
    class Same extends Module {
      head = new Linear({ inFeatures: 2, outFeatures: 2 });
      forward(x: Tensor) {
        const y = this.head.forward(x);
        return { x2: x, w: this.head.weight.tensor, a: y, b: y };
      }
    }
    const { nodes } = read(write(new Same(), { inputs: { x: [3, 2] } }));
    expect(nodes.map(({ opType, input, output }) => [opType, input[0], output[0]])).toEqual([
      ["Gemm", "x", "a"],
      ["Identity", "x", "x2"],
      ["Identity", "head.weight", "w"],
      ["Identity", "a", "b"],
    ]);
  });

  test("leaves states out where it is told so, or where no caller can carry them", () => {
    expect(inspectOnnx(write(new Model(), { ...tokens, states: false })).inputs.map(({ name }) => name)).toEqual(["x"]);
    class Both extends Module {
      rnn = new GRU({ inputSize: 2, hiddenSize: 2, bidirectional: true });
      forward(x: Tensor, state?: never) {
        const { output, state: next } = this.rnn.forward(x, state);
        return { output, state: next };
      }
    }
    const x = { inputs: { x: [3, 2, 2] } };
    expect(inspectOnnx(write(new Both(), x)).outputs.map(({ name }) => name)).toEqual(["output"]);
    expect(() => write(new Both(), { ...x, states: true })).toThrow(
      /states cannot be inputs and outputs: the state h is of a layer that runs from the end/,
    );
  });
});

test("every op of a graph has a writer, or belongs to what is no model", () => {
  const text = readdirSync(new URL("../../src/graph/ops", import.meta.url))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(new URL(`../../src/graph/ops/${name}`, import.meta.url), "utf8"))
    .join("\n");
  const names = [...text.matchAll(/(?:\bname: |onDemand(?:<[^(]*>)?\(\s*)"([a-z-]+)"/g)].map(([, name]) => name!);
  const writers = readFileSync(new URL("../../src/onnx/export.ts", import.meta.url), "utf8");
  const missing = [...new Set(names)].filter((name) => !new RegExp(`^ {2}"?${name}"?: [w[]`, "m").test(writers));
  // What trains, generates and streams.
  expect(missing.sort()).toEqual(["beam-step", "dropout", "hold-rows", "row-gather", "sample"]);
});

test("convolutions and pooling are one node each, also with a stride along an open axis", () => {
  class Convolving extends Module {
    conv = new Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 3, stride: 2, padding: 1 });
    forward(x: Tensor) {
      const y = this.conv.forward(x);
      return { y, image: F.maxPool2d(x.unsqueeze(1), [1, 2], { stride: [1, 2] }) };
    }
  }
  const { nodes } = read(write(new Convolving(), { inputs: { x: ["T", 1, 2] }, dynamic: ["T"] }));
  expect(nodes.map(({ opType }) => opType)).toEqual(["Transpose", "Conv", "Transpose", "MaxPool", "Reshape"]);
  expect(nodes[1]!.attributes).toEqual({ kernel_shape: [3], strides: [2], dilations: [1], pads: [1, 1] });
  expect(nodes[3]!.attributes).toEqual({ kernel_shape: [2], strides: [2], dilations: [1], pads: [0, 0] });
});
