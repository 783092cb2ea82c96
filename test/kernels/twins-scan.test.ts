/** The kernels of parallel scans against their twins, and how many of them a scan takes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { chunkLength, scan, scanGradients } from "../../src/kernels/scan.ts";
import type { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

type Grid = [number, number, number];
/** Fewer workgroups than items need, as on an adapter with a low limit: the rest is done in a loop. */
const gridOf = (count: number, looped: boolean): Grid => [Math.max(1, Math.ceil(count / 64 / (looped ? 2 : 1))), 1, 1];

interface Scan {
  readonly T: number;
  readonly N: number;
  /** Steps of a chunk. */
  readonly L: number;
  readonly initial: boolean;
  readonly looped: boolean;
}
const scans: readonly Scan[] = [
  { T: 1, N: 1, L: 1, initial: false, looped: false },
  { T: 2, N: 3, L: 1, initial: true, looped: false },
  { T: 7, N: 67, L: 7, initial: false, looped: true },
  { T: 8, N: 64, L: 4, initial: true, looped: false },
  { T: 31, N: 5, L: 4, initial: true, looped: false },
  { T: 70, N: 33, L: 9, initial: false, looped: true },
  { T: 67, N: 130, L: 23, initial: true, looped: true },
];
const anyScan: fc.Arbitrary<Scan> = fc
  .record({
    T: fc.integer({ min: 1, max: 70 }),
    N: fc.integer({ min: 1, max: 140 }),
    part: fc.integer({ min: 1, max: 70 }),
    initial: fc.boolean(),
    looped: fc.boolean(),
  })
  .map(({ part, ...rest }) => ({ ...rest, L: Math.min(part, rest.T) }));

interface Gates {
  readonly R: number;
  readonly H: number;
  readonly scale: number;
  readonly masked: boolean;
  readonly accumulate: boolean;
  readonly looped: boolean;
}
const gates: readonly Gates[] = [
  { R: 1, H: 1, scale: 1, masked: false, accumulate: false, looped: false },
  { R: 3, H: 5, scale: 4, masked: true, accumulate: true, looped: false },
  { R: 67, H: 2, scale: 60, masked: true, accumulate: false, looped: true },
  { R: 40, H: 130, scale: 8, masked: false, accumulate: true, looped: true },
  { R: 13, H: 31, scale: 1, masked: true, accumulate: true, looped: true },
];
const anyGates: fc.Arbitrary<Gates> = fc.record({
  R: fc.integer({ min: 1, max: 90 }),
  H: fc.integer({ min: 1, max: 130 }),
  scale: fc.constantFrom(1, 5, 60),
  masked: fc.boolean(),
  accumulate: fc.boolean(),
  looped: fc.boolean(),
});

/** Factors between 0 and 1, some of them exactly one or the other, as masks and saturated gates make them. */
const factors = (numbers: Numbers, length: number) =>
  numbers.floats(length).map((x, i) => (i % 11 === 3 ? 1 : i % 13 === 5 ? 0 : Math.abs(x)));

const scanSuites = [
  suite<Scan>({
    kernel: "scan-chunks",
    table: scans,
    any: anyScan,
    caseOf({ T, N, L, looped }, numbers) {
      const chunks = Math.max(1, Math.ceil(T / L) - 1);
      return {
        params: { T, N, L, chunks },
        data: { a: factors(numbers, T * N), b: numbers.floats(T * N), summary: numbers.floats(2 * chunks * N) },
        grid: gridOf(chunks * N, looped),
      };
    },
  }),
  suite<Scan>({
    kernel: "scan-forward",
    table: scans,
    any: anyScan,
    caseOf({ T, N, L, initial, looped }, numbers) {
      const chunks = Math.ceil(T / L);
      return {
        params: { T, N, L, chunks, hasInitial: +initial },
        data: {
          a: factors(numbers, T * N),
          b: numbers.floats(T * N),
          h: numbers.floats(T * N),
          h0: initial ? numbers.floats(N) : "a",
          starts: chunks > 1 ? numbers.floats((chunks - 1) * N) : "a",
        },
        grid: gridOf(chunks * N, looped),
      };
    },
  }),
  suite<Scan>({
    kernel: "scan-backward",
    table: scans,
    any: anyScan,
    caseOf({ T, N, L, initial, looped }, numbers) {
      const chunks = Math.ceil(T / L);
      return {
        params: { T, N, L, chunks, hasInitial: +initial },
        data: {
          a: factors(numbers, T * N),
          h: numbers.floats(T * N),
          hGradient: numbers.floats(T * N),
          h0: initial ? numbers.floats(N) : "a",
          starts: chunks > 1 ? numbers.floats((chunks - 1) * N) : "a",
          gradients: numbers.floats((2 * T + 1) * N),
        },
        grid: gridOf(chunks * N, looped),
      };
    },
  }),
  suite<Gates>({
    kernel: "scan-gates",
    table: gates,
    any: anyGates,
    caseOf({ R, H, scale, masked, looped }, numbers, { PAIR }) {
      return {
        params: { R, H, hasMask: +masked },
        data: {
          x: numbers.floats((PAIR ? 3 : 2) * R * H, scale),
          mask: masked ? numbers.integers(R, 0, 1) : "x",
          a: numbers.floats(R * H),
          b: numbers.floats(R * H),
        },
        grid: gridOf(R * H, looped),
      };
    },
  }),
  suite<Gates>({
    kernel: "scan-gates-backward",
    table: gates,
    any: anyGates,
    caseOf({ R, H, scale, masked, accumulate, looped }, numbers, { PAIR }) {
      const size = (PAIR ? 3 : 2) * R * H;
      return {
        params: { R, H, hasMask: +masked, accumulate: +accumulate },
        data: {
          x: numbers.floats(size, scale),
          mask: masked ? numbers.integers(R, 0, 1) : "x",
          aGradient: numbers.floats(R * H),
          bGradient: numbers.floats(R * H),
          xGradient: numbers.floats(size),
        },
        grid: gridOf(R * H, looped),
      };
    },
  }),
];

onFloat32(({ backend }) => testTwins(backend, scanSuites, { seed: 5, numRuns: 12 }));

const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software: false };

test("chunks are √T at most, and one on a CPU, where the columns fill the machine, and where steps are few", () => {
  for (const T of [1, 2, 63, 64, 65, 100, 1000, 4099]) {
    for (const N of [1, 17, 513, 2 ** 16, 2 ** 20]) {
      const chunks = Math.ceil(T / chunkLength(target, { T, N }));
      expect(chunks).toBeLessThanOrEqual(Math.sqrt(T));
      if (T < 64 || N >= 2 ** 16) expect(chunks).toBe(1);
      else expect(chunks).toBeGreaterThan(1);
      expect(chunkLength({ ...target, software: true }, { T, N })).toBe(T);
    }
  }
});

test.each([
  [1, 1],
  [63, 1],
  [64, 3],
  [100_000, 3],
])("a scan of %i steps is %i dispatches, and so is its gradient", (T, count) => {
  const N = 24;
  const view = { buffer: 0, offset: 0, length: T * N };
  const scheduler = { target, scratch: () => view };
  const call = { label: "scan", size: { T, N } };
  const views = { a: view, h: view, h0: undefined };
  expect(scan(scheduler, { ...call, views: { ...views, b: view } })).toHaveLength(count);
  const gradients = scanGradients(scheduler, { ...call, views: { ...views, hGradient: view, gradients: view } });
  expect(gradients).toHaveLength(count);
});
