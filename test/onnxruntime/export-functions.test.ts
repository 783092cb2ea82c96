/** Functions of tensors, layers without a memory, attention and pooling, exported to ONNX. */
import { describe, expect, test } from "vitest";
import {
  AdditiveAttention,
  Conv1d,
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
import { compare } from "./export-compared.ts";

type Inputs = Readonly<Record<string, Tensor>>;
/** A function as a model. */
class Of extends Module {
  readonly of: (inputs: Inputs) => unknown;
  constructor(of: (inputs: Inputs) => unknown) {
    super();
    this.of = of;
  }
  forward(inputs: Inputs) {
    return this.of(inputs);
  }
}

const sizes = [
  { T: 5, B: 2 },
  { T: 2, B: 3 },
  { T: 9, B: 1 },
];
const whole = { shape: ["T", "B"], dtype: "i32" as const };
/** Functions of a [T,B,4] and b [T,B,4], i [T,B] below 4, n [B] below 3. */
const open = {
  inputs: { a: ["T", "B", 4], b: ["T", "B", 4], i: whole, n: { shape: ["B"], dtype: "i32" as const } },
  dynamic: ["T", "B"],
  sizes,
  below: { i: 4, n: 3 },
};
type Case = (inputs: { a: Tensor; b: Tensor; i: Tensor; n: Tensor }) => Record<string, Tensor>;

const functions: Readonly<Record<string, Case>> = {
  arithmetic: ({ a, b }) => ({
    add: a.add(b),
    sub: a.sub(1.5),
    mul: a.mul(b),
    div: a.div(b.abs().add(1)),
    from: F.sub(1, a),
    under: F.div(2, b.pow(2).add(1)),
  }),
  "with whole numbers": ({ a, i }) => ({
    add: i.add(1),
    mul: i.mul(i),
    sub: i.sub(i.mul(2)),
    neg: i.neg().abs(),
    div: i.div(3),
    mixed: a.mul(i.unsqueeze(2)),
    sign: i.sub(1).sign(),
    max: i.maximum(2),
    clamp: i.clamp({ min: 1, max: 2 }),
    half: i.add(0.5),
    int: a.mul(3).toInt(),
    float: i.toFloat(),
  }),
  "of one number": ({ a }) => ({
    neg: a.neg(),
    abs: a.abs(),
    sign: a.sign(),
    floor: a.floor(),
    sqrt: a.abs().sqrt(),
    exp: a.exp(),
    log: a.abs().add(0.1).log(),
    sin: a.sin(),
    cos: a.cos(),
    sigmoid: a.sigmoid(),
    tanh: a.tanh(),
    relu: a.relu(),
    gelu: a.gelu(),
    silu: a.silu(),
    softplus: a.mul(10).softplus(),
    pow: a.abs().pow(1.7),
    square: a.pow(2),
    cube: a.pow(3),
    inverse: a.abs().add(1).pow(-1),
    detach: a.detach(),
  }),
  limits: ({ a, b }) => ({
    max: a.maximum(b),
    min: a.minimum(0.2),
    low: a.clamp({ min: -0.5 }),
    high: a.clamp({ max: 0.5 }),
    both: a.clamp({ min: -0.1, max: 0.3 }),
  }),
  comparisons: ({ a, b, i }) => ({
    eq: i.eq(2),
    ne: i.ne(2),
    lt: a.lt(b),
    le: i.le(i.mul(2).sub(2)),
    gt: a.gt(0),
    ge: a.ge(b),
    and: a.gt(0).logicalAnd(b.gt(0)),
    or: a.gt(0).logicalOr(b.gt(0)),
    not: i.logicalNot(),
    where: F.where(a.gt(b), a, b),
    number: F.where(i.unsqueeze(2), a, -1),
    sum: a.gt(0).sum(0),
    counted: a.gt(0).add(1),
  }),
  sums: ({ a }) => ({
    all: a.sum(),
    first: a.sum(0),
    two: a.sum([0, 2]),
    kept: a.sum(1, { keepdim: true }),
    mean: a.mean(),
    meanT: a.mean(0),
    meanC: a.mean(-1, { keepdim: true }),
    variance: a.variance(-1),
    population: a.variance(-1, { correction: 0 }),
    populationT: a.variance(0, { correction: 0 }),
  }),
  "largest and smallest": ({ a }) => ({
    max: a.max(0),
    min: a.min(2, { keepdim: true }),
    all: a.max(),
    argmax: a.argmax(-1),
    argmin: a.argmin(0),
    two: a.max([0, 2]),
    top: a.topK(3).values,
    where: a.topK(2).indices,
    low: a.topK(2, { largest: false }).values,
    logSumExp: a.logSumExp(-1),
    total: a.logSumExp(),
  }),
  softmax: ({ a }) => ({ last: a.softmax(), first: a.softmax(0), log: a.logSoftmax(), logT: a.logSoftmax(0) }),
  layout: ({ a, i }) => ({
    reshape: a.reshape([a.shape[0]! * a.shape[1]!, 4]),
    pieces: a.reshape([a.shape[0]!, a.shape[1]!, 2, 2]),
    flat: a.reshape([-1]),
    scalar: a.sum().reshape([1, 1]),
    squeeze: a.unsqueeze(1).squeeze(1),
    permute: a.permute([2, 0, 1]),
    transpose: a.transpose(0, 1),
    mT: a.transpose(),
    flip: a.flip(0),
    flips: a.flip([1, 2]),
    whole: i.flip(1),
    expand: a.unsqueeze(0).expand([3, -1, -1, -1]),
    pad: a.pad(
      [
        [1, 2],
        [0, 0],
        [2, 1],
      ],
      { value: 0.5 },
    ),
    padWhole: i.pad(
      [
        [0, 1],
        [1, 0],
      ],
      { value: 7 },
    ),
  }),
  pieces: ({ a, b }) => ({
    slice: a.slice(1, 2),
    every: a.slice(0, 2, 2, 2),
    first: a.select(0),
    last: a.select(-1),
    most: a.slice(0, a.shape[0]! - 1, 0),
    rest: a.slice(1, a.shape[0]! - 1, 0),
    channel: a.select(2, -1),
    concat: F.concat([a, b]),
    concatT: F.concat([a, b], 0),
    stack: F.stack([a, b]),
    stackT: F.stack([a, b], 1),
    split: a.split(3)[0]!,
    splitRest: a.split(3)[1]!,
    pairs: a.slice(0, a.shape[0]!, 0).sub(b),
  }),
  "by index": ({ a, i, n }) => ({
    gather: a.gather(i.unsqueeze(2)),
    select: a.indexSelect(n, 2),
    oneHot: i.oneHot(4),
    numbers: n.oneHot(3),
    cumSum: a.cumSum(0),
    cumSumC: a.cumSum(),
  }),
  products: ({ a, b }) => ({
    matmul: a.matmul(b.transpose()),
    vector: a.matmul(F.constant([1, 2, 3, 4])),
    einsum: F.einsum("tbh,sbh->bts", a, b),
    sum: F.einsum("tbh,tbh->bh", a, b),
    constant: a.mul(F.constant([1, -1, 2, 0.5])),
    rows: a.matmul(F.constant([1, 2, 3, 4, 5, 6, 7, 8], { shape: [4, 2] })),
  }),
};

describe("functions", () => {
  test.each(Object.entries(functions))("%s", async (_, of) => {
    await compare(new Of(of as never), open);
    const [bound] = sizes;
    await compare(new Of(of as never), { ...open, inputs: fixed(open.inputs, bound!), dynamic: [], sizes: [{}] });
  });
});

/** Shapes with numbers in place of names. */
function fixed(inputs: typeof open.inputs, bound: Readonly<Record<string, number>>) {
  const of = (shape: readonly (string | number)[]) =>
    shape.map((axis) => (typeof axis === "string" ? bound[axis]! : axis));
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [
      name,
      Array.isArray(input) ? of(input) : { ...input, shape: of((input as { shape: string[] }).shape) },
    ]),
  ) as never;
}

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

  const pools: Case = ({ a, ...all }) => {
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
