/** Gradients of the functions of tensors: each alone with broadcasting, and chains of them. */
import { functional as F, Linear, type Tensor } from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, Parts, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

const nothing = new Parts({});

/** Different numbers, none of them near 0 or another one, so that nothing stands on a kink. */
const apart = (length: number, from = -2, to = 2) =>
  Array.from({ length }, (_, i) => from + ((to - from) * (((i * 7919) % length) + 0.37)) / length);

const range = { any: [-2, 2], positive: [0.3, 3] } as const;

const unary: readonly (readonly [(x: Tensor) => Tensor, keyof typeof range, string])[] = [
  [F.neg, "any", "neg"],
  [F.abs, "any", "abs"],
  [F.sqrt, "positive", "sqrt"],
  [F.exp, "any", "exp"],
  [F.log, "positive", "log"],
  [F.sin, "any", "sin"],
  [F.cos, "any", "cos"],
  [F.sigmoid, "any", "sigmoid"],
  [F.tanh, "any", "tanh"],
  [F.relu, "any", "relu"],
  [F.gelu, "any", "gelu"],
  [F.silu, "any", "silu"],
  [F.softplus, "any", "softplus"],
  [F.erf, "any", "erf"],
  [F.elu, "any", "elu"],
  [(x) => F.elu(x, { alpha: 0.3 }), "any", "elu with an alpha"],
  [F.selu, "any", "selu"],
  [F.leakyRelu, "any", "leakyRelu"],
  [F.hardSigmoid, "any", "hardSigmoid"],
  [F.hardSwish, "any", "hardSwish"],
  [F.mish, "any", "mish"],
  [F.softsign, "any", "softsign"],
  [F.logSigmoid, "any", "logSigmoid"],
  [F.reciprocal, "positive", "reciprocal"],
  [(x) => F.prod(x, [0, 2], { keepdim: true }), "any", "prod"],
  [(x) => F.tril(x.reshape([7, 3]), 1).reshape([3, 1, 7]), "any", "tril"],
  [(x) => F.clamp(x, { min: -1, max: 0.71 }), "any", "clamp"],
  [(x) => F.clamp(x, { min: -0.31 }), "any", "clamp from below"],
  [(x) => F.pow(x, 2), "any", "pow 2"],
  [(x) => F.pow(x, 3), "any", "pow 3"],
  [(x) => F.pow(x, -1), "positive", "pow -1"],
  [(x) => F.pow(x, 0.5), "positive", "pow 0.5"],
  [(x) => F.pow(x, 2.3), "positive", "pow 2.3"],
  [(x) => F.pow(x, 4), "any", "pow 4"],
  [(x) => F.pow(2.5, x), "any", "2.5 to the power of x"],
  [(x) => x.mul(F.sign(x)).add(F.floor(x)), "any", "sign and floor, which have none"],
  [(x) => x.mul(F.gt(x, 0.1)), "any", "a mask that is computed"],
  [(x) => F.div(1, x).sub(3).mul(0.5).add(x), "positive", "plain numbers on both sides"],
];

const unaryCases = unary.map(
  ([f, kind, name]): GradientCase => ({
    name: `${name}, of an input that is used again`,
    model: nothing,
    inputs: { x: { shape: [3, 1, 7], floats: apart(21, ...range[kind]) } },
    forward: ({ x }) => ({ y: f(x!), z: f(x!).mul(x!) }),
  }),
);

const binary: readonly (readonly [string, (a: Tensor, b: Tensor) => Tensor])[] = [
  ["add", F.add],
  ["sub", F.sub],
  ["mul", F.mul],
  ["div", F.div],
  ["pow", F.pow],
  ["maximum", F.maximum],
  ["minimum", F.minimum],
  ["where", (a, b) => F.where(F.lt(a, b), a.mul(2), b)],
];

/** Pairs of shapes that are broadcast. */
const pairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[5], [2, 1, 5]],
  [
    [3, 1, 2],
    [4, 1],
  ],
  [[], [7]],
  [
    [2, 1, 3, 1],
    [1, 5, 1, 2],
  ],
];
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const binaryCases = binary.flatMap(([name, f]) =>
  pairs.map(
    ([a, b]): GradientCase => ({
      name: `${name} of [${a}] and [${b}]`,
      model: nothing,
      inputs: {
        a: { shape: a, floats: apart(sizeOf(a), 0.4, 2) },
        b: { shape: b, floats: apart(sizeOf(b), 0.51, 1.9) },
      },
      forward: ({ a: x, b: y }) => ({ y: f(x!, y!), both: f(x!, y!).mul(x!) }),
    }),
  ),
);

const dense = new Linear({ inFeatures: 3, outFeatures: 3 });
const chains: readonly GradientCase[] = [
  {
    name: "a chain with more leaves than one dispatch reads",
    model: only(dense),
    inputs: Object.fromEntries(
      ["a", "b", "c", "d", "e", "f", "g", "h"].map((name, i) => [
        name,
        { shape: i % 2 ? [2, 3] : [3], floats: apart(i % 2 ? 6 : 3) },
      ]),
    ),
    forward({ a, b, c, d, e, f, g, h }) {
      const y = dense.forward(b!);
      return { y: a!.mul(b!).add(c!.mul(d!)).mul(e!.sub(f!)).tanh().add(g!.mul(h!)).mul(y).sub(y) };
    },
  },
  {
    name: "a result that two chains read, and one that is an output too",
    model: only(dense),
    inputs: { x: { shape: [4, 3] } },
    forward({ x }) {
      const y = dense.forward(x!).tanh();
      const shared = y.mul(x!).exp();
      return { shared: shared.add(1), sum: shared.mul(y).sum(), out: y, mean: y.sub(x!).abs().mean([0]) };
    },
  },
  {
    name: "a sum handed on to both summands, one of them twice",
    model: only(dense),
    inputs: { x: { shape: [2, 3] } },
    forward({ x }) {
      const y = dense.forward(x!);
      return { y: y.add(y).add(x!), z: x!.add(y), w: F.expand(x!.add(0), [4, 2, 3]) };
    },
  },
  {
    name: "sums, means and variances over axes of chains",
    model: only(dense),
    inputs: { x: { shape: [2, 3, 5, 3], floats: apart(90) } },
    forward({ x }) {
      const y = dense.forward(x!);
      return {
        all: y.mul(x!).sum(),
        first: y.sin().sum(0),
        last: y.mean(-1, { keepdim: true }),
        two: y.mul(2).mean([1, 3]),
        middle: x!.add(y).sum([1, 2], { keepdim: true }),
        variance: y.variance([0, 2]),
        population: y.variance(-1, { correction: 0, keepdim: true }),
      };
    },
  },
  {
    name: "sums of five axes that are broadcast differently",
    model: nothing,
    inputs: {
      a: { shape: [2, 1, 3, 1, 2], floats: apart(12) },
      b: { shape: [1, 2, 1, 3, 1], floats: apart(6) },
      c: { shape: [2], floats: apart(2) },
    },
    forward: ({ a, b, c }) => ({
      y: a!.mul(b!).mul(c!),
      s: a!.mul(b!).sin().sum([0, 2, 4]),
      t: a!.add(b!).tanh().sum([1, 3]),
    }),
  },
];

/** Differences of so long a sum have too few digits. */
const large: readonly GradientCase[] = [
  {
    name: "a long sum, which is taken in parts",
    model: nothing,
    inputs: { x: { shape: [1031], floats: apart(1031, 0.1, 2) }, b: { shape: [1], floats: [0.7] } },
    forward: ({ x, b }) => ({ y: x!.mul(b!).sigmoid().mean(), z: x!.sum() }),
  },
];

const reductions: readonly GradientCase[] = [
  {
    name: "largest and smallest over one axis, several and all",
    model: only(dense),
    inputs: { x: { shape: [3, 4, 3], floats: apart(36) } },
    forward({ x }) {
      const y = dense.forward(x!);
      return {
        max: y.max(1),
        min: x!.min([0, 2], { keepdim: true }),
        all: y.max(),
        best: x!.topK(2, { axis: 0 }).values,
        worst: y.topK(3, { largest: false }).values,
      };
    },
  },
  {
    name: "logSumExp, softmax and logSoftmax over any axis",
    model: only(dense),
    inputs: { x: { shape: [3, 4, 3], floats: apart(36) } },
    forward({ x }) {
      const y = dense.forward(x!);
      return {
        all: y.logSumExp(),
        two: x!.logSumExp([0, 1], { keepdim: true }),
        soft: y.softmax(1),
        last: y.softmax(),
        log: y.logSoftmax(0),
      };
    },
  },
  {
    name: "cumulative sums",
    model: only(dense),
    inputs: { x: { shape: [3, 4, 3] } },
    forward: ({ x }) => ({ a: dense.forward(x!).cumSum(0), b: x!.cumSum(1), c: x!.cumSum() }),
  },
];

const layouts: readonly GradientCase[] = [
  {
    name: "reshape, squeeze, unsqueeze, expand, permute, transpose and flip",
    model: only(dense),
    inputs: { x: { shape: [2, 1, 4, 3] } },
    forward({ x }) {
      const y = dense.forward(x!);
      return {
        reshaped: y.reshape([4, -1]).tanh(),
        squeezed: y.squeeze(1).unsqueeze(-1).squeeze(),
        expanded: y.expand([5, -1, 2, -1, -1]),
        permuted: y.permute([3, 1, 0, 2]),
        turned: x!.transpose(0, 2).mul(2),
        flipped: y.flip([0, -1]),
        all: x!.flip(),
      };
    },
  },
  {
    name: "slices with steps, selected entries, pieces, stacks and joins",
    model: only(dense),
    inputs: { x: { shape: [5, 4, 3] } },
    forward({ x }) {
      const y = dense.forward(x!);
      const [a, b] = y.split([3, 1], 1) as [Tensor, Tensor];
      return {
        steps: y.slice(1, 2, 0, 3),
        columns: y.slice(0, 2, -1, 2),
        one: y.select(-2),
        column: x!.select(1, 1),
        pieces: a.mean(1).add(b.squeeze(1)),
        stacked: F.stack([y.select(0), x!.select(0), y.select(0)], 1),
        joined: F.concat([x!, y, x!], 1),
        chunks: F.concat(x!.split(2, 0).reverse(), 0),
      };
    },
  },
  {
    name: "padding",
    model: only(dense),
    inputs: { x: { shape: [2, 3, 3] } },
    forward({ x }) {
      const y = dense.forward(x!);
      return {
        zeros: y.pad([[1, 2]]),
        others: x!
          .pad(
            [
              [0, 1],
              [2, 0],
              [1, 1],
            ],
            { value: 1.5 },
          )
          .mul(2),
      };
    },
  },
  {
    name: "five axes in another order",
    model: nothing,
    inputs: { x: { shape: [2, 3, 2, 3, 2] } },
    forward: ({ x }) => ({ y: x!.permute([4, 2, 0, 3, 1]), z: x!.flip([0, 2, 4]) }),
  },
];

const indexing: readonly GradientCase[] = [
  {
    name: "gather with equal indices, indexSelect, oneHot and embedding",
    model: only(dense),
    inputs: {
      x: { shape: [3, 4, 3] },
      index: { shape: [3, 2, 1], below: 4 },
      rows: { shape: [5], integers: [2, 0, 2, 2, 1] },
      classes: { shape: [2, 3], integers: [0, 2, 1, -100, 2, 2] },
    },
    forward({ x, index, rows, classes }) {
      const y = dense.forward(x!);
      return {
        gathered: y.gather(index!, 1),
        selected: y.indexSelect(rows!),
        hot: classes!.oneHot(3).mul(y.select(0).slice(0, 2, 0).unsqueeze(-1)),
        embedded: F.embedding(rows!, y.select(1)),
        computed: F.embedding(y.argmax(-1), x!.select(2)),
      };
    },
  },
];

const products: readonly GradientCase[] = [
  {
    name: "matmul with batches, broadcast batches and vectors",
    model: nothing,
    inputs: {
      a: { shape: [2, 3, 4] },
      b: { shape: [2, 4, 5] },
      one: { shape: [4, 3] },
      wide: { shape: [3, 1, 5, 4] },
      v: { shape: [4] },
    },
    forward: ({ a, b, one, wide, v }) => ({
      batches: a!.matmul(b!),
      shared: a!.matmul(one!),
      first: one!.transpose().matmul(b!),
      broadcast: wide!.matmul(a!.transpose()),
      row: v!.matmul(b!),
      column: a!.matmul(v!),
      dot: v!.matmul(v!),
    }),
  },
  {
    name: "einsum",
    model: nothing,
    inputs: { a: { shape: [2, 3, 4] }, b: { shape: [5, 3, 4] }, c: { shape: [4, 2] } },
    forward: ({ a, b, c }) => ({
      scores: F.einsum("tbh,sbh->bts", a!, b!),
      turned: F.einsum("tbh->hbt", a!),
      total: F.einsum("tbh->", a!),
      implicit: F.einsum("ij,jk", c!, F.einsum("tbh->tb", a!)),
      outer: F.einsum("ij,b->bji", c!, b!.select(0).select(0, -1)),
      lonely: F.einsum("tbh,hk->k", a!, c!),
    }),
  },
];

testGradients(backends, {
  cases: [...unaryCases, ...binaryCases, ...chains, ...reductions, ...layouts, ...indexing, ...products],
  large,
});
