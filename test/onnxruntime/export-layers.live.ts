/** Layers without a memory, convolutions, attention and pooling, exported to ONNX, as ONNX Runtime computes them. */
import { describe, expect, test } from "vitest";
import {
  AdditiveAttention,
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  Embedding,
  functional as F,
  GRU,
  LayerNorm,
  Linear,
  LSTM,
  Module,
  MultiplicativeAttention,
  type Tensor,
} from "../../src/index.ts";
import { compare, Of } from "./export-compared.ts";

const sizes = [
  { T: 5, B: 2 },
  { T: 2, B: 3 },
  { T: 9, B: 1 },
];
const whole = { shape: ["T", "B"], dtype: "i32" as const };
type Case = (inputs: Readonly<Record<string, Tensor>>) => Record<string, Tensor>;

const lengths = (name: string, { T = 1, B = 1 }: Readonly<Record<string, number>>) =>
  name === "lengths" ? Array.from({ length: B }, (_, b) => 1 + ((b * 3 + 1) % T)) : undefined;
const x = ["T", "B", 4];
const ofLengths = { shape: ["B"], dtype: "i32" as const };

describe("layers", () => {
  class Feeding extends Module {
    embedding = new Embedding({ numEmbeddings: 9, embeddingDim: 6 });
    norm = new LayerNorm({ normalizedShape: 6 });
    plain = new LayerNorm({ normalizedShape: 6, elementwiseAffine: false, eps: 1e-3 });
    head = new Linear({ inFeatures: 6, outFeatures: 9, weight: this.embedding.weight, bias: false });
    out = new Linear({ inFeatures: 6, outFeatures: 3 });
    oneHot = new Linear({ inFeatures: 9, outFeatures: 2 });
    forward(tokens: Tensor) {
      const e = this.embedding.forward(tokens);
      const y = this.norm.forward(e);
      return {
        tied: this.head.forward(y),
        out: this.out.forward(this.plain.forward(e)),
        rows: this.out.forward(y.mean(0)),
        oneHot: this.oneHot.forward(tokens),
      };
    }
  }
  test("embedding, normalisation, linear", async () => {
    const operators = await compare(new Feeding(), {
      inputs: { x: whole },
      dynamic: ["T", "B"],
      sizes,
      below: { x: 9 },
    });
    expect(operators).toMatchObject({ Gemm: 1, LayerNormalization: 2 });
  });

  test.each([
    {},
    { stride: 2 },
    { dilation: 2, padding: "same" },
    { padding: "causal", batchFirst: true },
    { padding: 1, stride: 3, bias: false },
    { kernelSize: 1 },
  ] as const)("convolution %o", async (options) => {
    class Convolving extends Module {
      conv = new Conv1d({ inChannels: 4, outChannels: 3, kernelSize: 3, ...options });
      forward(input: Tensor) {
        return { y: this.conv.forward(input) };
      }
    }
    const longer = [
      { T: 8, B: 2 },
      { T: 6, B: 1 },
      { T: 5, B: 3 },
    ];
    if (!("stride" in options)) await compare(new Convolving(), { inputs: { x }, dynamic: ["T", "B"], sizes: longer });
    for (const T of [7, 8, 9])
      await compare(new Convolving(), { inputs: { x: [T, "B", 4] }, dynamic: ["B"], sizes: [{ B: 2 }] });
  });

  class Image extends Module {
    conv = new Conv2d({ inChannels: 2, outChannels: 4, kernelSize: [3, 2], padding: 1, stride: [1, 2], groups: 2 });
    one = new Conv2d({ inChannels: 4, outChannels: 3, kernelSize: 1, bias: false });
    up = new ConvTranspose2d({
      inChannels: 3,
      outChannels: 2,
      kernelSize: 3,
      stride: 2,
      padding: [1, 0],
      outputPadding: 1,
    });
    forward(image: Tensor) {
      const y = this.one.forward(this.conv.forward(image).relu());
      return { y, up: this.up.forward(y), max: F.maxPool2d(image, 2), mean: F.avgPool2d(image, [2, 3], { stride: 1 }) };
    }
  }
  test("convolutions and pooling of images", async () => {
    const operators = await compare(new Image(), { inputs: { x: [2, 2, 7, 9] } });
    expect(operators).toMatchObject({ Conv: 1, ConvTranspose: 1, MaxPool: 1, AveragePool: 1 });
    const bound = [
      { N: 1, H: 6, W: 7 },
      { N: 3, H: 8, W: 12 },
      { N: 2, H: 5, W: 6 },
    ];
    await compare(new Image(), { inputs: { x: ["N", 2, "H", "W"] }, dynamic: ["N", "H", "W"], sizes: bound });
  });

  class Strided extends Module {
    layers = [new Conv1d({ inChannels: 4, outChannels: 3, kernelSize: 4, stride: 3, padding: 2 })];
    up = new ConvTranspose1d({ inChannels: 4, outChannels: 2, kernelSize: 4, stride: 3, groups: 2 });
    rnn = new LSTM({ inputSize: 3, hiddenSize: 3, bidirectional: true });
    forward(input: Tensor) {
      const channels = input.permute([1, 2, 0]);
      const same = F.conv1d(
        channels,
        F.constant(
          Array.from({ length: 24 }, (_, i) => i / 9 - 1),
          { shape: [4, 2, 3] },
        ),
        undefined,
        { groups: 2, dilation: 2, padding: [[1, 3]] },
      );
      return {
        strided: this.rnn.forward(this.layers[0]!.forward(input)).output,
        same,
        up: this.up.forward(channels),
        max: F.maxPool1d(channels, 3, { stride: 2, padding: 1 }),
        ceil: F.maxPool1d(channels, 2, { ceilMode: true }),
        mean: F.avgPool1d(channels, 2),
        padded: F.avgPool1d(channels, 3, { stride: 1, padding: 1 }),
        dilated: F.maxPool1d(channels, 2, { stride: 1, dilation: 2 }),
      };
    }
  }
  test("convolutions and pooling of sequences, strides along an open axis", async () => {
    await compare(new Strided(), { inputs: { x: [9, 2, 4] } });
    await compare(new Strided(), {
      inputs: { x: ["T", "B", 4] },
      dynamic: ["T", "B"],
      sizes: [7, 8, 9, 10, 11].map((T, i) => ({ T, B: (i % 2) + 1 })),
    });
  });

  class Attending extends Module {
    additive = new AdditiveAttention({ querySize: 4, hiddenSize: 5, bias: true });
    general = new MultiplicativeAttention({ querySize: 4, scale: true });
    dot = new MultiplicativeAttention({ querySize: 4, score: "dot" });
    forward({ q, x: keys, lengths: real, mask }: { q: Tensor; x: Tensor; lengths?: Tensor; mask?: Tensor }) {
      const given = { ...(real && { lengths: real }), ...(mask && { mask }) };
      const a = this.additive.forward(q, keys, given);
      const g = this.general.forward(q, keys, given);
      const d = this.dot.forward(q.select(-1), keys, given);
      return { a, g, d };
    }
  }
  const axes = {
    dynamic: ["T", "B", "S"],
    sizes: [
      { T: 3, B: 2, S: 4 },
      { T: 1, B: 3, S: 6 },
    ],
    given: lengths,
  };
  test("attention", async () => {
    await compare(new Attending(), { ...axes, inputs: { q: ["S", "B", 4], x } });
    await compare(new Attending(), { ...axes, inputs: { q: ["S", "B", 4], x, lengths: ofLengths } });
    await compare(new Attending(), { ...axes, inputs: { q: ["S", "B", 4], x, mask: whole } });
  });
  test("attention with no real key weighs nothing", async () => {
    const none = (name: string) => (name === "mask" ? [1, 0, 0, 0, 1, 0] : undefined);
    await compare(new Attending(), {
      inputs: { q: [2, 2, 4], x: [3, 2, 4], mask: { shape: [3, 2], dtype: "i32" } },
      given: none,
    });
  });

  const pools: Case = ({ a: steps, ...all }) => {
    const a = steps!;
    const real = all as unknown as { lengths?: Tensor; mask?: Tensor };
    return { mean: F.meanPool(a, real), max: F.maxPool(a, real), last: F.lastPool(a, real) };
  };
  test("pooling", async () => {
    const more = { dynamic: ["T", "B"], sizes, given: lengths };
    await compare(new Of(({ a }) => pools({ a } as never)), { ...more, inputs: { a: x } });
    await compare(new Of(pools as never), { ...more, inputs: { a: x, lengths: ofLengths } });
    await compare(new Of(pools as never), { ...more, inputs: { a: x, mask: whole } });
    const none = (name: string) => (name === "mask" ? [0, 0, 0, 1, 0, 0] : undefined);
    await compare(new Of(pools as never), {
      inputs: { a: [3, 2, 4], mask: { shape: [3, 2], dtype: "i32" } },
      given: none,
    });
  });
});

test("a tagger with everything, lengths and names of open axes of its own", async () => {
  class Tagger extends Module {
    embedding = new Embedding({ numEmbeddings: 20, embeddingDim: 6 });
    encoder = new LSTM({ inputSize: 8, hiddenSize: 5, numLayers: 2, bidirectional: true });
    attention = new AdditiveAttention({ querySize: 10, hiddenSize: 4 });
    decoder = new GRU({ inputSize: 20, hiddenSize: 7, resetAfter: false });
    norm = new LayerNorm({ normalizedShape: 7 });
    head = new Linear({ inFeatures: 7, outFeatures: 4 });
    forward({ tokens, features, lengths: real }: { tokens: Tensor; features: Tensor; lengths: Tensor }) {
      const given = { lengths: real };
      const e = F.concat([this.embedding.forward(tokens), features]);
      const { output } = this.encoder.forward(e, undefined, given);
      const { context } = this.attention.forward(output, output, given);
      const y = this.decoder.forward(F.concat([output, context]), undefined, given).output;
      const logits = this.head.forward(F.gelu(this.norm.forward(y)));
      return { probabilities: logits.softmax(), sentence: { mean: F.meanPool(y, given), best: logits.argmax() } };
    }
  }
  await compare(new Tagger(), {
    inputs: {
      tokens: { shape: ["words", "sentences"], dtype: "i32" },
      features: ["words", "sentences", 2],
      lengths: { shape: ["sentences"], dtype: "i32" },
    },
    dynamic: ["words", "sentences"],
    sizes: [
      { words: 7, sentences: 3 },
      { words: 4, sentences: 1 },
    ],
    below: { tokens: 20 },
    given: (name, bound) => lengths(name, { T: bound.words!, B: bound.sentences! }),
  });
});
