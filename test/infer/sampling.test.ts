/** Drawing tokens: the kernel and its twin against a plain implementation, and the twin against the distribution. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { dispatch, spreadGrid } from "../../src/kernels/kernel.ts";
import { type SampleSettings, sample, sampleSettings } from "../../src/kernels/sample.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Constants, Plan } from "../../src/plan/plan.ts";
import { uniform } from "../../src/random.ts";
import { Numbers, titleOf } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";

const { onEach } = await backendsForTests();
const cpu = new CpuBackend();

interface Draw extends SampleSettings {
  readonly logits: Float32Array;
  /** Rows; `logits` is [B,V]. */
  readonly B: number;
  /** Index of the random number: chunk's first, and step. */
  readonly first: number;
  readonly step: number;
}

/** Draws with every buffer's view in the middle of the buffer, and checks that nothing around the tokens is touched. */
async function drawOn(backend: Backend, constants: Constants, draw: Draw): Promise<number[]> {
  const { logits, B, step } = draw;
  const parts = { logits, settings: sampleSettings(draw, draw.first), tokens: new Int32Array(B) };
  const entries = Object.entries(parts);
  const plan: Plan = {
    name: "sample",
    buffers: entries.map(([name, data]) => ({
      name,
      role: name === "tokens" ? "output" : "input",
      length: data.length + 7,
      dtype: data instanceof Int32Array ? "i32" : "f32",
    })),
    commands: [
      dispatch(sample, {
        label: "sample",
        constants,
        grid: spreadGrid(B, 2),
        views: {
          logits: { buffer: 0, offset: 1, length: logits.length },
          settings: { buffer: 1, offset: 2, length: parts.settings.length },
          tokens: { buffer: 2, offset: 3, length: B },
        },
        params: { B, V: logits.length / B, step },
      }),
    ],
  };
  const loaded = await backend.load(plan);
  entries.forEach(([name, data], i) => {
    loaded.write(
      name,
      data instanceof Int32Array
        ? new Int32Array(data.length + 7).fill(-9)
        : new Float32Array(data.length + 7).fill(99),
    );
    loaded.write(name, data, i + 1);
  });
  const [tokens] = await loaded.runAndRead(["tokens"]);
  loaded.dispose();
  const all = [...tokens!];
  expect([...all.slice(0, 3), ...all.slice(3 + B)]).toEqual(new Array(7).fill(-9));
  return all.slice(3, 3 + B);
}

/** The rule by itself, with sorting. */
function pick(row: readonly number[], temperature: number, topK: number, topP: number, u: number): number {
  const largest = Math.max(...row);
  if (temperature === 0) return row.indexOf(largest);
  const weights = row.map((x) => Math.exp((x - largest) / temperature));
  let kept = row.map((_, v) => v);
  const keepAbove = (least: number) => {
    kept = kept.filter((v) => row[v]! >= least);
  };
  const descending = () => kept.map((v) => row[v]!).sort((a, b) => b - a);
  if (topK > 0 && topK < row.length) keepAbove(descending()[topK - 1]!);
  const sum = () => kept.reduce((total, v) => total + weights[v]!, 0);
  if (topP < 1) {
    const goal = topP * sum();
    let mass = 0;
    for (const x of descending()) {
      mass += Math.exp((x - largest) / temperature);
      if (mass >= goal) {
        keepAbove(x);
        break;
      }
    }
  }
  const goal = u * sum();
  let before = 0;
  for (const v of kept) {
    before += weights[v]!;
    if (before > goal) return v;
  }
  return kept.at(-1)!;
}

/** What may be drawn: one token, or two where a bound is nearer than f32 can tell. */
function allowed({ logits, B, temperature, topK, topP, seed, first, step }: Draw): Set<number>[] {
  const V = logits.length / B;
  return Array.from({ length: B }, (_, b) => {
    const row = [...logits.slice(b * V, (b + 1) * V)];
    const u = uniform(seed, 0, first + step, b);
    const close = [-1e-6, 0, 1e-6];
    return new Set(
      close.flatMap((du) =>
        close.map((dp) => pick(row, Math.fround(temperature), topK, topP < 1 ? Math.fround(topP) + dp : 1, u + du)),
      ),
    );
  });
}

async function expectDraw(backend: Backend, constants: Constants, draw: Draw): Promise<void> {
  const drawn = await drawOn(backend, constants, draw);
  const may = allowed(draw);
  drawn.forEach((token, b) => {
    expect(may[b], `row ${b} of ${JSON.stringify({ ...draw, logits: draw.logits.length })}`).toContain(token);
  });
}

const drawOf = (
  B: number,
  V: number,
  settings: SampleSettings,
  more: { scale?: number; ties?: boolean; i: number },
): Draw => {
  const numbers = new Numbers(`${B} ${V} ${more.i}`);
  const logits = numbers.floats(B * V, more.scale ?? 3);
  return {
    ...settings,
    B,
    first: 100 * more.i,
    step: more.i % 7,
    logits: more.ties ? logits.map((x) => Math.round(2 * x) / 2) : logits,
  };
};

const plain = { temperature: 1, topK: 0, topP: 1, seed: 0 };
const table: readonly Draw[] = [
  drawOf(1, 1, plain, { i: 0 }),
  drawOf(3, 2, plain, { i: 1 }),
  drawOf(9, 7, { ...plain, temperature: 0 }, { i: 2 }),
  drawOf(9, 65, { ...plain, temperature: 0 }, { i: 3, ties: true }),
  drawOf(16, 64, { ...plain, temperature: 0.5, seed: 7 }, { i: 4 }),
  drawOf(16, 100, { ...plain, topK: 1, seed: 8 }, { i: 5 }),
  drawOf(16, 100, { ...plain, topK: 10, seed: 4294967295 }, { i: 6 }),
  drawOf(16, 100, { ...plain, topK: 10, seed: 10 }, { i: 7, ties: true }),
  drawOf(16, 100, { ...plain, topK: 100, seed: 11 }, { i: 8 }),
  drawOf(16, 333, { ...plain, topP: 0.5, seed: 12 }, { i: 9 }),
  drawOf(16, 63, { ...plain, topP: 0.9, seed: 13 }, { i: 10, ties: true }),
  drawOf(16, 63, { ...plain, topP: 1e-6, seed: 14 }, { i: 11 }),
  drawOf(16, 90, { ...plain, temperature: 0.3, topK: 4, seed: 17 }, { i: 16 }),
  drawOf(16, 90, { ...plain, temperature: 0.3, topP: 0.6, seed: 18 }, { i: 17 }),
  drawOf(16, 130, { ...plain, topK: 20, topP: 0.7, temperature: 1.5, seed: 15 }, { i: 12 }),
  drawOf(16, 1000, { ...plain, temperature: 2, seed: 16 }, { i: 13 }),
  // Logits far below and above 0: the largest is subtracted before the exponential.
  { ...drawOf(8, 40, plain, { i: 14 }), logits: new Numbers("low").floats(320, 4).map((x) => x - 500) },
  {
    ...drawOf(8, 40, { ...plain, topP: 0.8 }, { i: 15 }),
    logits: new Numbers("high").floats(320, 4).map((x) => x + 500),
  },
];

const any: fc.Arbitrary<Draw> = fc
  .record({
    B: fc.integer({ min: 1, max: 12 }),
    V: fc.integer({ min: 1, max: 150 }),
    i: fc.nat(1000),
    temperature: fc.constantFrom(0, 0.1, 0.7, 1, 3),
    topK: fc.nat(40),
    topP: fc.constantFrom(0.05, 0.6, 0.95, 1),
    seed: fc.nat(),
    ties: fc.boolean(),
  })
  .map(({ B, V, temperature, topK, topP, seed, ties, i }) =>
    drawOf(B, V, { temperature, topK, topP, seed }, { ties, i }),
  );

onEach(({ backend }) =>
  describe.each(sample.variants.map((constants) => [titleOf(constants), constants] as const))(
    "sampling, %s",
    (_, constants) => {
      test("draws what the rule says, on the table", async () => {
        for (const draw of table) await expectDraw(backend, constants, draw);
      });

      test("draws what the rule says, at random", async () => {
        await fc.assert(
          fc.asyncProperty(any, (draw) => expectDraw(backend, constants, draw)),
          { seed: 4, numRuns: 25 },
        );
      });
    },
  ),
);

test("a bound is seldom so near that two tokens may be drawn", () => {
  const rows = fc.sample(any, { seed: 4, numRuns: 25 }).flatMap(allowed);
  expect(rows.length).toBeGreaterThan(100);
  expect(rows.filter(({ size }) => size > 1).length).toBeLessThanOrEqual(1);
});

describe("over many draws the twin", () => {
  const logits = [0.5, -1, 2, 1.9, 0, 1.2, -3, 0.4];
  const rows = 20_000;
  const draws: readonly (readonly [what: string, settings: SampleSettings, kept: readonly number[]])[] = [
    ["draws from the softmax", { ...plain, seed: 1 }, [0, 1, 2, 3, 4, 5, 6, 7]],
    ["sharpens with a low temperature", { ...plain, temperature: 0.5, seed: 2 }, [0, 1, 2, 3, 4, 5, 6, 7]],
    ["keeps the likeliest with topK", { ...plain, topK: 3, seed: 3 }, [2, 3, 5]],
    // The probabilities of 2, 3 and 5 are 0.35, 0.32, 0.16; two of them make 0.67.
    ["keeps the smallest set that reaches topP", { ...plain, topP: 0.7, seed: 4 }, [2, 3, 5]],
    ["takes topP of what topK left", { ...plain, topK: 3, topP: 0.7, seed: 5 }, [2, 3]],
  ];
  test.each(draws)("%s", async (_, settings, kept) => {
    const many: Draw = {
      ...settings,
      B: rows,
      first: 5,
      step: 1,
      logits: Float32Array.from({ length: rows * logits.length }, (__, i) => logits[i % logits.length]!),
    };
    const drawn = await drawOn(cpu, sample.variants[0]!, many);
    const weights = logits.map((x, v) => (kept.includes(v) ? Math.exp(x / settings.temperature) : 0));
    const sum = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, v) => {
      const p = weight / sum;
      const share = drawn.filter((token) => token === v).length / rows;
      // Four standard deviations; nothing at all for what is not kept.
      expect(Math.abs(share - p), `token ${v}`).toBeLessThanOrEqual(4 * Math.sqrt((p * (1 - p)) / rows));
    });
  });
});
