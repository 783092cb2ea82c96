/** The kernels of beam search against their twins, and both against numbers that are written out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { beamSettings, LOWEST } from "../../src/kernels/beam.ts";
import { kernels } from "../../src/kernels/index.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Constants, Plan } from "../../src/plan/plan.ts";
import type { NumberArray } from "../../src/tensor-data.ts";
import { expectTwins, Numbers, type TwinCase, titleOf } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";

const { onEach, onFloat32 } = await backendsForTests();

interface Shape {
  /** Hypotheses. */
  readonly W: number;
  /** Vocabulary. */
  readonly V: number;
  readonly lengthPenalty: number;
  /** Many equal numbers. */
  readonly ties: boolean;
  /** NaN and infinities among the logits, and hypotheses without a probability. */
  readonly bad: boolean;
}

const shape = (W: number, V: number, lengthPenalty = 1, ties = false, bad = false): Shape => ({
  W,
  V,
  lengthPenalty,
  ties,
  bad,
});
const table: readonly Shape[] = [
  shape(1, 1),
  shape(16, 1, 0.5, false, true),
  shape(1, 65),
  shape(2, 2, 0),
  shape(3, 64, -1, true),
  shape(4, 63, 1, true, true),
  shape(5, 7, 0.6, true),
  shape(7, 257, 2, false, true),
  shape(11, 130, 1, true, true),
  shape(13, 1031),
  shape(16, 300, 0, false, true),
  shape(16, 17, 1, true),
  shape(3, 50_257, 1, true),
];
const any: fc.Arbitrary<Shape> = fc.record({
  W: fc.integer({ min: 1, max: 20 }),
  V: fc.integer({ min: 1, max: 400 }),
  lengthPenalty: fc.constantFrom(-1, 0, 0.6, 1, 2),
  ties: fc.boolean(),
  bad: fc.boolean(),
});

const outcast = [Number.NaN, Number.NEGATIVE_INFINITY, LOWEST, Number.POSITIVE_INFINITY];

/** Lengths from 1 on, a third of them finished. */
const hypothesesOf = (W: number, numbers: Numbers) =>
  Int32Array.of(...numbers.integers(W, 1, 9), ...numbers.integers(W, -1, 1).map((x) => Math.max(0, x)));

function candidatesCase({ W, V, lengthPenalty, ties, bad }: Shape, constants: Constants): TwinCase {
  const numbers = new Numbers(`candidates ${W} ${V} ${lengthPenalty} ${ties} ${bad}`);
  const K = Math.min(W, V);
  const logits = numbers.floats(W * V, 4).map((x) => (ties ? Math.round(x) : x));
  const totals = numbers.floats(W, 5).map((x) => x - 6);
  if (bad) {
    // Every kind alone in a row, in all of a row, and here and there.
    for (let i = 0; i < logits.length; i += 5) logits[i] = outcast[(i / 5) % 3]!;
    for (let w = 0; w < Math.min(W, 3); w++) logits.fill(outcast[w]!, w * V, (w + 1) * V);
    if (W > 3) logits[3 * V] = Number.POSITIVE_INFINITY;
    totals[W - 1] = LOWEST;
  }
  return {
    kernel: "beam-candidates",
    constants,
    params: { W, V, K },
    data: {
      logits,
      settings: beamSettings({ lengthPenalty, endToken: undefined, length: 20 }),
      totals,
      hypotheses: hypothesesOf(W, numbers),
      tokens: numbers.integers(W * K, -9, 9),
      sums: numbers.floats(W * K),
      scores: numbers.floats(W * K),
    },
    grid: W > 4 ? [3, Math.ceil(W / 3), 1] : [W, 1, 1],
  };
}

function stepCase({ W, V, ties, bad }: Shape, constants: Constants): TwinCase {
  const numbers = new Numbers(`step ${W} ${V} ${ties} ${bad}`);
  const K = Math.min(W, V);
  const raw = numbers.floats(W * K, 4).map((x) => (ties ? Math.round(x) : x));
  const scores = Float32Array.from({ length: W * K }, (_, i) => {
    const row = [...raw.subarray(i - (i % K), i - (i % K) + K)].sort((a, b) => b - a);
    // What has no probability comes last.
    return bad && i % K > W / 2 ? LOWEST : row[i % K]!;
  });
  return {
    kernel: "beam-step",
    constants,
    params: { W, K },
    data: {
      tokens: numbers.integers(W * K, 0, V - 1),
      sums: numbers.floats(W * K),
      scores,
      settings: beamSettings({ lengthPenalty: 1, endToken: ties ? 0 : undefined, length: bad ? 6 : 100 }),
      hypotheses: hypothesesOf(W, numbers),
      chosen: numbers.integers(2 * W, -9, 9),
      nextTotals: numbers.floats(W),
      nextHypotheses: numbers.integers(2 * W, -9, 9),
    },
    grid: [Math.max(1, Math.floor((W * K) / 100)), 1, 1],
  };
}

function gatherCase({ W, V, ties, bad }: Shape, constants: Constants): TwinCase {
  const numbers = new Numbers(`gather ${W} ${V}`);
  const [L, N, C] = [ties ? 3 : 1, W, Math.min(V, 130)];
  const source = bad ? numbers.floats(L * N * C) : numbers.integers(L * N * C, -1e9, 1e9);
  // A number that a GPU may flush to 0 where it computes.
  if (bad) source[0] = 2 ** -140;
  return {
    kernel: "row-gather",
    constants,
    params: { L, N, C },
    data: {
      source,
      rows: numbers.integers(N, 0, N - 1),
      to: bad ? numbers.floats(L * N * C) : numbers.integers(L * N * C, -9, 9),
    },
    grid: [Math.max(1, Math.floor((L * N * C) / 100)), 1, 1],
  };
}

onFloat32(({ backend }) => {
  describe.each([
    ["beam-candidates", candidatesCase],
    ["beam-step", stepCase],
    ["row-gather", gatherCase],
  ] as const)("%s", (kernel, caseOf) => {
    describe.each(kernels[kernel]!.variants.map((constants) => [titleOf(constants), constants] as const))(
      "%s",
      (_, constants) => {
        test("agrees with its twin on the table", async () => {
          await expectTwins(backend, Object.fromEntries(table.map((s) => [JSON.stringify(s), caseOf(s, constants)])));
        });

        test("agrees with its twin on random shapes", async () => {
          await fc.assert(
            fc.asyncProperty(any, (s) => expectTwins(backend, { random: caseOf(s, constants) })),
            { seed: 5, numRuns: 15 },
          );
        });
      },
    );
  });
});

/** Runs one command on data by binding and gives what it may write. */
async function outputs(backend: Backend, { kernel, constants, params, data, grid }: TwinCase): Promise<NumberArray[]> {
  const { bindings, params: named } = kernels[kernel]!;
  const arrays = bindings.map(({ name }) => data[name] as Float32Array | Int32Array);
  const plan: Plan = {
    name: kernel,
    buffers: bindings.map(({ name, access }, i) => ({
      name,
      role: access === "read" ? "input" : "output",
      dtype: arrays[i] instanceof Int32Array ? "i32" : "f32",
      length: arrays[i]!.length,
    })),
    commands: [
      {
        type: "dispatch",
        kernel,
        label: kernel,
        constants,
        grid,
        bindings: arrays.map(({ length }, buffer) => ({ buffer, offset: 0, length })),
        params: named.map(({ name }) => params[name]!),
      },
    ],
  };
  const loaded = await backend.load(plan);
  bindings.forEach(({ name }, i) => {
    loaded.write(name, arrays[i]!);
  });
  const values = await loaded.runAndRead(
    bindings.filter(({ access }) => access === "read_write").map(({ name }) => name),
  );
  loaded.dispose();
  return values;
}

const [NO, INF] = [Number.NaN, Number.POSITIVE_INFINITY];
const p = (...probabilities: number[]) => probabilities.map(Math.log);

onEach(({ backend }) => {
  test.each(kernels["beam-candidates"]!.variants.map((constants) => [titleOf(constants), constants] as const))(
    "candidates are ranked within their row, %s",
    async (_, constants) => {
      const rows = [
        { logits: p(0.1, 0.2, 0.2, 0.5), tokens: [3, 1, 2], of: [0.5, 0.2, 0.2] },
        // The largest logit is anything; what is masked or NaN is never taken.
        { logits: [-INF, 1000, NO, 1000], tokens: [1, 3, 0], of: [0.5, 0.5, 0] },
        { logits: [NO, NO, NO, NO], tokens: [0, 1, 2], of: [0, 0, 0] },
        { logits: [-INF, -INF, -INF, -2], tokens: [3, 0, 1], of: [1, 0, 0] },
        // Infinity is the largest number.
        { logits: [3, INF, 2, -4], tokens: [1, 0, 2], of: [1, 0, 0], also: true },
      ];
      const W = rows.length;
      const [tokens, sums, scores] = await outputs(backend, {
        kernel: "beam-candidates",
        constants,
        params: { W, V: 4, K: 3 },
        data: {
          logits: Float32Array.from(rows.flatMap(({ logits }) => logits)),
          settings: beamSettings({ lengthPenalty: 2, endToken: 1, length: 9 }),
          totals: new Float32Array(W).fill(-1),
          hypotheses: Int32Array.from([...rows.map(() => 3), ...rows.map(() => 0)]),
          tokens: new Int32Array(W * 3),
          sums: new Float32Array(W * 3),
          scores: new Float32Array(W * 3),
        },
        grid: [W, 1, 1],
      });
      expect([...tokens!]).toEqual(rows.flatMap((row) => row.tokens));
      rows.forEach(({ of, also }, w) => {
        of.forEach((probability, k) => {
          const [sum, score] = [sums![3 * w + k]!, scores![3 * w + k]!];
          if (also && k > 0) expect(sum).toBeLessThan(-1e38);
          else if (probability === 0) expect([sum, score]).toEqual([LOWEST, LOWEST]);
          else {
            expect(sum).toBeCloseTo(-1 + Math.log(probability), 5);
            expect(score).toBeCloseTo((-1 + Math.log(probability)) / 16, 5);
          }
        });
      });
    },
  );

  test("the best of all stay, the lower hypothesis first; ends and full lengths are noted", async () => {
    const values = await outputs(backend, {
      kernel: "beam-step",
      constants: {},
      params: { W: 4, K: 2 },
      data: {
        tokens: Int32Array.of(5, 6, 0, 0, 7, 5, 8, 9),
        sums: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
        scores: Float32Array.of(-2, -3, -2, LOWEST, -1, -9, -2, -2),
        settings: beamSettings({ lengthPenalty: 1, endToken: 7, length: 4 }),
        // The second one is finished.
        hypotheses: Int32Array.of(2, 1, 2, 3, 0, 1, 0, 0),
        chosen: new Int32Array(8),
        nextTotals: new Float32Array(4),
        nextHypotheses: new Int32Array(8),
      },
      grid: [1, 1, 1],
    });
    expect(values.map((numbers) => [...numbers])).toEqual([
      [7, 5, 0, 8, 2, 0, 1, 3],
      [5, 1, 3, 7],
      [3, 3, 1, 4, 1, 0, 1, 1],
    ]);
  });
});
