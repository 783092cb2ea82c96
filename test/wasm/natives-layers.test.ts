/**
 * Natives of losses, tokens, sums, copies and layers: that they are there, and what the tables of test/kernels/, which compare them
 * with their twins, do not have.
 */
import { expect, test } from "vitest";
import { natives } from "../../src/wasm/natives.ts";
import { WasmBackend } from "../../src/wasm/wasm-backend.ts";
import { expectTwins, Numbers, type TwinCase } from "../support/against-twin.ts";

const wasm = await WasmBackend.open();

test.each([
  "beam-candidates",
  "column-gather",
  "column-scatter",
  "column-sums",
  "cross-entropy",
  "embedding-gather",
  "embedding-scatter",
  "gather",
  "gather-backward",
  "group-tokens",
  "hold-rows",
  "layer-norm",
  "layer-norm-backward",
  "log-sum-exp",
  "mask-rows",
  "masked-softmax",
  "masked-softmax-backward",
  "norm-partial",
  "pointwise-loss",
  "row-gather",
  "sample",
  "strided-copy",
  "top-k",
])("%s is native", (kernel) => {
  expect(natives.has(kernel)).toBe(true);
});

/** A copy of a block, or of its transpose, into rows that are longer than the block's. */
function copyOf(source: Float32Array | Int32Array, to: Float32Array | Int32Array, isTransposed: boolean): TwinCase {
  const [rows, columns] = [9, 7];
  const [s2, s3] = isTransposed ? [1, rows] : [columns, 1];
  return {
    kernel: "strided-copy",
    constants: {},
    params: {
      ...{ n0: 1, n1: 1, n2: rows, n3: columns, padded: columns + 2, accumulate: +(to instanceof Float32Array) },
      ...{ start: 0, s0: 0, s1: 0, s2, s3, toStart: 0, t0: 0, t1: 0, t2: columns + 2, t3: 1 },
    },
    data: { source, to },
    grid: [1, 1, 1],
  };
}

test("a copy of numbers whose bits are a NaN's keeps the bits", async () => {
  const bits = new Numbers("bits").integers(63, 0x7f800001, 0x7fffffff);
  const to = new Int32Array(81);
  await expectTwins(wasm, { rows: copyOf(bits, to, false), columns: copyOf(bits, to, true) });
});

test("a block and its transpose are added to what is there", async () => {
  const numbers = new Numbers("added");
  const [source, to] = [numbers.floats(63), numbers.floats(81)];
  await expectTwins(wasm, { rows: copyOf(source, to, false), columns: copyOf(source, to, true) });
});

test.each([
  [3, 40],
  [40, 3],
  [12, 12],
])("columns of %i tokens of %i", async (N, V) => {
  const [D, M] = [2, 13];
  const numbers = new Numbers(`${N} of ${V}`);
  const tokens = numbers.integers(N, -1, V);
  const sizes = { N, D, M, V, row: D * M + 3, batch: M + 1 };
  const size = (N - 1) * sizes.row + sizes.batch + M;
  await expectTwins(wasm, {
    gather: {
      kernel: "column-gather",
      constants: {},
      params: { ...sizes, hasBias: 1, nan: 0x7fc00000 },
      data: { tokens, weight: numbers.floats(D * M * V), bias: numbers.floats(D * M), y: numbers.floats(size) },
      grid: [1, 1, 1],
    },
    "gather without bias": {
      kernel: "column-gather",
      constants: {},
      params: { ...sizes, hasBias: 0, nan: 0x7fc00000 },
      data: { tokens, weight: numbers.floats(D * M * V), bias: numbers.floats(D * M), y: numbers.floats(size) },
      grid: [1, 1, 1],
    },
  });
});

test("sums of many rows, of as many columns as there are lanes and of more and fewer", async () => {
  const N = 3001;
  const cases = [1, 4, 15, 16, 17, 35].map((C): [string, TwinCase] => {
    const numbers = new Numbers(`${C} columns`);
    const params = { N, D: 1, C, row: C + 1, batch: 0, factor: 0.5, accumulate: 1 };
    const data = {
      a: numbers.floats(N * (C + 1)).map(Math.abs),
      b: "a",
      stats: numbers.floats(2 * N),
      to: numbers.floats(C),
    };
    return [
      `${C}`,
      { kernel: "column-sums", constants: { TIMES: false, NORMALIZED: false }, params, data, grid: [1, 1, 1] },
    ];
  });
  await expectTwins(wasm, Object.fromEntries(cases));
});

test("a target that is no class has a loss of NaN, and no gradient but that of smoothing", async () => {
  const [N, V] = [5, 6];
  const numbers = new Numbers("no class");
  const caseOf = (smoothing: number): TwinCase => ({
    kernel: "cross-entropy",
    constants: { GRADIENT: true },
    params: { N, V, ignoreIndex: -100, hasWeight: 0, hasMask: 0, nan: 0x7fc00000, smoothing },
    data: {
      logits: numbers.floats(N * V),
      targets: Int32Array.of(-1, V, 2, 2 ** 31 - 1, -(2 ** 31)),
      weight: numbers.floats(V),
      mask: "targets",
      count: Float32Array.of(N),
      rowLoss: numbers.floats(N),
      gradient: numbers.floats(N * V),
    },
    grid: [N, 1, 1],
  });
  await expectTwins(wasm, { plain: caseOf(0), smoothed: caseOf(0.25) });
});

test.each([0, 1, 2, 3])(
  "a goal that is infinite has a loss of NaN, kind %i, with weights of two columns",
  async (kind) => {
    const [N, C, K] = [6, 6, 2];
    const numbers = new Numbers("goals");
    const goal = numbers.floats(N * C).map(Math.abs);
    goal[0] = Number.POSITIVE_INFINITY;
    goal[2 * C + 5] = Number.NEGATIVE_INFINITY;
    const pointwise: TwinCase = {
      kernel: "pointwise-loss",
      constants: {},
      params: { N, C, K, kind, delta: 0.5, scale: 2, hasMask: 0, hasGradient: 0, nan: 0x7fc00000 },
      data: {
        output: numbers.floats(N * C),
        goal,
        posWeight: Float32Array.of(0.5, 3),
        mask: new Int32Array(N),
        count: Float32Array.of(N),
        rowLoss: numbers.floats(N),
        gradient: numbers.floats(1),
      },
      grid: [1, 1, 1],
    };
    await expectTwins(wasm, { pointwise });
  },
);
