/** Gradients of the linear recurrence, its gates, and the layers that are made of them. */

import { slice } from "../../src/graph/ops/layout.ts";
import { linearRecurrence } from "../../src/graph/ops/linear-recurrence.ts";
import { lengthMask } from "../../src/graph/ops/mask.ts";
import { scanGates } from "../../src/graph/ops/scan-gates.ts";
import { Linear, MinGRU, MinLSTM, type MinRecurrent, type MinRecurrentOptions, type Tensor } from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

/** The ops have no parameters; a model has some. */
const none = only(new Linear({ inFeatures: 1, outFeatures: 1 }));

const recurrences = (
  [
    ["one step", [1, 2, 3], true],
    ["a few steps from 0", [5, 1, 3], false],
    ["a few steps", [4, 2, 3], true],
    ["steps in chunks", [67, 1, 2], true],
    ["steps in chunks from 0", [64, 1, 1], false],
  ] as const
).map(
  ([name, shape, initial]): GradientCase => ({
    name: `linear recurrence, ${name}`,
    model: none,
    inputs: { a: { shape }, b: { shape }, ...(initial && { h: { shape: shape.slice(1) } }) },
    forward: ({ a, b, h }) => ({ y: linearRecurrence("scan", a!, b!, h) }),
  }),
);

const layers: Readonly<Record<string, (options: MinRecurrentOptions) => MinRecurrent>> = {
  minGRU: (options) => new MinGRU(options),
  minLSTM: (options) => new MinLSTM(options),
};

/** A layer of both kinds, from its state to its state. */
const layerCases = (
  name: string,
  {
    T,
    B,
    masked = "no",
    ...options
  }: MinRecurrentOptions & { T: number; B: number; masked?: "no" | "lengths" | "mask" },
  initial: boolean,
): GradientCase[] =>
  Object.entries(layers).map(([kind, make]): GradientCase => {
    const layer = make(options);
    const sizes = layer.hiddenSizes;
    const alike = sizes.every((H) => H === sizes[0]);
    const states: Record<string, { shape: readonly number[] }> = alike
      ? { h: { shape: [sizes.length, B, sizes[0]!] } }
      : Object.fromEntries(sizes.map((H, l) => [`h${l}`, { shape: [1, B, H] }]));
    const numbers = new Numbers(name);
    const real = {
      no: {},
      lengths: { lengths: { shape: [B], integers: [...numbers.integers(B, 0, T)] } },
      mask: {
        mask: { shape: options.batchFirst ? [B, T] : [T, B], integers: [...numbers.integers(T * B, 0, 1)] },
      },
    }[masked];
    return {
      name: `${kind} ${name}`,
      model: only(layer),
      ...(options.dropout && { training: 5 }),
      inputs: {
        x: { shape: options.batchFirst ? [B, T, options.inputSize] : [T, B, options.inputSize] },
        ...(initial && states),
        ...real,
      },
      forward({ x, lengths, mask, ...given }) {
        const list = Object.values(given) as Tensor[];
        const { output, state } = layer.forward(
          x!,
          initial ? { h: alike ? list[0]! : list } : undefined,
          masked === "no" ? undefined : { ...(lengths && { lengths }), ...(mask && { mask }) },
        );
        const finals = (Array.isArray(state.h) ? state.h : [state.h]) as Tensor[];
        return { output, ...Object.fromEntries(finals.map((h, l) => [`next${l}`, h])) };
      },
    };
  });

const overTokens = new MinLSTM({ inputSize: 4, hiddenSize: 3, numLayers: 2 });

const cases: readonly GradientCase[] = [
  ...recurrences,
  {
    name: "linear recurrence whose two operands are one tensor, by its last step only",
    model: none,
    inputs: { a: { shape: [4, 3] } },
    forward: ({ a }) => ({ y: slice(linearRecurrence("scan", a!, a!, a && slice(a, 1, 1)), 3, 1) }),
  },
  ...[false, true].map((pair): GradientCase => {
    const x = { shape: [3, 2, (pair ? 3 : 2) * 3] };
    return {
      name: `${pair ? "two gates" : "one gate"}, with lengths`,
      model: none,
      inputs: { x, lengths: { shape: [2], integers: [3, 1] } },
      forward({ x: gates, lengths }) {
        const open = scanGates("gates", gates!, pair);
        const masked = scanGates("masked gates", gates!, pair, lengthMask("mask", lengths!, 3));
        return { a: open.a, "masked a": masked.a, "masked b": masked.b };
      },
    };
  }),
  ...layerCases("plain", { T: 4, B: 2, inputSize: 3, hiddenSize: 4 }, false),
  ...layerCases("of one step, one row, one unit", { T: 1, B: 1, inputSize: 1, hiddenSize: 1 }, true),
  ...layerCases(
    "of two layers with a mask",
    { T: 5, B: 3, inputSize: 2, hiddenSize: 3, numLayers: 2, masked: "mask" },
    true,
  ),
  ...layerCases(
    "of two sizes with lengths, batch first, no bias",
    { T: 3, B: 4, inputSize: 2, hiddenSize: [3, 2], batchFirst: true, bias: false, masked: "lengths" },
    true,
  ),
  ...layerCases(
    "of three layers with dropout and what went in added",
    { T: 3, B: 2, inputSize: 2, hiddenSize: 4, numLayers: 3, dropout: 0.4, residual: true },
    true,
  ),
  {
    name: "minLSTM over tokens",
    model: only(overTokens),
    inputs: { x: { shape: [3, 2], below: 4 } },
    forward: ({ x }) => ({ output: overTokens.forward(x!).output }),
  },
  ...layerCases("in chunks", { T: 65, B: 1, inputSize: 1, hiddenSize: 2, masked: "lengths" }, true),
];

const large = [
  ...layerCases("large", { T: 70, B: 5, inputSize: 17, hiddenSize: [33, 18], masked: "lengths" }, true),
  ...layerCases("large, of few steps", { T: 7, B: 40, inputSize: 9, hiddenSize: 130, masked: "mask" }, false),
];

testGradients(backends, { cases, large });
