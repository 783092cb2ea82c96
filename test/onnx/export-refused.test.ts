/** What has no place in an ONNX file is refused, all at once; so are options that make no sense. */
import { describe, expect, test } from "vitest";
import {
  crossEntropy,
  Embedding,
  functional as F,
  GRU,
  IndRNN,
  LimitError,
  LSTM,
  MGU,
  MinGRU,
  Module,
  type Tensor,
} from "../../src/index.ts";
import { exportOnnx } from "../../src/onnx/index.ts";
import { Model, tokens, weightsOf, write } from "../support/exported-models.ts";

const foreign = /forward reads a parameter that is not the model's; make its layer a field/;

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
    expect(() => write(new Foreign(), { inputs: { x: [2, 4] } })).toThrow(foreign);
    // With names that the model's own weights have, too.
    class Hidden extends GRU {
      readonly #other = new GRU({ inputSize: 2, hiddenSize: 2 });
      override forward(x: Tensor) {
        return super.forward(this.#other.forward(x).output);
      }
    }
    const hidden = new Hidden({ inputSize: 2, hiddenSize: 2 });
    expect(() => write(hidden, { inputs: { x: [3, 1, 2] } })).toThrow(foreign);
  });

  test("are more weights than a file in one piece holds", () => {
    const huge = new Embedding({ numEmbeddings: 2 ** 27, embeddingDim: 4 });
    expect(() => exportOnnx(huge, { weights: {}, inputs: { x: { shape: [1], dtype: "i32" } } })).toThrow(LimitError);
  });
});

test("a part of a larger model keeps its names there", () => {
  class Larger extends Module {
    parts = [new Model(), new Model()];
    forward(x: Tensor) {
      return this.parts[1]!.forward(x);
    }
  }
  const model = new Larger();
  write(model, { ...tokens, states: false });
  const [, part] = model.parts;
  part!.path = "parts.1";
  part!.rnn.path = "parts.1.rnn";
  part!.head.weight.name = "parts.1.head.weight";
  const file = write(part!, tokens);
  expect(new TextDecoder().decode(file)).not.toContain("parts.1");
  expect([part!.path, part!.rnn.path, part!.head.weight.name]).toEqual([
    "parts.1",
    "parts.1.rnn",
    "parts.1.head.weight",
  ]);
  expect(() => write(part!, { inputs: { x: [2, 2] } })).toThrow(/tokens are f32/);
  expect(part!.path).toBe("parts.1");
});
