/** Gradients of the layers around recurrent ones. */
import { lengthMask, maskRows, sequenceMask } from "../../src/graph/ops/mask.ts";
import { Dropout, Embedding, functional as F, LayerNorm, Linear } from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, Parts, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

const dense = new Linear({ inFeatures: 3, outFeatures: 3 });

const masks: readonly GradientCase[] = [
  {
    name: "mask-rows by lengths, used twice",
    model: only(dense),
    inputs: { x: { shape: [4, 3, 3] }, lengths: { shape: [3], integers: [2, 0, 4] } },
    forward({ x, lengths }) {
      const y = dense.forward(x!);
      return {
        y: maskRows("a", y, lengthMask("mask", lengths!, 4)),
        z: maskRows("b", y, lengthMask("m", lengths!, 4)),
      };
    },
  },
  {
    name: "mask-rows by a mask with holes that agrees with lengths",
    model: only(dense),
    inputs: {
      x: { shape: [3, 2, 3] },
      lengths: { shape: [2], integers: [3, 1] },
      mask: { shape: [2, 3], integers: [1, 0, 1, 1, 0, 0] },
    },
    forward: ({ x, lengths, mask }) => ({
      y: dense.forward(maskRows("rows", x!, sequenceMask("test", { lengths: lengths!, mask: mask! }, 3, 2, true)!)),
    }),
  },
];

const hot = new Linear({ inFeatures: 5, outFeatures: 3 });
const bare = new Linear({ inFeatures: 4, outFeatures: 2, bias: false });
const wide = new Linear({ inFeatures: 37, outFeatures: 65 });

const tokens: readonly GradientCase[] = [
  {
    name: "linear on tokens with equal ones, used twice, and on numbers",
    model: only(hot),
    inputs: { a: { shape: [3, 4], below: 5 }, b: { shape: [2], below: 3 }, x: { shape: [2, 5] } },
    forward: ({ a, b, x }) => ({ y: hot.forward(a!), z: hot.forward(b!), numbers: hot.forward(x!) }),
  },
  {
    name: "linear on tokens without bias",
    model: only(bare),
    inputs: { a: { shape: [3], below: 4 } },
    forward: ({ a }) => ({ y: bare.forward(a!) }),
  },
];
const largeTokens: GradientCase = {
  name: "linear on many tokens",
  model: only(wide),
  inputs: { a: { shape: [19, 11], below: 37 } },
  forward: ({ a }) => ({ y: wide.forward(a!) }),
};

/** Away from where relu has its kink, and with equal numbers nowhere, so that the largest stays the largest. */
const apart = (length: number) => Array.from({ length }, (_, i) => (((i * 7) % length) + 0.5 - length / 2) / 3);

const unary: readonly GradientCase[] = (["sigmoid", "tanh", "relu", "gelu"] as const).map((name) => ({
  name: `${name}, on an input that is used again`,
  model: only(dense),
  inputs: { x: { shape: [2, 5], floats: apart(10) }, y: { shape: [2, 3], floats: apart(6) } },
  forward: ({ x, y }) => ({ a: F[name](x!), b: F.mul(F[name](x!), x!), c: F[name](dense.forward(y!)) }),
}));

const pairs: readonly GradientCase[] = [
  {
    name: "add, sub and mul of one shape, of a tensor with itself, and with both sides used again",
    model: only(dense),
    inputs: { x: { shape: [2, 2, 3] }, w: { shape: [2, 2, 3] } },
    forward({ x, w }) {
      const y = dense.forward(x!);
      const sum = F.add(F.add(y, w!), F.add(y, y));
      return { sum: F.sub(sum, F.mul(y, w!)), square: F.mul(y, y), nothing: F.sub(w!, F.add(w!, w!)) };
    },
  },
  {
    name: "add, sub and mul with last axes that are repeated, and a residual connection",
    model: only(dense),
    inputs: { x: { shape: [4, 2, 3] }, row: { shape: [3] }, step: { shape: [2, 3] }, one: { shape: [] } },
    forward({ x, row, step, one }) {
      const y = F.add(dense.forward(x!), x!);
      return {
        add: F.add(F.add(y, row!), step!),
        sub: F.sub(F.sub(y, step!), row!),
        mul: F.mul(F.mul(F.mul(y, row!), step!), one!),
        twice: F.mul(step!, row!),
      };
    },
  },
];

const embedded = new Embedding({ numEmbeddings: 5, embeddingDim: 3 });
const layouts: readonly GradientCase[] = [
  {
    name: "embeddings joined with numbers along the last axis",
    model: only(embedded),
    inputs: { tokens: { shape: [3, 2], below: 5 }, numbers: { shape: [3, 2, 2] } },
    forward({ tokens, numbers }) {
      const e = embedded.forward(tokens!);
      return { y: F.concat([e, numbers!, e, numbers!]), z: F.concat([numbers!]) };
    },
  },
  {
    name: "slices of each axis, and joins along them",
    model: only(dense),
    inputs: { x: { shape: [4, 2, 3] } },
    forward({ x }) {
      const y = dense.forward(x!);
      return {
        last: F.slice(y, 1, 2),
        middle: F.slice(y, 1, 1, 1),
        first: F.slice(y, 1, 3, 0),
        joined: F.concat([F.slice(y, 0, 1, -2), y, F.slice(y, 0, 2, 1)], 1),
        pile: F.concat([y, x!], 0),
        halves: F.mul(F.slice(y, 0, 1), F.slice(y, 2, 1)),
      };
    },
  },
];

const pools: readonly GradientCase[] = (["meanPool", "maxPool", "lastPool"] as const).flatMap((name) => [
  {
    name,
    model: only(dense),
    inputs: { x: { shape: [5, 3, 4], floats: apart(60) } },
    forward: ({ x }) => ({ y: F[name](x!), z: F.mul(x!, x!) }),
  },
  {
    name: `${name} with lengths and a mask, of an input that is used again`,
    model: only(dense),
    inputs: {
      x: { shape: [5, 3, 4], floats: apart(60) },
      lengths: { shape: [3], integers: [5, 0, 2] },
      mask: { shape: [5, 3], integers: [0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0] },
    },
    forward: ({ x, lengths, mask }) => ({
      y: F[name](x!, { lengths: lengths! }),
      z: F[name](x!, { mask: mask! }),
      both: F[name](F.mul(x!, x!), { lengths: lengths!, mask: mask! }),
    }),
  },
]);

const soft: readonly GradientCase[] = [
  {
    name: "softmax over the last axis, used again",
    model: only(dense),
    inputs: { x: { shape: [2, 3, 5] }, y: { shape: [4, 1] } },
    forward: ({ x, y }) => ({ a: F.softmax(x!), b: F.mul(F.softmax(x!), x!), c: F.softmax(y!) }),
  },
];

const norm = new LayerNorm({ normalizedShape: 3 });
const plainNorm = new LayerNorm({ normalizedShape: 5, elementwiseAffine: false, eps: 0.125 });
const noShift = new LayerNorm({ normalizedShape: 4, bias: false });
const wideNorm = new LayerNorm({ normalizedShape: 67 });
const norms: readonly GradientCase[] = [
  {
    name: "layer norm, used twice, the second time on what the first one made",
    model: new Parts({ norm, dense }),
    inputs: { x: { shape: [3, 2, 3] } },
    forward({ x }) {
      const y = norm.forward(dense.forward(x!));
      return { y, z: norm.forward(F.mul(y, x!)) };
    },
  },
  {
    name: "layer norm without weight",
    model: only(plainNorm),
    inputs: { x: { shape: [4, 5] } },
    forward: ({ x }) => ({ y: plainNorm.forward(x!), z: F.mul(x!, x!) }),
  },
  {
    name: "layer norm without bias",
    model: only(noShift),
    inputs: { x: { shape: [3, 4] } },
    forward: ({ x }) => ({ y: noShift.forward(x!) }),
  },
];

const half = new Dropout();
const steps = new Dropout({ p: 0.3, variational: true });
const everything = new Dropout({ p: 1 });
const drops: readonly GradientCase[] = [
  {
    name: "dropout, plain, variational and of everything, used twice",
    model: new Parts({ half, steps, everything, dense }),
    inputs: { x: { shape: [4, 2, 3] } },
    training: 5,
    forward({ x }) {
      const y = dense.forward(half.forward(x!));
      return { y: half.forward(y), z: steps.forward(y), none: everything.forward(y) };
    },
  },
  {
    name: "dropout with a seed whose highest bit is set",
    model: new Parts({ half, dense }),
    inputs: { x: { shape: [7, 3] } },
    training: -1234567,
    forward: ({ x }) => ({ y: half.forward(dense.forward(x!)) }),
  },
];

const large: readonly GradientCase[] = [
  largeTokens,
  {
    name: "large: layer norm, softmax, gelu and pools",
    model: only(wideNorm),
    inputs: { x: { shape: [19, 7, 67] }, lengths: { shape: [7], integers: [19, 0, 1, 5, 18, 11, 2] } },
    forward({ x, lengths }) {
      const real = { lengths: lengths! };
      const y = F.gelu(wideNorm.forward(x!));
      return { y: F.softmax(y), mean: F.meanPool(y, real), largest: F.maxPool(y, real), last: F.lastPool(y, real) };
    },
  },
];

testGradients(backends, {
  cases: [...masks, ...tokens, ...unary, ...pairs, ...layouts, ...pools, ...soft, ...norms, ...drops],
  large,
});
