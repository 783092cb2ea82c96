/** The kernels without a file of their own against their twins; the others lie in twins-*.test.ts. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sortRounds } from "../../src/kernels/group-tokens.ts";
import { kernels } from "../../src/kernels/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { grouped } from "../support/grouped-tokens.ts";
import { all, between, few, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

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

const suites = [stridedCopy, gather, scatter, groups];

onFloat32(({ backend }) => testTwins(backend, suites, { seed: 3, numRuns: 12 }));

test("every kernel is compared somewhere", () => {
  const folder = new URL(".", import.meta.url);
  const others = readdirSync(folder).filter((name) => /^twins-.*\.test\.ts$/.test(name));
  const texts = others.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  // Files of their own name their kernels in quotes; those of these compute the names.
  const elsewhere = [
    "matmul",
    "matmul-tiled",
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
