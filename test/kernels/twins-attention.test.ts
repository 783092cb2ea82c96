/** The kernels of attention against their twins; its products are those of test/kernels/twins-matmul.test.ts. */
import fc from "fast-check";
import { backendsForTests } from "../support/backends.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

/** Fewer workgroups than items need, as on an adapter with a low limit: the rest is done in a loop. */
const gridOf = (count: number, perWorkgroup: number, looped: boolean): [number, number, number] => [
  Math.max(1, Math.ceil(count / perWorkgroup / (looped ? 2 : 1))),
  1,
  1,
];

interface Scores {
  readonly T: number;
  readonly S: number;
  readonly B: number;
  readonly A: number;
  readonly scale: number;
  readonly byKeys: boolean;
  readonly accumulate: boolean;
  readonly looped: boolean;
}
const scores: readonly Scores[] = [
  { T: 1, S: 1, B: 1, A: 1, scale: 1, byKeys: false, accumulate: false, looped: false },
  { T: 1, S: 70, B: 40, A: 3, scale: 4, byKeys: true, accumulate: true, looped: true },
  { T: 13, S: 7, B: 2, A: 130, scale: 1, byKeys: false, accumulate: true, looped: false },
  { T: 5, S: 3, B: 11, A: 64, scale: 30, byKeys: true, accumulate: false, looped: true },
  { T: 67, S: 31, B: 3, A: 5, scale: 2, byKeys: false, accumulate: false, looped: true },
];
const anyScores: fc.Arbitrary<Scores> = fc.record({
  T: between(1, 20),
  S: between(1, 30),
  B: between(1, 8),
  A: between(1, 40),
  scale: fc.constantFrom(0.1, 1, 20),
  byKeys: fc.boolean(),
  accumulate: fc.boolean(),
  looped: fc.boolean(),
});

interface Rows {
  readonly T: number;
  readonly B: number;
  readonly S: number;
  readonly scale: number;
  readonly spread: number;
  readonly mask: "none" | "some" | "all";
  readonly accumulate: boolean;
  readonly looped: boolean;
}
const rows: readonly Rows[] = [
  { T: 1, B: 1, S: 1, scale: 1, spread: 1, mask: "none", accumulate: false, looped: false },
  { T: 1, B: 1, S: 1, scale: 2, spread: 1, mask: "all", accumulate: true, looped: false },
  { T: 3, B: 5, S: 67, scale: 0.25, spread: 90, mask: "some", accumulate: true, looped: false },
  { T: 70, B: 2, S: 5, scale: 1, spread: 3, mask: "some", accumulate: false, looped: true },
  { T: 7, B: 40, S: 130, scale: 0.5, spread: 2, mask: "none", accumulate: true, looped: true },
  { T: 2, B: 13, S: 64, scale: 3, spread: 80, mask: "all", accumulate: false, looped: true },
];
const anyRows: fc.Arbitrary<Rows> = fc.record({
  T: between(1, 9),
  B: between(1, 13),
  S: between(1, 140),
  scale: fc.constantFrom(0.125, 1, 2.5),
  spread: fc.constantFrom(1, 10, 40),
  mask: fc.constantFrom("none", "some", "all" as const),
  accumulate: fc.boolean(),
  looped: fc.boolean(),
});

const suites = [
  suite<Scores>({
    kernel: "additive-scores",
    table: scores,
    any: anyScores,
    caseOf: ({ T, S, B, A, scale, looped }, numbers) => ({
      params: { T, S, B, A },
      data: {
        queries: numbers.floats(T * B * A, scale),
        keys: numbers.floats(S * B * A, scale),
        v: numbers.floats(A),
        scores: numbers.floats(T * B * S),
      },
      grid: gridOf(T * B * S, 64, looped),
    }),
  }),
  suite<Scores>({
    kernel: "additive-scores-backward",
    table: scores,
    any: anyScores,
    caseOf({ T, S, B, A, scale, byKeys, accumulate, looped }, numbers, { BY_V }) {
      const [M, N] = byKeys ? [S, T] : [T, S];
      const strides = byKeys ? { scoreM: 1, scoreN: B * S } : { scoreM: B * S, scoreN: 1 };
      return {
        params: { M, N, B, A, ...strides, scoreB: S, accumulate: +accumulate },
        data: {
          own: numbers.floats(M * B * A, scale),
          other: numbers.floats(N * B * A, scale),
          v: numbers.floats(A),
          scoreGradient: numbers.floats(T * B * S),
          ownGradient: numbers.floats(M * B * A),
          vRows: numbers.floats(BY_V ? M * B * A : 4),
        },
        grid: gridOf(M * B * A, 64, looped),
      };
    },
  }),
  suite<Rows>({
    kernel: "masked-softmax",
    table: rows,
    any: anyRows,
    caseOf({ T, B, S, scale, spread, mask, looped }, numbers, { ROWS }) {
      const R = T * B;
      const entries = numbers.integers(S * B, 0, 1);
      // With "all", and for sequence 0 always, no key is real.
      const given = entries.map((x, i) => (mask === "all" || i % B === 0 ? 0 : x));
      return {
        params: { R, B, S, scale, hasMask: mask === "none" ? 0 : 1 },
        data: {
          scores: numbers.floats(R * S, spread),
          weights: numbers.floats(R * S),
          mask: mask === "none" ? "scores" : given,
        },
        grid: gridOf(R, Number(ROWS), looped),
      };
    },
  }),
  suite<Rows>({
    kernel: "masked-softmax-backward",
    table: rows,
    any: anyRows,
    caseOf({ T, B, S, scale, accumulate, looped }, numbers, { ROWS }) {
      const R = T * B;
      return {
        params: { R, S, scale, accumulate: +accumulate },
        data: {
          weights: numbers.floats(R * S).map((x, i) => (i % 5 === 2 ? 0 : Math.abs(x))),
          weightGradient: numbers.floats(R * S),
          scoreGradient: numbers.floats(R * S),
        },
        grid: gridOf(R, Number(ROWS), looped),
      };
    },
  }),
];

onFloat32(({ backend }) => testTwins(backend, suites, { seed: 6, numRuns: 12 }));
