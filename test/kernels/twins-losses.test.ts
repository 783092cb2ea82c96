/** Kernels of the losses against their twins. A table for each and what is rare about it, and so over 400 lines. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kernels } from "../../src/kernels/index.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { NumberArray } from "../../src/tensor-data.ts";
import { expectTwins, Numbers, type TwinCase, titleOf } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onEach, onFloat32 } = await backendsForTests();

/** Half the workgroups that items need when looped, as on an adapter with a low limit. */
const groups = (count: number, perWorkgroup: number, looped: boolean): [number, number, number] => [
  looped ? Math.max(1, Math.floor(count / perWorkgroup / 2)) : Math.ceil(count / perWorkgroup),
  1,
  1,
];
const NAN_BITS = 0x7fc00000;
const INFINITY_BITS = 0x7f800000;

interface Classes {
  readonly N: number;
  readonly V: number;
  readonly ignoreIndex: number;
  readonly scale: number;
  readonly smoothing: number;
  readonly weighted: boolean;
  readonly masked: boolean;
  readonly looped: boolean;
}
const plain = { ignoreIndex: -100, scale: 1, smoothing: 0, weighted: false, masked: false, looped: false };
const classes: readonly Classes[] = [
  { ...plain, N: 1, V: 1 },
  { ...plain, N: 3, V: 2, ignoreIndex: 1, scale: 5 },
  { ...plain, N: 33, V: 7, scale: 3, looped: true },
  { ...plain, N: 65, V: 65, ignoreIndex: 4, scale: 80, looped: true, weighted: true, smoothing: 0.125 },
  { ...plain, N: 31, V: 64, ignoreIndex: -1, masked: true },
  { ...plain, N: 5, V: 301, ignoreIndex: 300, scale: 20, smoothing: 0.5 },
  { ...plain, N: 129, V: 3, ignoreIndex: 0, looped: true, masked: true, weighted: true },
  { ...plain, N: 70, V: 130, masked: true, smoothing: 1, looped: true },
  { ...plain, N: 17, V: 5, weighted: true, smoothing: 0.25 },
];
const anyClasses: fc.Arbitrary<Classes> = fc.record({
  N: between(1, 70),
  V: between(1, 150),
  ignoreIndex: fc.constantFrom(-100, -1, 0, 3),
  scale: fc.constantFrom(1, 10, 90),
  smoothing: fc.constantFrom(0, 0.125, 0.75),
  weighted: fc.boolean(),
  masked: fc.boolean(),
  looped: fc.boolean(),
});

/** Targets of which some are ignored and some masked, and weights of which some are 0. */
function targetsOf({ N, V, ignoreIndex, masked }: Classes, numbers: Numbers) {
  return {
    targets: numbers.integers(N, 0, V - 1).map((target, n) => (n % 4 === 2 ? ignoreIndex : target)),
    weight: numbers.floats(V).map((w) => Math.max(0, w)),
    mask: masked ? numbers.integers(N, 0, 1) : "targets",
  };
}
const flagsOf = ({ weighted, masked }: Classes) => ({ hasWeight: +weighted, hasMask: +masked });

const rows = suite<Classes>({
  kernel: "cross-entropy",
  table: classes,
  any: anyClasses,
  caseOf(shape, numbers, constants) {
    const { N, V, ignoreIndex, scale, smoothing, looped } = shape;
    return {
      params: { N, V, ignoreIndex, ...flagsOf(shape), nan: NAN_BITS, smoothing },
      data: {
        logits: numbers.floats(N * V, scale),
        ...targetsOf(shape, numbers),
        count: Float32Array.of(N % 7), // nothing counts in some
        rowLoss: numbers.floats(N),
        gradient: constants.GRADIENT ? numbers.floats(N * V) : numbers.floats(4),
      },
      grid: groups(N, Number(constants.ROWS), looped),
    };
  },
});

const counts = suite<Classes>({
  kernel: "cross-entropy-count",
  table: [...classes, { ...plain, N: 1, V: 5, ignoreIndex: 2 }],
  any: anyClasses,
  caseOf: (shape, numbers) => ({
    params: { N: shape.N, ignoreIndex: shape.ignoreIndex, ...flagsOf(shape) },
    data: { ...targetsOf(shape, numbers), count: numbers.floats(1) },
    grid: [1, 1, 1],
  }),
});

const mean = suite<Classes>({
  kernel: "cross-entropy-mean",
  table: classes,
  any: anyClasses,
  caseOf: ({ N, scale, masked }, numbers) => ({
    params: { N },
    data: {
      rowLoss: numbers.floats(N, scale),
      count: Float32Array.of(masked ? 0 : N + 3),
      loss: numbers.floats(1),
    },
    grid: [1, 1, 1],
  }),
});

interface Pointwise {
  readonly kind: number;
  readonly N: number;
  readonly C: number;
  /** Entries of posWeight. */
  readonly K: number;
  readonly size: number;
  readonly masked: boolean;
  readonly gradient: boolean;
  readonly looped: boolean;
}
const anyPointwise: fc.Arbitrary<Pointwise> = fc.record({
  kind: between(0, 3),
  N: between(1, 300),
  C: between(1, 40),
  K: between(1, 5),
  size: fc.constantFrom(1, 30),
  masked: fc.boolean(),
  gradient: fc.boolean(),
  looped: fc.boolean(),
});

const pointwise = suite<Pointwise>({
  kernel: "pointwise-loss",
  table: [0, 1, 2, 3].flatMap((kind): Pointwise[] => [
    { kind, N: 1, C: 1, K: 1, size: 1, masked: false, gradient: true, looped: false },
    { kind, N: 67, C: 5, K: 5, size: 3, masked: true, gradient: true, looped: true },
    { kind, N: 131, C: 3, K: 1, size: 100, masked: true, gradient: false, looped: true },
    { kind, N: 2, C: 67, K: 3, size: 2, masked: false, gradient: true, looped: false },
  ]),
  any: anyPointwise,
  caseOf({ kind, N, C, K, size, masked, gradient, looped }, numbers) {
    const output = numbers.floats(N * C, size);
    const probabilities = () => numbers.floats(N * C).map((x) => Math.min(1, Math.max(0, x + 0.5)));
    // Where output and goal are equal stands the kink of the absolute error, and everybody's zero.
    const goal = kind === 3 ? probabilities() : numbers.floats(N * C, size).map((y, i) => (i % 5 ? y : output[i]!));
    return {
      params: {
        N,
        C,
        K,
        kind,
        delta: 0.75,
        scale: 0.375,
        hasMask: +masked,
        hasGradient: +gradient,
        nan: NAN_BITS,
      },
      data: {
        output,
        goal,
        posWeight: numbers.floats(K).map((x) => 2 * Math.abs(x)),
        mask: masked ? numbers.integers(N, 0, 1) : numbers.integers(3, 0, 1),
        count: Float32Array.of(N % 11),
        rowLoss: numbers.floats(N),
        gradient: gradient ? numbers.floats(N * C) : numbers.floats(4),
      },
      grid: groups(N, 64, looped),
    };
  },
});

interface LogSums {
  readonly N: number;
  readonly V: number;
  readonly scale: number;
  readonly looped: boolean;
}
const logSums = suite<LogSums>({
  kernel: "log-sum-exp",
  table: [
    { N: 1, V: 1, scale: 1, looped: false },
    { N: 67, V: 3, scale: 80, looped: true },
    { N: 31, V: 257, scale: 5, looped: false },
    { N: 131, V: 64, scale: 1, looped: true },
  ],
  any: fc.record({ N: between(1, 300), V: between(1, 130), scale: fc.constantFrom(1, 90), looped: fc.boolean() }),
  caseOf: ({ N, V, scale, looped }, numbers, constants) => ({
    params: { N, V, nan: NAN_BITS },
    data: { logits: numbers.floats(N * V, scale), logSum: numbers.floats(N) },
    grid: groups(N, Number(constants.ROWS), looped),
  }),
});

interface Alignment {
  readonly T: number;
  readonly B: number;
  readonly C: number;
  readonly S: number;
  readonly blank: number;
  readonly scale: number;
  readonly byLength: boolean;
  readonly looped: boolean;
}
const alignments: readonly Alignment[] = [
  { T: 1, B: 1, C: 2, S: 1, blank: 0, scale: 1, byLength: false, looped: false },
  { T: 7, B: 5, C: 3, S: 3, blank: 2, scale: 2, byLength: true, looped: true },
  { T: 31, B: 13, C: 5, S: 11, blank: 1, scale: 5, byLength: false, looped: true },
  // More places than lanes, few of them reached by the shorter sequences.
  { T: 70, B: 7, C: 130, S: 37, blank: 129, scale: 1, byLength: true, looped: false },
  { T: 67, B: 40, C: 3, S: 2, blank: 0, scale: 8, byLength: false, looped: true },
];
const anyAlignment: fc.Arbitrary<Alignment> = fc.record({
  T: between(1, 70),
  B: between(1, 12),
  C: between(2, 30),
  S: between(1, 40),
  blank: between(0, 1),
  scale: fc.constantFrom(1, 4),
  byLength: fc.boolean(),
  looped: fc.boolean(),
});

/** Labels with repeats and padding; lengths of 0 and such that do not fit are among them. */
function sequencesOf({ T, B, C, S, blank, scale }: Alignment, numbers: Numbers) {
  const logits = numbers.floats(T * B * C, scale);
  const logSum = Float32Array.from({ length: T * B }, (_, n) =>
    Math.log(logits.subarray(n * C, (n + 1) * C).reduce((sum, x) => sum + Math.exp(x), 0)),
  );
  const labelCounts = numbers.integers(B, 0, Math.min(S, Math.ceil(T / 2)));
  const labels = numbers
    .integers(B * S, 0, C - 2)
    .map((label, i) => (i % S >= labelCounts[Math.floor(i / S)]! ? -1 : label >= blank ? label + 1 : label));
  return { logits, logSum, labels, labelCounts };
}

const paths = suite<Alignment>({
  kernel: "ctc",
  table: alignments,
  any: anyAlignment,
  caseOf(shape, numbers) {
    const { T, B, C, S, blank, byLength, looped } = shape;
    const given = sequencesOf(shape, numbers);
    return {
      params: {
        T,
        B,
        C,
        S,
        blank,
        byLength: +byLength,
        zeroInfinity: 1,
        nan: NAN_BITS,
        infinity: INFINITY_BITS,
      },
      data: {
        ...given,
        stepCounts: numbers.integers(B, 0, T).map((steps, b) => (b % 3 ? T : steps)),
        paths: numbers.floats(T * B * (2 * S + 1)),
        beta: numbers.floats(2 * B * (2 * S + 1)),
        rowLoss: numbers.floats(B),
      },
      grid: groups(B, 1, looped),
    };
  },
  // Sums of up to 70 logarithms in f32.
  tolerance: 1e-4,
});

const pathGradient = suite<Alignment>({
  kernel: "ctc-gradient",
  table: alignments,
  any: anyAlignment,
  caseOf(shape, numbers) {
    const { T, B, C, S, blank, byLength, looped } = shape;
    const given = sequencesOf(shape, numbers);
    const L = 2 * S + 1;
    return {
      params: { N: T * B, B, C, S, blank, byLength: +byLength, scale: 0.375 },
      data: {
        ...given,
        // Some rows are beyond their sequence's length.
        paths: numbers.floats(T * B * L).map((x, i) => (Math.floor(i / L) % 5 === 3 ? 0 : Math.abs(x))),
        gradient: numbers.floats(T * B * C),
      },
      grid: groups(T * B, 1, looped),
    };
  },
});

onFloat32(({ backend }) =>
  testTwins(backend, [rows, counts, mean, pointwise, logSums, paths, pathGradient], { seed: 3, numRuns: 12 }),
);

type Alone = TwinCase & { readonly data: Readonly<Record<string, Float32Array | Int32Array>> };

/** One dispatch alone, with its numbers from the start of their buffers; what it leaves in rowLoss or logSum. */
async function leftBy(backend: Backend, given: Alone): Promise<NumberArray> {
  const kernel = kernels[given.kernel]!;
  const buffers = kernel.bindings.map(({ name }) => [name, given.data[name]!] as const);
  const result = kernel.bindings.findLast(({ name }) => name === "rowLoss" || name === "logSum")!.name;
  const plan: Plan = {
    name: "alone",
    buffers: buffers.map(([name, { length }], i) => ({
      name,
      role: name === result ? "output" : "state",
      length,
      dtype: kernel.bindings[i]!.type === "i32" ? "i32" : "f32",
    })),
    commands: [
      {
        type: "dispatch",
        kernel: given.kernel,
        label: "alone",
        constants: given.constants,
        grid: given.grid,
        bindings: buffers.map(([, { length }], buffer) => ({ buffer, offset: 0, length })),
        params: kernel.params.map(({ name }) => given.params[name]!),
      },
    ],
  };
  const loaded = await backend.load(plan);
  for (const [name, data] of buffers) loaded.write(name, data);
  const [values] = await loaded.runAndRead([result]);
  loaded.dispose();
  return values!;
}

onEach(({ backend }) => {
  describe("what is not finite is told, and in no other row", () => {
    const V = 70;
    const N = 2 * V;
    // Row 2n has one such number, at place n; row 2n + 1 has none.
    const bad = new Numbers("bad").floats(N * V);
    for (let n = 0; n < V; n++) {
      bad[2 * n * V + n] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][n % 3]!;
    }
    const common = { rowLoss: new Float32Array(N), gradient: new Float32Array(N * V), count: Float32Array.of(N) };
    const expectEveryOther = async (given: Alone) => {
      const values = await leftBy(backend, given);
      expect(Array.from(values, Number.isNaN)).toEqual(Array.from({ length: N }, (_, n) => n % 2 === 0));
      expect(Array.from(values, Number.isFinite)).toEqual(Array.from({ length: N }, (_, n) => n % 2 === 1));
    };
    const titled = (kernel: string) =>
      kernels[kernel]!.variants.map((constants) => [titleOf(constants), constants] as const);

    test.each(titled("cross-entropy"))("cross-entropy, %s", (_, constants) => {
      const targets = new Numbers("goals").integers(N, 0, V - 1);
      return expectEveryOther({
        kernel: "cross-entropy",
        constants,
        grid: [N, 1, 1],
        params: { N, V, ignoreIndex: -100, hasWeight: 0, hasMask: 0, nan: NAN_BITS, smoothing: 0 },
        data: { ...common, logits: bad, targets, weight: new Float32Array(1), mask: new Int32Array(1) },
      });
    });

    test.each([0, 1, 2, 3])("pointwise-loss, kind %i, where what is masked may be anything in the target", (kind) => {
      const goal = bad.map((x, i) => (Number.isFinite(x) || Math.floor(i / V) % 4 === 0 ? 0.5 : x));
      const mask = Int32Array.from({ length: N }, (_, n) => (n % 4 === 1 ? 0 : 1));
      goal.fill(Number.NaN, V, 2 * V); // masked
      return expectEveryOther({
        kernel: "pointwise-loss",
        constants: {},
        grid: [N, 1, 1],
        params: { N, C: V, K: 1, kind, delta: 1, scale: 1, hasMask: 1, hasGradient: 1, nan: NAN_BITS },
        data: { ...common, output: bad, goal, posWeight: Float32Array.of(1), mask },
      });
    });

    test.each(titled("log-sum-exp"))("log-sum-exp, %s", (_, constants) =>
      expectEveryOther({
        kernel: "log-sum-exp",
        constants,
        grid: [N, 1, 1],
        params: { N, V, nan: NAN_BITS },
        data: { logits: bad, logSum: new Float32Array(N) },
      }),
    );
  });

  test("ctc says infinity where labels do not fit their steps, and NaN where a step's numbers are not finite", async () => {
    // Two equal labels need three steps, one label one, none none.
    const [T, B, C, S] = [3, 6, 3, 2];
    const rowLoss = await leftBy(backend, {
      kernel: "ctc",
      constants: {},
      grid: [2, 1, 1],
      params: {
        T,
        B,
        C,
        S,
        blank: 0,
        byLength: 0,
        zeroInfinity: 0,
        nan: NAN_BITS,
        infinity: INFINITY_BITS,
      },
      data: {
        logits: new Float32Array(T * B * C),
        logSum: Float32Array.from({ length: T * B }, (_, i) => (i === 2 * B + 5 ? Number.NaN : Math.log(C))),
        labels: Int32Array.of(1, 1, 1, 1, 1, -1, 1, -1, -1, -1, 1, 2),
        stepCounts: Int32Array.of(3, 2, 1, 0, 0, 3),
        labelCounts: Int32Array.of(2, 2, 1, 1, 0, 2),
        paths: new Float32Array(T * B * (2 * S + 1)),
        beta: new Float32Array(2 * B * (2 * S + 1)),
        rowLoss: new Float32Array(B),
      },
    });
    expect(rowLoss[0]).toBeCloseTo(3 * Math.log(3), 5); // one path: 1 blank 1
    expect(rowLoss[2]).toBeCloseTo(Math.log(3), 5);
    expect([rowLoss[1], rowLoss[3], rowLoss[4], rowLoss[5]].map((x) => Math.abs(x!))).toEqual([
      Infinity,
      Infinity,
      0,
      Number.NaN,
    ]);
  });
});

onFloat32(({ backend }) => {
  test("the loss of logits that are sure keeps its digits", async () => {
    // One number a row, so that each is held to its own size.
    const logits = [-10, -16, -20, -40, 3, 12, 25];
    const cases = logits.flatMap((x) => [0, 1].map((y) => [x, y] as const));
    await expectTwins(
      backend,
      Object.fromEntries(
        cases.map(([x, y]) => [
          `${x} ${y}`,
          {
            kernel: "pointwise-loss",
            constants: {},
            grid: [1, 1, 1],
            params: { N: 1, C: 1, K: 1, kind: 3, delta: 1, scale: 1, hasMask: 0, hasGradient: 1, nan: NAN_BITS },
            data: {
              output: Float32Array.of(x),
              goal: Float32Array.of(y),
              posWeight: Float32Array.of(3),
              mask: new Int32Array(1),
              count: Float32Array.of(1),
              rowLoss: new Float32Array(1),
              gradient: new Float32Array(1),
            },
          } satisfies TwinCase,
        ]),
      ),
      4e-6,
    );
  });
});
