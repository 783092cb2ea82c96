/** The kernels of one-hot inputs against their twins: columns of a weight for tokens, and sums over their gradients. */
import fc from "fast-check";
import { backendsForTests } from "../support/backends.ts";
import { grouped } from "../support/grouped-tokens.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

/** Half the workgroups that items need when looped, as on an adapter with a low limit. */
const groups = (count: number, looped: boolean): [number, number, number] => [
  looped ? Math.max(1, Math.floor(count / 128)) : Math.ceil(count / 64),
  1,
  1,
];

interface Columns {
  readonly N: number;
  readonly D: number;
  readonly M: number;
  readonly V: number;
  /** Strides are larger than what they span, as in `work`. */
  readonly gaps: boolean;
  readonly bias: boolean;
  readonly looped: boolean;
}
const columns: readonly Columns[] = [
  { N: 1, D: 1, M: 1, V: 1, gaps: false, bias: false, looped: false },
  { N: 7, D: 2, M: 5, V: 3, gaps: true, bias: true, looped: false },
  { N: 65, D: 1, M: 67, V: 31, gaps: false, bias: true, looped: true },
  { N: 31, D: 2, M: 13, V: 97, gaps: true, bias: false, looped: true },
];
const anyColumns = fc.record({
  N: between(1, 90),
  D: between(1, 2),
  M: between(1, 70),
  V: between(1, 50),
  gaps: fc.boolean(),
  bias: fc.boolean(),
  looped: fc.boolean(),
});
const stridesOf = (D: number, columnCount: number, gaps: boolean) => {
  const batch = columnCount + (gaps ? 3 : 0);
  return { batch, row: D * batch + (gaps ? 2 : 0) };
};

const gather = suite<Columns>({
  kernel: "column-gather",
  table: columns,
  any: anyColumns,
  caseOf({ N, D, M, V, gaps, bias, looped }, numbers) {
    const { row, batch } = stridesOf(D, M, gaps);
    return {
      params: { N, D, M, V, row, batch, hasBias: +bias, nan: 0x7fc00000 },
      data: {
        // Tokens outside the vocabulary as well: they give NaN.
        tokens: numbers.integers(N, -1, V),
        weight: numbers.floats(D * M * V),
        bias: bias ? numbers.floats(D * M) : "weight",
        y: numbers.floats(N * row),
      },
      grid: groups(N * D * M, looped),
    };
  },
});

const scatter = suite<Columns>({
  kernel: "column-scatter",
  table: columns,
  any: anyColumns,
  caseOf({ N, D, M, V, gaps, looped }, numbers) {
    const { row, batch } = stridesOf(D, M, gaps);
    const tokens = numbers.integers(N, -1, V);
    return {
      params: { N, D, M, V, row, batch },
      data: {
        tokens,
        grouped: grouped(tokens, V),
        outputGradient: numbers.floats(N * row),
        gradient: numbers.floats(D * M * V),
      },
      grid: groups(Math.min(N, V) * D * M, looped),
    };
  },
});

interface Sum {
  readonly N: number;
  readonly D: number;
  readonly C: number;
  readonly gaps: boolean;
  readonly accumulate: boolean;
  readonly looped: boolean;
}

const sums = suite<Sum>({
  kernel: "column-sums",
  table: [
    { N: 1, D: 1, C: 1, gaps: false, accumulate: false, looped: false },
    { N: 7, D: 2, C: 17, gaps: true, accumulate: true, looped: true },
    { N: 9, D: 1, C: 33, gaps: false, accumulate: true, looped: false },
    { N: 1301, D: 2, C: 16, gaps: true, accumulate: false, looped: true },
  ],
  any: fc.record({
    N: between(1, 300),
    D: between(1, 2),
    C: between(1, 130),
    gaps: fc.boolean(),
    accumulate: fc.boolean(),
    looped: fc.boolean(),
  }),
  caseOf({ N, D, C, gaps, accumulate, looped }, numbers, { TIMES, NORMALIZED }) {
    const { row, batch } = stridesOf(D, C, gaps);
    const all = Math.ceil((D * C) / 16);
    return {
      params: { N, D, C, row, batch, factor: 0.75, accumulate: +accumulate },
      data: {
        a: numbers.floats(N * row),
        b: TIMES || NORMALIZED ? numbers.floats(N * row) : "a",
        stats: NORMALIZED ? numbers.floats(2 * N) : "a",
        to: numbers.floats(D * C),
      },
      grid: [looped ? Math.ceil(all / 2) : all, 1, 1],
    };
  },
});

onFloat32(({ backend }) => testTwins(backend, [gather, scatter, sums], { seed: 7, numRuns: 10 }));
