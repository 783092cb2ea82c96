/** Kernels of the layers around recurrent ones, against their twins. */
import fc from "fast-check";
import type { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

/** Half the workgroups that items need when looped, as on an adapter with a low limit. */
const groups = (count: number, looped: boolean): [number, number, number] => [
  looped ? Math.max(1, Math.floor(count / 128)) : Math.ceil(count / 64),
  1,
  1,
];

interface Mask {
  readonly T: number;
  readonly B: number;
  readonly lengths: boolean;
  readonly given: "none" | "time first" | "batch first";
  readonly looped: boolean;
}

const mask = suite<Mask>({
  kernel: "sequence-mask",
  table: [
    { T: 1, B: 1, lengths: true, given: "none", looped: false },
    { T: 7, B: 5, lengths: true, given: "time first", looped: false },
    { T: 13, B: 11, lengths: false, given: "batch first", looped: true },
    { T: 70, B: 37, lengths: true, given: "batch first", looped: true },
    { T: 67, B: 40, lengths: true, given: "none", looped: false },
  ],
  any: fc.record({
    T: between(1, 70),
    B: between(1, 40),
    lengths: fc.constant(true),
    looped: fc.boolean(),
    given: fc.constantFrom("none", "time first", "batch first"),
  }),
  caseOf: ({ T, B, lengths, given, looped }, numbers) => ({
    params: {
      T,
      B,
      hasLengths: +lengths,
      hasGiven: +(given !== "none"),
      ...(given === "batch first" ? { givenT: 1, givenB: T } : { givenT: B, givenB: 1 }),
    },
    data: {
      lengths: lengths ? numbers.integers(B, 0, T) : "given",
      given: given === "none" ? "lengths" : numbers.integers(T * B, 0, 1),
      mask: numbers.integers(T * B, 5, 9),
    },
    grid: groups(T * B, looped),
  }),
});

interface Rows {
  readonly N: number;
  readonly C: number;
  readonly accumulate: boolean;
  readonly looped: boolean;
}
const anyRows = fc.record({ N: between(1, 300), C: between(1, 130), accumulate: fc.boolean(), looped: fc.boolean() });

const rows = suite<Rows>({
  kernel: "mask-rows",
  table: [
    { N: 1, C: 1, accumulate: false, looped: false },
    { N: 67, C: 3, accumulate: true, looped: true },
    { N: 31, C: 65, accumulate: false, looped: true },
  ],
  any: anyRows,
  caseOf: ({ N, C, accumulate, looped }, numbers) => ({
    params: { N, C, accumulate: +accumulate },
    data: { x: numbers.floats(N * C), mask: numbers.integers(N, 0, 1), y: numbers.floats(N * C) },
    grid: groups(N * C, looped),
  }),
});

interface Streams {
  readonly N: number;
  readonly B: number;
  readonly C: number;
  readonly looped: boolean;
}
const held = suite<Streams>({
  kernel: "hold-rows",
  table: [
    { N: 1, B: 1, C: 1, looped: false },
    { N: 3, B: 7, C: 5, looped: true },
    { N: 2, B: 31, C: 13, looped: false },
  ],
  any: fc.record({ N: between(1, 5), B: between(1, 40), C: between(1, 70), looped: fc.boolean() }),
  caseOf: ({ N, B, C, looped }, numbers) => ({
    params: { N, B, C },
    data: {
      x: numbers.floats(N * B * C),
      old: numbers.floats(N * B * C),
      steps: numbers.integers(B, 0, 2),
      y: numbers.floats(N * B * C),
    },
    grid: groups(N * B * C, looped),
  }),
});

interface Pool {
  readonly T: number;
  readonly B: number;
  readonly C: number;
  readonly mask: boolean;
  readonly accumulate: boolean;
  readonly looped: boolean;
}
const pools: readonly Pool[] = [
  { T: 1, B: 1, C: 1, mask: false, accumulate: false, looped: false },
  { T: 1, B: 5, C: 3, mask: true, accumulate: true, looped: false },
  { T: 7, B: 11, C: 13, mask: true, accumulate: false, looped: true },
  { T: 70, B: 3, C: 67, mask: false, accumulate: true, looped: true },
];
const anyPool = fc.record({
  T: between(1, 70),
  B: between(1, 20),
  C: between(1, 40),
  mask: fc.boolean(),
  accumulate: fc.boolean(),
  looped: fc.boolean(),
});
/** The first sequence has no real step at all. */
const maskOf = ({ T, B }: Pool, numbers: Numbers) => numbers.integers(T * B, 0, 1).map((n, i) => (i % B === 0 ? 0 : n));

const pool = suite<Pool>({
  kernel: "pool",
  table: pools,
  any: anyPool,
  caseOf: (shape, numbers) => {
    const { T, B, C, mask, looped } = shape;
    return {
      params: { T, B, C, hasMask: +mask },
      data: {
        // Few values, so that several are the largest.
        x: Float32Array.from(numbers.integers(T * B * C, -4, 4)),
        mask: mask ? maskOf(shape, numbers) : "x",
        y: numbers.floats(B * C),
        note: numbers.integers(B * C, 100, 200),
      },
      grid: groups(B * C, looped),
    };
  },
});

const poolBackward = suite<Pool>({
  kernel: "pool-backward",
  table: pools,
  any: anyPool,
  caseOf: (shape, numbers) => {
    const { T, B, C, mask, accumulate, looped } = shape;
    return {
      params: { T, B, C, hasMask: +mask, accumulate: +accumulate },
      data: {
        mask: mask ? maskOf(shape, numbers) : "note",
        note: numbers.integers(B * C, -1, T - 1),
        outputGradient: numbers.floats(B * C),
        gradient: numbers.floats(T * B * C),
      },
      grid: groups(T * B * C, looped),
    };
  },
});

interface Drop {
  readonly N: number;
  readonly times: number;
  readonly p: number;
  readonly accumulate: boolean;
  readonly looped: boolean;
}

const dropout = suite<Drop>({
  kernel: "dropout",
  table: [
    { N: 1, times: 1, p: 0.5, accumulate: false, looped: false },
    { N: 67, times: 3, p: 0.1, accumulate: true, looped: true },
    { N: 31, times: 70, p: 0.75, accumulate: false, looped: true },
    { N: 65, times: 1, p: 1, accumulate: false, looped: false },
  ],
  any: fc.record({
    N: between(1, 300),
    times: between(1, 5),
    p: fc.constantFrom(0, 0.3, 0.7, 0.99),
    accumulate: fc.boolean(),
    looped: fc.boolean(),
  }),
  caseOf: ({ N, times, p, accumulate, looped }, numbers) => ({
    params: {
      N: N * times,
      period: N,
      stream: 0xfedcba98 - N,
      accumulate: +accumulate,
      p: Math.fround(p),
      scale: p < 1 ? 1 / (1 - p) : 0,
    },
    data: {
      x: numbers.floats(N * times),
      y: numbers.floats(N * times),
      seed: numbers.integers(1, -(2 ** 31), 2 ** 31 - 1),
    },
    grid: groups(N * times, looped),
  }),
});

interface Norm {
  readonly N: number;
  readonly C: number;
  readonly weight: boolean;
  readonly bias: boolean;
  readonly middle: number;
  readonly accumulate: boolean;
  readonly looped: boolean;
}
const norms: readonly Norm[] = [
  { N: 1, C: 1, weight: false, bias: false, middle: 0, accumulate: false, looped: false },
  { N: 7, C: 3, weight: true, bias: true, middle: 1, accumulate: true, looped: false },
  { N: 67, C: 65, weight: true, bias: false, middle: 0, accumulate: false, looped: true },
  { N: 33, C: 130, weight: true, bias: true, middle: -3, accumulate: true, looped: true },
];
const anyNorm = fc.record({
  N: between(1, 90),
  C: between(1, 130),
  weight: fc.boolean(),
  bias: fc.boolean(),
  middle: between(-2, 2),
  accumulate: fc.boolean(),
  looped: fc.boolean(),
});
const rowGroups = (N: number, rows: unknown, looped: boolean): [number, number, number] => {
  const all = Math.ceil(N / Number(rows));
  return [looped ? Math.ceil(all / 2) : all, 1, 1];
};

const layerNorm = suite<Norm>({
  kernel: "layer-norm",
  table: norms,
  any: anyNorm,
  caseOf: ({ N, C, weight, bias, middle, looped }, numbers, { ROWS }) => ({
    params: { N, C, hasWeight: +weight, hasBias: +bias, eps: 0.0009765625 },
    data: {
      x: numbers.floats(N * C).map((x) => x + middle),
      weight: weight ? numbers.floats(C) : "x",
      bias: bias ? numbers.floats(C) : "x",
      y: numbers.floats(N * C),
      stats: numbers.floats(2 * N),
    },
    grid: rowGroups(N, ROWS, looped),
  }),
});

const layerNormBackward = suite<Norm>({
  kernel: "layer-norm-backward",
  table: norms,
  any: anyNorm,
  caseOf: ({ N, C, weight, accumulate, looped }, numbers, { ROWS }) => ({
    params: { N, C, hasWeight: +weight, accumulate: +accumulate },
    data: {
      x: numbers.floats(N * C),
      weight: weight ? numbers.floats(C) : "x",
      stats: numbers.floats(2 * N),
      outputGradient: numbers.floats(N * C),
      gradient: numbers.floats(N * C),
    },
    grid: rowGroups(N, ROWS, looped),
  }),
});

const suites = [mask, rows, held, pool, poolBackward, dropout, layerNorm, layerNormBackward];

onFloat32(({ backend }) => testTwins(backend, suites, { seed: 7, numRuns: 10 }));
