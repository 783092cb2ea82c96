/** Gradients of attention and of the ops that it is made of. */
import { additiveScores, maskedSoftmax } from "../../src/graph/ops/attention.ts";
import { batchProduct } from "../../src/graph/ops/batch-product.ts";
import { lengthMask } from "../../src/graph/ops/mask.ts";
import {
  AdditiveAttention,
  type AdditiveAttentionOptions,
  type Attention,
  Linear,
  MultiplicativeAttention,
  type MultiplicativeAttentionOptions,
} from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, Parts, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

/** The ops have no parameters; a model has some. */
const none = only(new Linear({ inFeatures: 1, outFeatures: 1 }));

const additive = (options: AdditiveAttentionOptions) => new AdditiveAttention(options);
const multiplicative = (options: MultiplicativeAttentionOptions) => new MultiplicativeAttention(options);

interface Sizes {
  /** 0: the query has no axis of time. */
  readonly T: number;
  readonly S: number;
  readonly B: number;
  /** Features of values of their own; the keys are the values when not given. */
  readonly V?: number;
  readonly real?: "lengths" | "mask";
  readonly seeds?: readonly string[];
}

function attentionCase(name: string, attention: Attention, { T, S, B, V, real, seeds }: Sizes): GradientCase {
  const { querySize: Q, keySize: K } = attention;
  const numbers = new Numbers(name);
  return {
    name,
    model: new Parts({ attention, unused: new Linear({ inFeatures: 1, outFeatures: 1 }) }),
    inputs: {
      query: { shape: T === 0 ? [B, Q] : [T, B, Q] },
      keys: { shape: [S, B, K] },
      ...(V && { values: { shape: [S, B, V] } }),
      ...(real === "lengths" && { lengths: { shape: [B], integers: [...numbers.integers(B, 0, S)] } }),
      ...(real === "mask" && { mask: { shape: [S, B], integers: [...numbers.integers(S * B, 0, 1)] } }),
    },
    forward: ({ query, keys, ...given }) => ({ ...attention.forward(query!, keys!, given) }),
    ...(seeds && { seeds }),
  };
}

const again = additive({ querySize: 3, hiddenSize: 2 });

const cases: readonly GradientCase[] = [
  {
    name: "products of batches, either way, a tensor with itself",
    model: none,
    inputs: { x: { shape: [3, 2, 4] }, y: { shape: [5, 2, 4] }, z: { shape: [4, 2, 5] } },
    forward: ({ x, y, z }) => ({
      a: batchProduct("a", x!, y!, true),
      b: batchProduct("b", x!, z!),
      c: batchProduct("c", x!, x!, true),
    }),
  },
  {
    name: "additive scores",
    model: none,
    inputs: { q: { shape: [3, 2, 4] }, k: { shape: [5, 2, 4] }, v: { shape: [4] } },
    forward: ({ q, k, v }) => ({ y: additiveScores("scores", q!, k!, v!) }),
  },
  {
    name: "additive scores of a tensor with itself",
    model: none,
    inputs: { q: { shape: [3, 2, 3] }, v: { shape: [3] } },
    forward: ({ q, v }) => ({ y: additiveScores("scores", q!, q!, v!) }),
  },
  {
    name: "softmax, whole, scaled, and over some columns, of one tensor",
    model: none,
    inputs: { x: { shape: [3, 2, 4] }, lengths: { shape: [2], integers: [3, 0] } },
    forward: ({ x, lengths }) => ({
      a: maskedSoftmax("whole", x!, undefined, 3),
      b: maskedSoftmax("some", x!, lengthMask("mask", lengths!, 4)),
    }),
  },
  attentionCase("additive", additive({ querySize: 3, keySize: 2, hiddenSize: 4 }), { T: 3, S: 4, B: 2 }),
  attentionCase(
    "additive, one query, lengths, bias",
    additive({ querySize: 2, keySize: 3, hiddenSize: 3, bias: true }),
    {
      T: 0,
      S: 5,
      B: 4,
      real: "lengths",
    },
  ),
  attentionCase("additive, values of their own, mask", additive({ querySize: 3, hiddenSize: 2 }), {
    T: 2,
    S: 3,
    B: 3,
    V: 4,
    real: "mask",
  }),
  attentionCase("additive, of one of everything", additive({ querySize: 1, hiddenSize: 1 }), { T: 1, S: 1, B: 1 }),
  attentionCase("dot", multiplicative({ querySize: 3, score: "dot" }), { T: 3, S: 4, B: 2 }),
  attentionCase("dot, scaled, lengths, values", multiplicative({ querySize: 3, score: "dot", scale: true }), {
    T: 2,
    S: 5,
    B: 3,
    V: 2,
    real: "lengths",
  }),
  attentionCase("general, mask", multiplicative({ querySize: 2, keySize: 4 }), { T: 3, S: 3, B: 2, real: "mask" }),
  attentionCase(
    "general, one query, scaled, by the context only",
    multiplicative({ querySize: 3, keySize: 2, scale: true }),
    {
      T: 0,
      S: 4,
      B: 2,
      seeds: ["context"],
    },
  ),
  attentionCase("general, by the weights only", multiplicative({ querySize: 2 }), {
    T: 2,
    S: 3,
    B: 2,
    seeds: ["weights"],
  }),
  {
    name: "additive, twice over the same keys, the second query made of the first context",
    model: only(again),
    inputs: { query: { shape: [2, 3] }, keys: { shape: [4, 2, 3] }, lengths: { shape: [2], integers: [4, 2] } },
    forward({ query, keys, lengths }) {
      const first = again.forward(query!, keys!, { lengths: lengths! });
      return { first: first.context, ...again.forward(first.context, keys!, { lengths: lengths! }) };
    },
  },
];

const large = [
  attentionCase("additive, large", additive({ querySize: 17, keySize: 33, hiddenSize: 66 }), {
    T: 35,
    S: 70,
    B: 5,
    real: "lengths",
  }),
  attentionCase("general, large", multiplicative({ querySize: 35, keySize: 67, scale: true }), {
    T: 33,
    S: 66,
    B: 4,
    V: 34,
    real: "mask",
  }),
];

testGradients(backends, { cases, large });
