/**
 * Gradients of what is used more than once: every op adds to a gradient that is there already, and others add to what it
 * left. Backward goes from the last use to the first.
 */
import { additiveScores, maskedSoftmax } from "../../src/graph/ops/attention.ts";
import { batchProduct } from "../../src/graph/ops/batch-product.ts";
import { embedding } from "../../src/graph/ops/embedding.ts";
import { layerNorm } from "../../src/graph/ops/layer-norm.ts";
import { concat, reshape, slice, swapAxes } from "../../src/graph/ops/layout.ts";
import { linear } from "../../src/graph/ops/linear.ts";
import { linearRecurrence } from "../../src/graph/ops/linear-recurrence.ts";
import { linearTokens } from "../../src/graph/ops/linear-tokens.ts";
import { lengthMask, maskRows } from "../../src/graph/ops/mask.ts";
import { scanGates } from "../../src/graph/ops/scan-gates.ts";
import {
  addLosses,
  crossEntropy,
  ctc,
  Dropout,
  functional as F,
  GRU,
  Linear,
  LSTM,
  type Tensor,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, type Inputs, only, Parts, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

const layers = {
  lstm: new LSTM({ inputSize: 4, hiddenSize: 2, bidirectional: true }),
  gru: new GRU({ inputSize: 4, hiddenSize: 4 }),
};
const dropout = new Dropout({ p: 0.4 });
/** A model of few numbers for what has none: differences by every parameter of a model are taken. */
const small = new Parts({ dropout, linear: new Linear({ inFeatures: 1, outFeatures: 1 }) });

/** Uses of a tensor `x [3,2,4]`; all that a use leaves is added up. */
const uses: Readonly<Record<string, (x: Tensor, inputs: Inputs) => readonly Tensor[]>> = {
  "add, on both sides": (x) => [F.add(x, F.tanh(x)), F.add(F.tanh(x), x)],
  "sub, on both sides": (x) => [F.sub(x, F.sigmoid(x)), F.sub(F.sigmoid(x), x)],
  "mul, on both sides": (x) => [F.mul(x, F.tanh(x)), F.mul(F.tanh(x), x)],
  "add and mul, repeated over axes": (x, { wide }) => [F.add(wide!, slice(x, 0, 1)), F.mul(wide!, slice(x, 2, 1))],
  gelu: (x) => [F.gelu(x)],
  softmax: (x) => [F.softmax(x), maskedSoftmax("masked", x, undefined, 2)],
  "layer norm of it, by it, and shifted by it": (x, { rows }) => [
    layerNorm("norm", x, 0.1),
    layerNorm(
      "by",
      rows!,
      0.1,
      reshape(slice(slice(x, 0, 1), 0, 1, 1), [4]),
      reshape(slice(slice(x, 1, 1), 1, 1, 1), [4]),
    ),
  ],
  dropout: (x) => [dropout.forward(x)],
  pools: (x) => [F.meanPool(x), F.maxPool(x), F.lastPool(x)],
  "slices and joins": (x) => [slice(x, 1, 2, 0), slice(x, 1, 2, 2), concat([x, x], 1), swapAxes("swapped", x)],
  "masked rows": (x, { lengths }) => [maskRows("rows", x, lengthMask("mask", lengths!, 3))],
  "a product, as both operands": (x) => [batchProduct("product", x, x, true)],
  "additive scores, as queries and as keys": (x, { v }) => [additiveScores("scores", x, x, v!)],
  "additive scores, as the vector": (x, { rows }) => {
    const triple = reshape(rows!, [3, 1, 4]);
    return [additiveScores("scores", triple, triple, reshape(slice(slice(x, 0, 1), 0, 1, 1), [4]))];
  },
  "linear, as what goes in, as weight and as bias": (x, { rows }) => [
    linear("in", x, reshape(x, [6, 4])),
    linear("bias", rows!, reshape(slice(x, 0, 2), [4, 4]), reshape(slice(slice(x, 2, 1), 0, 1, 1), [4])),
  ],
  "a table and the columns of a weight, by tokens": (x, { tokens }) => {
    const [table, weight] = [reshape(x, [6, 4]), reshape(x, [4, 6])];
    const bias = reshape(slice(slice(x, 2, 1), 0, 1, 1), [4]);
    return [
      embedding("table", tokens!, table),
      linearTokens("columns", tokens!, weight, bias),
      F.mul(F.mul(table, table), bias),
      F.tanh(weight),
      embedding("table", tokens!, table),
      linearTokens("columns", tokens!, weight, bias),
    ];
  },
  "a recurrence, as factors, as summands and as its start": (x) => [
    linearRecurrence("recurrence", x, x, reshape(slice(x, 1, 1), [2, 4])),
  ],
  "gates of a scan": (x) => Object.values(scanGates("gates", x, false)),
  "a layer in both directions": (x) => [layers.lstm.forward(x).output],
  "a layer, as what goes in and as its state": (x) => [layers.gru.forward(x, { h: slice(x, 0, 1) }).output],
  losses: (x, { target, labels }) => [
    addLosses(
      [crossEntropy().apply(x, target!).loss, crossEntropy({ labelSmoothing: 0.2 }).apply(x, target!).loss],
      [2, 3],
    ),
    ctc({ blank: 3 }).apply(x, labels!).loss,
  ],
};

const cases = Object.entries(uses).flatMap(([name, use]) =>
  (["before", "after"] as const).map(
    (when): GradientCase => ({
      name: `${name}, ${when} another use`,
      model: name.startsWith("a layer") ? new Parts(layers) : small,
      inputs: {
        x: { shape: [3, 2, 4] },
        wide: { shape: [2, 1, 2, 4] },
        rows: { shape: [3, 4] },
        v: { shape: [4] },
        lengths: { shape: [2], integers: [3, 1] },
        tokens: { shape: [7], integers: [5, 0, 2, 5, 5, 1, 0] },
        target: { shape: [3, 2], below: 4 },
        labels: { shape: [2, 1], integers: [2, 0] },
      },
      training: 9,
      forward(inputs) {
        // A node's own output, whose gradient is memory that ops may hand on to each other.
        const x = F.mul(inputs.x!, inputs.x!);
        const other = () => ({ other: F.mul(x, x) });
        const used = () => Object.fromEntries(use(x, inputs).map((y, i) => [`y${i}`, y]));
        return when === "before" ? { ...used(), ...other() } : { ...other(), ...used() };
      },
    }),
  ),
);

const first = new Linear({ inFeatures: 3, outFeatures: 4 });
const second = new Linear({ inFeatures: 4, outFeatures: 4 });
const [w, b] = [() => first.weight.tensor, () => first.bias!.tensor];

/** A weight and its bias get their first contributions at different times. */
const biases: readonly GradientCase[] = [
  {
    name: "a bias that contributes before its weight",
    model: only(first),
    inputs: { x: { shape: [5, 3] } },
    forward: ({ x }) => ({ y: F.mul(first.forward(x!), b()) }),
  },
  {
    name: "a weight that contributes before its bias",
    model: only(first),
    inputs: { x: { shape: [5, 3] } },
    forward: ({ x }) => ({ y: first.forward(x!), z: linear("again", x!, w()) }),
  },
  {
    name: "a bias that two layers share, which lies before the second one's weight",
    model: new Parts({ first, second }),
    inputs: { x: { shape: [5, 3] } },
    forward: ({ x }) => ({ y: linear("second", first.forward(x!), second.weight.tensor, b()) }),
  },
  {
    name: "a bias that two layers share, and that is used alone before and after",
    model: new Parts({ first, second }),
    inputs: { x: { shape: [5, 4] } },
    forward({ x }) {
      const before = F.tanh(b());
      const y = linear("second", x!, second.weight.tensor, b());
      return { before, y, after: F.mul(b(), b()) };
    },
  },
  {
    name: "a bias that is another layer's, which lies behind the first one's weight, and is used alone",
    model: new Parts({ first, second }),
    inputs: { x: { shape: [5, 3] } },
    forward: ({ x }) => ({ y: linear("first", x!, w(), second.bias!.tensor), z: F.tanh(second.bias!.tensor) }),
  },
];

/** Nothing computes these: the gradient by them is what is given. */
const ends: readonly GradientCase[] = [
  {
    name: "an input and a parameter that are outputs and nothing else",
    model: only(first),
    inputs: { x: { shape: [2, 3] }, z: { shape: [4] } },
    forward: ({ x, z }) => ({ same: x!, y: F.sin(z!), bias: b() }),
  },
  {
    name: "an input and a parameter that are outputs twice, and used",
    model: only(first),
    inputs: { x: { shape: [2, 3] } },
    forward: ({ x }) => ({ same: x!, again: x!, y: first.forward(x!), bias: b(), weight: w(), turned: w().flip(0) }),
  },
];

testGradients(backends, { cases: [...cases, ...biases, ...ends] });
