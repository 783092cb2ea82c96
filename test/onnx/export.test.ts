/** What an exported ONNX file consists of, and what is refused; test/onnxruntime compares what it computes. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  Conv1d,
  crossEntropy,
  Embedding,
  functional as F,
  GRU,
  IndRNN,
  Linear,
  LSTM,
  MGU,
  MinGRU,
  Module,
  RNN,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import { namedParts } from "../../src/nn/module.ts";
import { type ExportOnnxOptions, exportOnnx, inspectOnnx } from "../../src/onnx/index.ts";
import { decode, type Message } from "../../src/onnx/proto.ts";
import { sizeOf } from "../../src/tensor-data.ts";

/** Weights that need no runtime: element i of all is i. */
function weightsOf(model: Module): StateDict {
  let i = 0;
  return Object.fromEntries(
    namedParts(model).map(({ name, shape }) => [
      name,
      { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => i++) },
    ]),
  );
}
const write = (model: Module, options: Omit<ExportOnnxOptions, "weights">) =>
  exportOnnx(model, { weights: weightsOf(model), ...options });

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

class Model extends Module {
  embedding = new Embedding({ numEmbeddings: 5, embeddingDim: 3 });
  rnn = new LSTM({ inputSize: 3, hiddenSize: 4 });
  head = new Linear({ inFeatures: 4, outFeatures: 5 });
  forward(x: Tensor, state?: never) {
    const { output, state: next } = this.rnn.forward(this.embedding.forward(x), state);
    return { logits: this.head.forward(output), state: next };
  }
}
const tokens = { inputs: { x: { shape: ["T", "B"], dtype: "i32" as const } }, dynamic: ["T", "B"] };

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

describe("refused", () => {
  test("is every part that ONNX cannot say, all at once, with its place, the reason and the way out", () => {
    class Strange extends Module {
      mgu = new MGU({ inputSize: 2, hiddenSize: 2 });
      layers = [
        new LSTM({ inputSize: 2, hiddenSize: 2, layerNorm: true }),
        new GRU({ inputSize: 2, hiddenSize: 2, zoneout: 0.1 }),
      ];
      projected = new LSTM({ inputSize: 2, hiddenSize: 3, projSize: 2 });
      independent = new IndRNN({ inputSize: 2, hiddenSize: 2 });
      min = new MinGRU({ inputSize: 2, hiddenSize: 2 });
      held = new GRU({ inputSize: 2, hiddenSize: 2, maskedOutput: "hold" });
      forward({ x, mask, lengths, target }: { x: Tensor; mask: Tensor; lengths: Tensor; target: Tensor }) {
        let y = this.mgu.forward(x).output;
        for (const layer of this.layers) y = layer.forward(y).output;
        y = this.independent.forward(this.projected.forward(y).output).output;
        y = this.held.forward(this.min.forward(y).output, undefined, { lengths }).output;
        y = this.layers[1]!.forward(y, undefined, { mask }).output;
        return { y, loss: crossEntropy().apply(y, target).loss };
      }
    }
    const i32 = (...shape: (string | number)[]) => ({ shape, dtype: "i32" as const });
    const inputs = { x: ["T", 2, 2], mask: i32("T", 2), lengths: i32(2), target: i32("T", 2) };
    let message = "";
    try {
      write(new Strange(), { inputs, dynamic: ["T"] });
    } catch (error) {
      message = (error as Error).message;
    }
    const lines = message.split("\n");
    expect(lines[0]).toBe("exportOnnx: ONNX has no place for 10 parts of Strange:");
    for (const part of [
      /^- mgu \(recurrent\): the cell mgu: ONNX has LSTM, GRU and RNN; train one of these/,
      /^- layers\.0 \(recurrent\): layer normalisation inside the cell lstm; use/,
      /^- layers\.1 \(recurrent\): zoneout, .+; use/,
      /^- layers\.1 \(recurrent\): a mask of its steps: .+; give it lengths in place of a mask/,
      /^- projected \(recurrent\): a projection \(projSize\)/,
      /^- independent \(recurrent\): the cell indrnn\(Relu\)/,
      /^- min gates \(scan-gates\): the gates of minGRU/,
      /^- min \(linear-recurrence\): the recurrence of minGRU/,
      /^- held \(recurrent\): maskedOutput "hold": .+; build it with maskedOutput "zero"/,
      /^- .+ \(cross-entropy\): a loss; return what the loss is computed from/,
    ])
      expect(lines.filter((line) => part.test(line)).length, String(part)).toBe(1);
  });

  const layer = (rnn: LSTM | GRU, real: "mask" | "lengths" = "lengths") =>
    new (class Masked extends Module {
      rnn = rnn as GRU;
      forward({ x, mask }: { x: Tensor; mask: Tensor }) {
        return { y: this.rnn.forward(x, undefined, { [real]: mask }).output };
      }
    })();
  test.each([
    [
      layer(new GRU({ inputSize: 2, hiddenSize: 2 }), "mask"),
      /a mask of its steps: .+ lengths only; give it lengths/,
      [3, 2],
    ],
    [layer(new LSTM({ inputSize: 2, hiddenSize: 2, clip: 1 })), /clip of an LSTM/, [2]],
    [layer(new LSTM({ inputSize: 2, hiddenSize: 2, cellClip: 1 })), /cellClip/, [2]],
    [
      layer(new LSTM({ inputSize: 2, hiddenSize: 2, coupledGates: true, activations: { gate: "HardSigmoid" } })),
      /coupled gates with another activation/,
      [2],
    ],
  ])("is what a layer has and ONNX has not", (model, message, shape) => {
    expect(() => write(model, { inputs: { x: [3, 2, 2], mask: { shape, dtype: "i32" } } })).toThrow(message);
  });

  class Of extends Module {
    readonly of: (x: Tensor) => Record<string, Tensor>;
    constructor(of: (x: Tensor) => Record<string, Tensor>) {
      super();
      this.of = of;
    }
    forward(x: Tensor) {
      return this.of(x);
    }
  }
  test.each([
    [
      "steps one by one",
      (x: Tensor) => ({ y: x.split(1, 0).reduce((sum, one) => sum.add(one)) }),
      /makes another graph where T is longer: .+; give that axis a number/,
    ],
    [
      "a number",
      (x: Tensor) => ({ y: x.mul(1 / x.shape[0]!) }),
      /x?mul.*pointwise.*a number in it depends on the length of an open axis; give/,
    ],
    ["a divisor", (x: Tensor) => ({ y: x.variance(0) }), /it divides by a number that depends on the length/],
    [
      "a constant",
      (x: Tensor) => ({
        y: x.mul(
          F.constant(
            Array.from({ length: x.shape[0]! }, (_, t) => t),
            { shape: [x.shape[0]!, 1, 1] },
          ),
        ),
      }),
      /the constant "constant" depends on the length/,
    ],
    [
      "a filling",
      (x: Tensor) => ({
        y: x.pad([
          [0, 200 - x.shape[0]!],
          [0, 0],
          [0, 0],
        ]),
      }),
      /how much is filled up depends on the length/,
    ],
    [
      "a half",
      (x: Tensor) => ({ y: x.slice(0, Math.floor(x.shape[0]! / 2), 0) }),
      /a length here depends on an open axis in a way that is not known/,
    ],
  ])("is a graph that depends on the length of an open axis: %s", (_, of, message) => {
    expect(() => write(new Of(of), { inputs: { x: ["T", 2, 2] }, dynamic: ["T"] })).toThrow(message);
  });

  test("are options that make no sense", () => {
    const model = new Model();
    const fails = (options: object, message: RegExp) =>
      expect(() => exportOnnx(model, { weights: weightsOf(model), ...options } as never)).toThrow(message);
    fails({}, /inputs are undefined, expected a shape for each/);
    fails({ inputs: {} }, /expected a shape for each/);
    fails({ inputs: { x: 3 } }, /input "x" is 3, expected a shape/);
    fails(
      { inputs: { x: { shape: ["T", 2], dtype: "i32" } } },
      /has shape \["T", 2\]; a length is a whole number .+ names in dynamic \(none\)/,
    );
    fails({ inputs: { x: [0, 2] } }, /a length is a whole number of at least 1/);
    fails({ inputs: { x: { shape: [1, 2], dtype: "f16" } } }, /has dtype "f16", expected "f32" or "i32"/);
    fails(
      { inputs: { x: { shape: ["T", 2], dtype: "i32" } }, dynamic: ["T", "B"] },
      /dynamic names B, which no input's shape has/,
    );
    fails({ inputs: { x: ["T", "T"] }, dynamic: ["T", "T"] }, /expected at most 8 names, each once/);
    fails({ ...tokens, opset: 21 }, /opset/);
    fails({ ...tokens, weights: undefined }, /weights are undefined, expected await runtime.stateDict\(model\)/);
    fails({ ...tokens, weights: {} }, /the state dict does not fit the model; missing/);
    fails({ ...tokens, forward: () => 1 }, /forward returned 1, expected a record of outputs/);
    fails({ ...tokens, forward: () => ({}) }, /forward returned no tensor/);
    fails(
      { ...tokens, forward: ({ x }: { x: Tensor }) => ({ x: x.add(1) }) },
      /x is an input and an output; give the output another name/,
    );
    class Foreign extends Module {
      forward(x: Tensor) {
        return { y: model.head.forward(x) };
      }
    }
    expect(() => write(new Foreign(), { inputs: { x: [2, 4] } })).toThrow(
      /a parameter that is not the model's; make it a field/,
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

test("a convolution of an open length, one window", () => {
  class Convolving extends Module {
    conv = new Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 1 });
    forward(x: Tensor) {
      return { y: this.conv.forward(x) };
    }
  }
  const { operators } = inspectOnnx(write(new Convolving(), { inputs: { x: ["T", 1, 2] }, dynamic: ["T"] }));
  expect(operators.MatMul).toBe(1);
});
