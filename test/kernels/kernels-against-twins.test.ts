/** The kernels without a file of their own against their twins; the matrix products, recurrent steps and sampling have one. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sortRounds } from "../../src/kernels/group-tokens.ts";
import { kernels } from "../../src/kernels/index.ts";
import { NO_CLIP_VALUE } from "../../src/kernels/norm.ts";
import { momentNames } from "../../src/kernels/optimizer.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { expectTwins, Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { grouped } from "../support/grouped-tokens.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

/** Fewer workgroups than items need, as on an adapter with a low limit: the rest is done in a loop. */
const few = (count: number, perWorkgroup: number): [number, number, number] => [
  Math.max(1, Math.floor(count / perWorkgroup / 2)),
  1,
  1,
];
const all = (count: number, perWorkgroup: number): [number, number, number] => [Math.ceil(count / perWorkgroup), 1, 1];

interface Strided {
  readonly n: readonly [number, number, number, number];
  readonly padding: number;
  /** Between the rows of the result. */
  readonly gap?: number;
  /** The result is written from its end on the third axis, and its two outer axes are exchanged. */
  readonly turned?: boolean;
  readonly accumulate: boolean;
  /** Axes of `n` from the slowest in the source to the fastest. */
  readonly order: readonly number[];
  /** The source is read from its end on the first axis. */
  readonly backwards: boolean;
  readonly looped: boolean;
}

const stridedCopy = suite<Strided>({
  kernel: "strided-copy",
  table: [
    { n: [1, 1, 1, 1], padding: 0, accumulate: false, order: [0, 1, 2, 3], backwards: false, looped: false },
    { n: [1, 1, 1, 97], padding: 3, accumulate: true, order: [0, 1, 2, 3], backwards: false, looped: true },
    { n: [2, 3, 5, 7], padding: 1, accumulate: false, order: [3, 2, 1, 0], backwards: false, looped: false },
    { n: [3, 4, 2, 33], padding: 3, accumulate: true, order: [1, 0, 3, 2], backwards: true, looped: true },
    { n: [2, 13, 4, 13], padding: 3, accumulate: false, order: [0, 2, 1, 3], backwards: false, looped: true },
    { n: [1, 3, 17, 5], padding: 0, gap: 7, accumulate: true, order: [0, 1, 2, 3], backwards: false, looped: true },
    {
      n: [3, 2, 7, 5],
      padding: 2,
      gap: 1,
      turned: true,
      accumulate: false,
      order: [2, 0, 1, 3],
      backwards: true,
      looped: false,
    },
  ],
  any: fc.record({
    n: fc.tuple(between(1, 5), between(1, 5), between(1, 5), between(1, 40)),
    padding: between(0, 3),
    gap: between(0, 9),
    turned: fc.boolean(),
    order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 }),
    accumulate: fc.boolean(),
    backwards: fc.boolean(),
    looped: fc.boolean(),
  }),
  caseOf({ n, padding, gap = 0, turned = false, accumulate, order, backwards, looped }, numbers) {
    const strides = [0, 0, 0, 0];
    let stride = 1;
    for (const axis of order.toReversed()) {
      strides[axis] = stride;
      stride = stride * n[axis]! + 1;
    }
    const span = strides.reduce((sum, s, axis) => sum + s * (n[axis]! - 1), 1);
    const source = numbers.floats(span);
    const [n0, n1, n2, n3] = n;
    const padded = n3 + padding;
    const count = n0 * n1 * n2 * padded;
    const [s0, s1, s2, s3] = strides as [number, number, number, number];
    const from = backwards ? { s0: -s0, start: s0 * (n0 - 1) } : { s0, start: 0 };
    const row = padded + gap;
    const to = turned
      ? { toStart: (n2 - 1) * row, t0: n2 * row, t1: n0 * n2 * row, t2: -row, t3: 1 }
      : { toStart: 0, t0: n1 * n2 * row, t1: n2 * row, t2: row, t3: 1 };
    return {
      params: { n0, n1, n2, n3, padded, accumulate: +accumulate, ...from, s1, s2, s3, ...to },
      data: { source, to: numbers.floats(n0 * n1 * n2 * (padded + gap)) },
      grid: looped ? few(count, 64) : all(count, 64),
    };
  },
});

interface Table {
  readonly N: number;
  readonly E: number;
  readonly V: number;
  readonly looped: boolean;
}
const tables: readonly Table[] = [
  { N: 1, E: 1, V: 1, looped: false },
  { N: 7, E: 5, V: 3, looped: false },
  { N: 65, E: 3, V: 11, looped: true },
  { N: 31, E: 67, V: 40, looped: true },
  { N: 130, E: 2, V: 500, looped: false },
];
const anyTable = fc.record({ N: between(1, 90), E: between(1, 40), V: between(1, 50), looped: fc.boolean() });

const gather = suite<Table>({
  kernel: "embedding-gather",
  table: tables,
  any: anyTable,
  caseOf: ({ N, E, V, looped }, numbers) => ({
    params: { N, E, V, nan: 0x7fc00000 },
    // Tokens outside the table as well: they give NaN.
    data: { tokens: numbers.integers(N, -1, V), table: numbers.floats(V * E), output: numbers.floats(N * E) },
    grid: looped ? few(N * E, 64) : all(N * E, 64),
  }),
});

const scatter = suite<Table>({
  kernel: "embedding-scatter",
  table: tables,
  any: anyTable,
  caseOf({ N, E, V, looped }, numbers) {
    const tokens = numbers.integers(N, -1, V);
    const items = Math.min(N, V) * E;
    return {
      params: { N, E, V },
      data: {
        tokens,
        grouped: grouped(tokens, V),
        outputGradient: numbers.floats(N * E),
        gradient: numbers.floats(V * E),
      },
      grid: looped ? few(items, 64) : all(items, 64),
    };
  },
});

interface Text {
  readonly N: number;
  readonly V: number;
}

// V at both sides of where a further digit is sorted by; N around the number of lanes.
const groups = suite<Text>({
  kernel: "group-tokens",
  table: [
    { N: 1, V: 1 },
    { N: 127, V: 15 },
    { N: 128, V: 16 },
    { N: 129, V: 255 },
    { N: 301, V: 256 },
    { N: 2000, V: 3 },
    { N: 1000, V: 50_257 },
    { N: 700, V: 1_100_000 },
  ],
  any: fc.record({ N: between(1, 400), V: between(1, 5000) }),
  caseOf: ({ N, V }, numbers) => ({
    params: { N, V, rounds: sortRounds(V) },
    data: { tokens: numbers.integers(N, -1, V), grouped: numbers.integers(2 * N, -9, 9) },
    grid: [1, 1, 1],
  }),
});

test("grouped tokens are their positions in the order of the text, and where each run begins", () => {
  const tokens = Int32Array.of(5, 2, 9, 2, 5, -1, 2);
  expect([...grouped(tokens, 9)]).toEqual([1, 3, 6, 0, 4, 2, 5, 0, 3, 5, 7, 7, 7, 7]);
});

interface Norm {
  readonly P: number;
  readonly clip: number;
  readonly scale?: number;
}
const norms: readonly Norm[] = [
  { P: 1, clip: 0 },
  { P: 63, clip: 0.5 },
  { P: 64, clip: 0.25 },
  { P: 4097, clip: 1e3 },
  // As small as what is added to the norm so that nothing is divided by zero.
  { P: 2, clip: 1e-6, scale: 1e-11 },
];
const anyNorm = fc.record({ P: between(1, 3000), clip: fc.constantFrom(0, 0.1, 0.9, 50) });

const normFinish = suite<Norm>({
  kernel: "norm-finish",
  table: norms,
  any: anyNorm,
  caseOf: ({ P, clip, scale = 1 }, numbers) => ({
    params: { N: P, clipNorm: clip },
    data: { partial: numbers.floats(P, scale).map(Math.abs), norm: numbers.floats(2) },
    grid: [1, 1, 1],
  }),
  // A plain sum of up to 4097 numbers.
  tolerance: 1e-4,
});

interface Update {
  readonly P: number;
  readonly clipValue: number;
  readonly clipFactor: number;
  readonly weightDecay: number;
  readonly switches: readonly [boolean, boolean];
  readonly looped: boolean;
}
const updates: readonly Update[] = [
  { P: 1, clipValue: NO_CLIP_VALUE, clipFactor: 1, weightDecay: 0, switches: [false, false], looped: false },
  {
    P: 67,
    clipValue: NO_CLIP_VALUE,
    clipFactor: 0.25,
    weightDecay: 0.125,
    switches: [true, false],
    looped: false,
  },
  { P: 128, clipValue: 0.5, clipFactor: 1, weightDecay: 0.0625, switches: [false, true], looped: true },
  { P: 300, clipValue: 0.75, clipFactor: 0.5, weightDecay: 0.25, switches: [true, true], looped: true },
];
const anyUpdate: fc.Arbitrary<Update> = fc.record({
  P: between(1, 400),
  clipValue: fc.constantFrom(NO_CLIP_VALUE, 0.25),
  clipFactor: fc.constantFrom(1, 0.375),
  weightDecay: fc.constantFrom(0, 0.03125),
  switches: fc.tuple(fc.boolean(), fc.boolean()),
  looped: fc.boolean(),
});

/** What a moment may be, from numbers within ±0.5. */
const kinds = {
  signed: (x: number) => x,
  // Means of squares are never negative, and larger than the square of the mean.
  mean: (x: number) => x / 8,
  square: (x: number) => Math.abs(x) + 0.1,
  // Half of the weights have made no step yet.
  stepSize: (x: number) => Math.max(0, x),
};

/** An optimizer's suite; `own` are its own params and what the host sends each step. All numbers are exact in f32. */
const optimizer = (
  kernel: string,
  moments: readonly (keyof typeof kinds)[],
  own: (switches: Update["switches"]) => { params: Readonly<Record<string, number>>; hyper: readonly number[] },
) =>
  suite<Update>({
    kernel,
    table: updates,
    any: anyUpdate,
    caseOf({ P, clipValue, clipFactor, weightDecay, switches, looped }, numbers) {
      const { params, hyper } = own(switches);
      return {
        params: { P, clipValue, weightDecay, ...params },
        data: {
          parameter: numbers.floats(P),
          gradient: numbers.floats(P, 2),
          norm: Float32Array.of(7, clipFactor),
          hyper: Float32Array.from(hyper),
          ...Object.fromEntries(moments.map((kind, k) => [momentNames[k], numbers.floats(P, 0.5).map(kinds[kind])])),
        },
        grid: looped ? few(P, 64) : all(P, 64),
      };
    },
  });

const optimizers = [
  optimizer("sgd", ["signed"], ([nesterov, first]) => ({
    params: { momentum: 0.75, dampening: nesterov ? 0 : 0.125, nesterov: +nesterov },
    hyper: [0.3125, +first],
  })),
  optimizer("sgd", ["signed"], () => ({ params: { momentum: 0, dampening: 0, nesterov: 0 }, hyper: [0.3125, 0] })),
  optimizer("adam", ["signed", "square", "square"], ([decoupled, amsgrad]) => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10, decoupled: +decoupled, amsgrad: +amsgrad },
    hyper: [0.03125, 0.5, 0.25],
  })),
  optimizer("rmsprop", ["square", "signed", "mean"], ([centered, momentum]) => ({
    params: { alpha: 0.9375, eps: 2 ** -10, momentum: momentum ? 0.375 : 0, centered: +centered },
    hyper: [0.03125],
  })),
  optimizer("adagrad", ["square"], () => ({ params: { eps: 2 ** -10 }, hyper: [0.0625] })),
  optimizer("adamax", ["signed", "square"], () => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10 },
    hyper: [0.03125, 0.5],
  })),
  optimizer("nadam", ["signed", "square"], ([decoupled]) => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10, decoupled: +decoupled },
    hyper: [0.03125, 0.375, 0.75, 0.25],
  })),
  optimizer("radam", ["signed", "square"], ([decoupled, rectified]) => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10, decoupled: +decoupled },
    hyper: [0.03125, 0.5, rectified ? 0.1875 : 0],
  })),
  optimizer("lion", ["signed"], () => ({ params: { beta1: 0.875, beta2: 0.96875 }, hyper: [0.03125] })),
  optimizer("adadelta", ["square", "square"], () => ({ params: { rho: 0.9375, eps: 2 ** -10 }, hyper: [0.5] })),
  optimizer("ftrl", ["square", "signed"], ([isRoot, shrinks]) => ({
    params: { power: isRoot ? 0.5 : 0.25, l1: 0.125, l2: 0.25, l2Shrinkage: shrinks ? 0.0625 : 0, beta: 0.375 },
    hyper: [0.5],
  })),
  optimizer("ftrl", ["square", "signed"], () => ({
    params: { power: 0.5, l1: 0.125, l2: 0.25, l2Shrinkage: 0.125, beta: 0.375 },
    hyper: [0],
  })),
  optimizer("asgd", ["signed"], ([averages]) => ({
    params: { lambd: 0.0625 },
    hyper: [0.3125, averages ? 0.125 : 1],
  })),
  optimizer("rprop", ["signed", "stepSize"], () => ({
    params: { etaMinus: 0.5, etaPlus: 1.25, stepSizeMin: 2 ** -6, stepSizeMax: 0.375 },
    hyper: [0.0625],
  })),
];

const suites = [stridedCopy, gather, scatter, groups, normFinish, ...optimizers];

onFloat32(({ backend }) => {
  testTwins(backend, suites, { seed: 3, numRuns: 12 });

  // norm-partial's twin deals the squares out in another way, so what must agree is what they add up to.
  test.each(norms.flatMap(({ P, clip }) => [1, 3, 64].map((groups) => [P, clip, groups] as const)))(
    "norm-partial of %i gradients, clipped at %d, in %i groups",
    async (P, clip, groups) => {
      const gradient = new Numbers(`norm ${P}`).floats(P);
      const clipValue = clip || NO_CLIP_VALUE;
      const buffer = (name: string, length: number) => ({ name, role: "output", dtype: "f32", length }) as const;
      const plan: Plan = {
        name: "norm-partial",
        buffers: [buffer("gradient", P + 3), buffer("partial", groups + 7)],
        commands: [
          {
            type: "dispatch",
            kernel: "norm-partial",
            label: "norm",
            constants: {},
            grid: [groups, 1, 1],
            bindings: [
              { buffer: 0, offset: 3, length: P },
              { buffer: 1, offset: 5, length: groups },
            ],
            params: [P, groups, clipValue],
          },
        ],
      };
      const loaded = await backend.load(plan);
      loaded.write("gradient", Float32Array.from([99, 99, 99, ...gradient]));
      loaded.write("partial", new Float32Array(groups + 7).fill(77));
      const [partial] = (await loaded.runAndRead(["partial"])) as [Float32Array];
      loaded.dispose();
      const squares = gradient.map((g) => Math.max(-clipValue, Math.min(clipValue, g)) ** 2);
      const sum = (numbers: Float32Array) => numbers.reduce((total, x) => total + x, 0);
      expect(sum(partial.slice(5, 5 + groups)) / sum(squares)).toBeCloseTo(1, 5);
      expect([...partial.slice(0, 5), ...partial.slice(5 + groups)]).toEqual(new Array(7).fill(77));
    },
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("a gradient that is %d is not clipped to a number", async (bad) => {
    const gradient = Float32Array.of(0.5, bad, -2);
    await expectTwins(backend, {
      norm: {
        kernel: "norm-partial",
        constants: {},
        grid: [1, 1, 1],
        params: { P: 3, groups: 1, clipValue: 1 },
        data: { gradient, partial: new Float32Array(1) },
      },
      step: {
        kernel: "sgd",
        constants: {},
        grid: [1, 1, 1],
        params: { P: 3, clipValue: 1, weightDecay: 0, momentum: 0, dampening: 0, nesterov: 0 },
        data: {
          parameter: new Float32Array(3),
          gradient,
          norm: Float32Array.of(1, 1),
          hyper: Float32Array.of(0.1, 0),
          moment0: new Float32Array(3),
        },
      },
    });
  });
});

test("every kernel is compared somewhere", () => {
  const folder = new URL(".", import.meta.url);
  const others = readdirSync(folder).filter((name) => /^twins-.*\.test\.ts$/.test(name));
  const texts = others.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  // Files of their own name their kernels in quotes; those of these compute the names.
  const elsewhere = [
    "matmul",
    "matmul-tiled",
    "norm-partial",
    "pack-f16",
    "pack-int8",
    "pointwise",
    "recurrent-forward",
    "recurrent-forward-f16",
    "recurrent-forward-int8",
    "recurrent-backward",
    "sample",
  ];
  const here = [...suites.map(({ kernel }) => kernel), ...elsewhere];
  expect(Object.keys(kernels).filter((name) => !here.includes(name) && !texts.includes(`"${name}"`))).toEqual([]);
});
