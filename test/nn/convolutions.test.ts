/** Convolutions and pooling: against the sums that define them on random shapes, their gradients, and what they refuse. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inputTensor } from "../../src/graph/tensor.ts";
import {
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  functional as F,
  OptionError,
  Runtime,
  ShapeError,
} from "../../src/index.ts";
import { sizeOf } from "../../src/tensor-data.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, Parts, testGradients } from "../support/gradient-check.ts";
import { expectErrors, mistake, wrong } from "../support/mistakes.ts";
import { between } from "../support/twin-suites.ts";

const backends = await backendsForTests();

type Two = readonly [number, number];

interface Case {
  readonly N: number;
  readonly groups: number;
  /** Channels of a group. */
  readonly C: number;
  readonly O: number;
  readonly S: Two;
  readonly K: Two;
  readonly stride: Two;
  readonly dilation: Two;
  readonly before: Two;
  readonly after: Two;
}
const two = (min: number, max: number) => fc.tuple(between(min, max), between(min, max));
const anyCase: fc.Arbitrary<Case> = fc.record({
  N: between(1, 3),
  groups: between(1, 3),
  C: between(1, 3),
  O: between(1, 3),
  S: fc.tuple(fc.constantFrom(1, 2, 7, 13), fc.constantFrom(1, 3, 11, 37)),
  K: two(1, 4),
  stride: two(1, 3),
  dilation: two(1, 3),
  before: two(0, 3),
  after: two(0, 3),
});

const lengthOf = ({ S, K, stride, dilation, before, after }: Case, axis: 0 | 1) =>
  Math.floor((S[axis] + before[axis] + after[axis] - dilation[axis] * (K[axis] - 1) - 1) / stride[axis]) + 1;

/** Visits every number of x and the result that a weight connects: places in x, in the weight, in the result. */
function connections(given: Case, P: Two, visit: (x: number, weight: number, y: number) => void): void {
  const { N, groups, C, O, S, K, stride, dilation, before } = given;
  for (let n = 0; n < N; n++)
    for (let g = 0; g < groups; g++)
      for (let o = 0; o < O; o++)
        for (let c = 0; c < C; c++)
          for (let p1 = 0; p1 < P[0]; p1++)
            for (let p2 = 0; p2 < P[1]; p2++)
              for (let k1 = 0; k1 < K[0]; k1++)
                for (let k2 = 0; k2 < K[1]; k2++) {
                  const s1 = p1 * stride[0] + k1 * dilation[0] - before[0];
                  const s2 = p2 * stride[1] + k2 * dilation[1] - before[1];
                  if (s1 < 0 || s1 >= S[0] || s2 < 0 || s2 >= S[1]) continue;
                  visit(
                    (((n * groups + g) * C + c) * S[0] + s1) * S[1] + s2,
                    (((g * O + o) * C + c) * K[0] + k1) * K[1] + k2,
                    (((n * groups + g) * O + o) * P[0] + p1) * P[1] + p2,
                  );
                }
}

backends.onEach(({ open }) => {
  test("conv2d is the sum that defines it, convTranspose2d its transpose, on random shapes", async () => {
    const runtime = await open();
    const nothing = new Parts({});
    await fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        const { N, groups, C, O, S, K, stride, dilation, before, after } = given;
        const P = [lengthOf(given, 0), lengthOf(given, 1)] as const;
        fc.pre(P[0] >= 1 && P[1] >= 1);
        const numbers = new Numbers(JSON.stringify(given));
        const make = (...shape: number[]) => ({ shape, data: numbers.floats(sizeOf(shape)) });
        const x = make(N, groups * C, ...S);
        const weight = make(groups * O, C, ...K);
        const back = make(N, groups * O, ...P);
        const padding = [
          [before[0], after[0]],
          [before[1], after[1]],
        ] as const;
        const options = { stride, dilation, padding, groups };
        // As long as what was convolved: the numbers that no window reaches.
        const outputPadding = S.map(
          (n, i) => n - ((P[i]! - 1) * stride[i]! + dilation[i]! * (K[i]! - 1) + 1 - before[i]! - after[i]!),
        );
        const program = await runtime.compile(nothing, {
          inputs: { x: { shape: x.shape }, weight: { shape: weight.shape }, back: { shape: back.shape } },
          forward: (t) => ({
            y: F.conv2d(t.x, t.weight, undefined, options),
            // A weight [groups * O, C] of a convolution is that of a transposed one from groups * O channels to groups * C.
            transposed: F.convTranspose2d(t.back, t.weight, undefined, { ...options, outputPadding }),
          }),
        });
        const got = await program.run({ x, weight, back });
        program.dispose();
        const y = new Float64Array(back.data.length);
        const xs = new Float64Array(x.data.length);
        connections(given, P, (atX, atWeight, atY) => {
          y[atY]! += weight.data[atWeight]! * x.data[atX]!;
          xs[atX]! += weight.data[atWeight]! * back.data[atY]!;
        });
        expect(got.y!.shape).toEqual(back.shape);
        expect(got.transposed!.shape).toEqual(x.shape);
        for (const [data, want] of [
          [got.y!.data, y],
          [got.transposed!.data, xs],
        ] as const) {
          want.forEach((value, i) => {
            expect(Math.abs(data[i]! - value), `number ${i}`).toBeLessThan(3e-6);
          });
        }
      }),
      { seed: 12, numRuns: 12 },
    );
    runtime.dispose();
  });
});

const image = { shape: [2, 4, 5, 3] };
const conv = new Conv2d({
  inChannels: 4,
  outChannels: 6,
  kernelSize: [3, 2],
  stride: [2, 1],
  padding: [[0, 2], 1],
  groups: 2,
});
const one = new Conv2d({ inChannels: 4, outChannels: 3, kernelSize: 1, bias: false });
const same = new Conv2d({ inChannels: 4, outChannels: 2, kernelSize: 2, padding: "same", dilation: 2 });
const sequence = new ConvTranspose1d({
  inChannels: 3,
  outChannels: 2,
  kernelSize: 4,
  stride: 3,
  padding: 1,
  outputPadding: 2,
});
const up = new ConvTranspose2d({
  inChannels: 4,
  outChannels: 2,
  kernelSize: 2,
  stride: [1, 2],
  padding: [[1, 0], 0],
  dilation: [3, 1],
  groups: 2,
});
/** No two numbers alike, and none so near that a difference crosses another. */
const apart = (length: number) => Array.from({ length }, (_, i) => (((i * 7919) % length) + 0.37) / length - 0.5);

const cases: readonly GradientCase[] = [
  {
    name: "groups, strides, padding of every kind, of an input that is used again",
    model: only(conv),
    inputs: { x: image },
    forward: ({ x }) => ({ y: conv.forward(x!), z: conv.forward(x!.mul(x!)) }),
  },
  {
    name: "windows of one number, and padding that keeps the lengths",
    model: new Parts({ one, same }),
    inputs: { x: image, alone: { shape: [1, 4, 2, 3] } },
    forward: ({ x, alone }) => ({ y: one.forward(x!), z: one.forward(alone!.relu()), w: same.forward(x!) }),
  },
  {
    name: "transposed, of an input that is used again",
    model: new Parts({ sequence, up }),
    inputs: { x: image, steps: { shape: [2, 3, 5] }, alone: { shape: [1, 4, 1, 2] } },
    forward: ({ x, steps, alone }) => ({
      y: up.forward(x!),
      z: up.forward(x!.mul(x!)),
      u: up.forward(alone!.tanh()),
      w: sequence.forward(steps!),
    }),
  },
  {
    name: "weights that are computed",
    model: new Parts({}),
    inputs: { x: { shape: [2, 3, 7] }, weight: { shape: [4, 3, 2] }, bias: { shape: [4] } },
    forward: ({ x, weight, bias }) => ({
      y: F.conv1d(x!, weight!.mul(2), bias!.neg(), { dilation: 3 }),
      z: F.convTranspose1d(F.conv1d(x!, weight!), weight!, undefined, { stride: 2 }),
    }),
  },
  {
    name: "pooling",
    model: new Parts({}),
    inputs: { x: { shape: [2, 3, 7, 5], floats: apart(210) } },
    forward: ({ x }) => ({
      a: F.maxPool2d(x!, 3, { stride: 2, padding: [[1, 0], 1], ceilMode: true }),
      b: F.avgPool2d(x!, [2, 3], { padding: [1, 1], countIncludePad: false }),
      c: F.avgPool1d(x!.reshape([6, 7, 5]), 2, { ceilMode: true }),
      d: F.maxPool1d(x!.reshape([6, 7, 5]), 2, { stride: 1, dilation: 2 }),
    }),
  },
];
const large: readonly GradientCase[] = [
  {
    name: "more channels and numbers than a tile has",
    model: only(new Conv2d({ inChannels: 1, outChannels: 1, kernelSize: 1 })),
    inputs: { x: { shape: [3, 18, 9, 11] }, weight: { shape: [70, 9, 3, 3] }, back: { shape: [70, 5, 3, 3] } },
    forward: ({ x, weight, back }) => {
      const y = F.conv2d(x!, weight!, undefined, { padding: 1, groups: 2 });
      return { y: F.maxPool2d(y, 2), z: F.convTranspose2d(y.tanh(), back!, undefined, { stride: 2, groups: 10 }) };
    },
  },
];
testGradients(backends, { cases, large });

test("parameters bear torch's names and shapes", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const shapes = async (layer: Conv2d | ConvTranspose1d | ConvTranspose2d) =>
    Object.entries(await runtime.stateDict(layer)).map(([name, { shape }]) => [name, shape]);
  expect(await shapes(conv)).toEqual([
    ["weight", [6, 2, 3, 2]],
    ["bias", [6]],
  ]);
  expect(await shapes(one)).toEqual([["weight", [3, 4, 1, 1]]]);
  expect(await shapes(sequence)).toEqual([
    ["weight", [3, 2, 4]],
    ["bias", [2]],
  ]);
  expect(await shapes(up)).toEqual([
    ["weight", [4, 1, 2, 2]],
    ["bias", [2]],
  ]);
  runtime.dispose();
});

const x = inputTensor("x", [2, 4, 5, 3]);
const line = inputTensor("line", [2, 4, 5]);
const weight = inputTensor("weight", [6, 4, 2, 2]);
const sizes = { inChannels: 4, outChannels: 6, kernelSize: 3 };

describe("refuses", () => {
  expectErrors([
    mistake("a sequence for an image", ShapeError, /^conv2d: x has shape \[2,4,5\], expected \[N,C,H,W\]/, () =>
      F.conv2d(line, weight),
    ),
    mistake("whole numbers", ShapeError, /^conv1d: x holds i32, expected f32 \[N,C,L\]/, () =>
      F.conv1d(inputTensor("x", [1, 1, 3], "i32"), inputTensor("w", [1, 1, 1])),
    ),
    mistake(
      "a weight of other axes",
      ShapeError,
      /^conv1d: weight has shape \[6,4,2,2\], expected \[O,C\/groups,K\]/,
      () => F.conv1d(line, weight),
    ),
    mistake(
      "a weight for other channels",
      ShapeError,
      /^conv2d: weight has shape \[6,4,2,2\], expected \[O,C\/groups,K1,K2\] with C\/groups = 2, for x \[2,4,5,3\] in 2 groups$/,
      () => F.conv2d(x, weight, undefined, { groups: 2 }),
    ),
    mistake(
      "a transposed weight for other channels",
      ShapeError,
      /^convTranspose2d: weight has shape \[6,4,2,2\], expected \[C,O\/groups,K1,K2\] with C = 4/,
      () => F.convTranspose2d(x, weight),
    ),
    mistake(
      "groups that do not divide",
      OptionError,
      /^conv2d: groups is 3, expected a divisor of 4 and 6, the channels/,
      () => F.conv2d(x, weight, undefined, { groups: 3 }),
    ),
    mistake(
      "a bias of other channels",
      ShapeError,
      /^conv2d: bias is f32 \[4\], expected f32 \[6\], a number for each/,
      () => F.conv2d(x, weight, inputTensor("bias", [4])),
    ),
    mistake("options where the bias stands", ShapeError, /^conv2d: bias is {}, expected f32 \[6\]/, () =>
      F.conv2d(x, weight, wrong({})),
    ),
    mistake(
      "an unknown option",
      OptionError,
      /^conv2d: unknown option "pads"; options are stride, padding, dilation/,
      () => F.conv2d(x, weight, undefined, wrong({ pads: 1 })),
    ),
    mistake(
      "a stride of 0",
      OptionError,
      /^conv2d: stride is 0, expected a whole number of at least 1, or one for each of 2/,
      () => F.conv2d(x, weight, undefined, { stride: 0 }),
    ),
    mistake(
      "strides for other axes",
      OptionError,
      /^conv2d: stride is \[1\], expected .* or one for each of 2 axes$/,
      () => F.conv2d(x, weight, undefined, { stride: [1] }),
    ),
    mistake(
      "padding that is less than nothing",
      OptionError,
      /^conv2d: padding is \[\[1, -1\], 0\], expected a whole number of at least 0, one for each of 2 axes, or of \[before, after\]$/,
      () => F.conv2d(x, weight, undefined, { padding: [[1, -1], 0] }),
    ),
    mistake(
      "same with a stride",
      OptionError,
      /^conv2d: padding "same" with stride \[2, 2\]; it keeps the lengths/,
      () => F.conv2d(x, weight, undefined, { stride: 2, padding: "same" }),
    ),
    mistake(
      "an image that is too small",
      ShapeError,
      /^conv2d: x has 3 numbers along W, 3 with its padding, fewer than a window needs \(5\); pad it/,
      () => F.conv2d(x, weight, undefined, { dilation: 4, padding: [[0, 1], 0] }),
    ),
    mistake(
      "outputPadding beyond a stride",
      OptionError,
      /^convTranspose1d: outputPadding is 2, expected less than stride 2 or dilation 1$/,
      () => F.convTranspose1d(line, inputTensor("w", [4, 1, 3]), undefined, { stride: 2, outputPadding: 2 }),
    ),
    mistake(
      "nothing that is left",
      ShapeError,
      /^convTranspose1d: of x \[2,4,5\] the result has 5 numbers along L, and padding \[3, 2\] cuts off all of them; choose less/,
      () => F.convTranspose1d(line, inputTensor("w", [4, 1, 1]), undefined, { padding: [[3, 2]] }),
    ),
    mistake(
      "a window that shows padding alone",
      ShapeError,
      /^maxPool2d: window 0 of an axis of 5 numbers shows nothing but padding; choose less padding than a window is long \(2\)/,
      () => F.maxPool2d(x, 2, { padding: 2 }),
    ),
    mistake(
      "pooling what is too short",
      ShapeError,
      /^avgPool1d: x has 5 numbers along an axis, 5 with its padding, fewer than a window needs \(6\)/,
      () => F.avgPool1d(line, 6),
    ),
    mistake(
      "no kernelSize",
      OptionError,
      /^maxPool1d: kernelSize is undefined, expected a whole number of at least 1/,
      () => F.maxPool1d(line, wrong(undefined)),
    ),
    mistake("what only means have", OptionError, /^maxPool1d: unknown option "countIncludePad"/, () =>
      F.maxPool1d(line, 2, wrong({ countIncludePad: true })),
    ),
    mistake("text as a switch", OptionError, /^avgPool2d: ceilMode is "yes", expected true or false/, () =>
      F.avgPool2d(x, 2, { ceilMode: wrong("yes") }),
    ),
    mistake(
      "a module of no channels",
      OptionError,
      /^Conv2d: inChannels is 0, expected a whole number of at least 1/,
      () => new Conv2d({ ...sizes, inChannels: 0 }),
    ),
    mistake(
      "a module whose groups do not divide",
      OptionError,
      /^Conv2d: groups is 4, expected a divisor of inChannels 4 and/,
      () => new Conv2d({ ...sizes, groups: 4 }),
    ),
    mistake(
      "a module with a bad stride",
      OptionError,
      /^ConvTranspose2d: stride is "2", expected/,
      () => new ConvTranspose2d({ ...sizes, stride: wrong("2") }),
    ),
    mistake(
      "a module of one axis with a window of two",
      OptionError,
      /^ConvTranspose1d: kernelSize is \[3, 3\], expected/,
      () => new ConvTranspose1d({ ...sizes, kernelSize: [3, 3] }),
    ),
    mistake(
      "torch's name",
      OptionError,
      /^ConvTranspose1d: unknown option "output_padding" \(did you mean outputPadding\?\)/,
      () => new ConvTranspose1d(wrong({ ...sizes, output_padding: 1 })),
    ),
  ]);
});
