/** Weights in fewer bits: what packs them rounds as it says, and the steps that read them agree with their twins in every variant. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gruCell, lstmCell } from "../../src/cells/index.ts";
import { kernels } from "../../src/kernels/index.ts";
import { packedLength } from "../../src/kernels/packed-weights.ts";
import { halfBits, halfOf, unpacked } from "../../src/kernels/packed-weights-twins.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { expectTwins, Numbers, type TwinCase } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import {
  backwardCase,
  type CaseOf,
  intermediateBackwardCase,
  packedForwardCase,
  projectBackwardCase,
  withHalves,
} from "../support/recurrent-kernel-cases.ts";
import { testKernel, testSteps } from "../support/steps-against-twins.ts";

const { onEach } = await backendsForTests();

const formats = ["f16", "int8"] as const;

/** All numbers of f16 that are finite and not negative, in order. */
const halves = Array.from({ length: 0x7c00 }, (_, bits) => halfOf(bits));

describe("f16", () => {
  test("every number of f16 is its own", () => {
    expect(halves.map(halfBits)).toEqual(halves.map((_, bits) => bits));
    expect(halves.map((half) => halfBits(-half))).toEqual(halves.map((_, bits) => bits | 0x8000));
    expect(halves[1]).toBe(2 ** -24);
    expect(halves[0x3c00]).toBe(1);
    expect(halves.at(-1)).toBe(65504);
  });

  test("halfway between two numbers the even one is taken, and beside that the nearer one", () => {
    for (let bits = 0; bits < halves.length - 1; bits++) {
      const middle = (halves[bits]! + halves[bits + 1]!) / 2;
      const [below, above] = [middle * (1 - 2 ** -23), middle * (1 + 2 ** -23)];
      expect([below, middle, above].map(halfBits)).toEqual([bits, bits + (bits % 2), bits + 1]);
    }
  });

  test("what is too large becomes the largest number; infinity and NaN stay", () => {
    expect([65519, 65520, 1e30, -1e30].map((x) => halfOf(halfBits(x)))).toEqual([65504, 65504, 65504, -65504]);
    const special = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0];
    expect(special.map((x) => halfOf(halfBits(x)))).toEqual(special);
  });
});

// Each takes a second to compile on a software adapter: these cells have every tile between them.
const cells = [lstmCell("LSTM"), gruCell("GRU", { layerNorm: true }), gruCell("GRU", { resetAfter: false })];

/** Packs rows on a backend. */
async function pack(
  backend: Backend,
  dtype: (typeof formats)[number],
  weight: Float32Array,
  sizes: { D: number; G: number; H: number; K: number },
): Promise<Int32Array> {
  const length = packedLength(dtype, sizes);
  const { D, G, H, K } = sizes;
  const plan: Plan = {
    name: "pack",
    buffers: [
      { name: "weight", role: "input", dtype: "f32", length: weight.length },
      { name: "to", role: "output", dtype: "i32", length },
    ],
    commands: [
      {
        type: "dispatch",
        kernel: kernels[`pack-${dtype}`]!.name,
        label: "pack",
        bindings: [
          { buffer: 0, offset: 0, length: weight.length },
          { buffer: 1, offset: 0, length },
        ],
        params: [D, G, H, K, ...(dtype === "f16" ? [K, 1] : [])],
        constants: {},
        grid: [2, 1, 1],
      },
    ],
  };
  const loaded = await backend.load(plan);
  loaded.write("weight", weight);
  const [words] = await loaded.runAndRead(["to"]);
  loaded.dispose();
  return words as Int32Array;
}

onEach(({ backend, kind }) => {
  test("pack-f16 rounds every number, special ones too, as its twin does", async () => {
    const middles = halves.slice(1).map((half, i) => (half + halves[i]!) / 2);
    const all = [
      ...halves,
      ...middles,
      ...middles.map((x) => x * (1 + 2 ** -23)),
      ...middles.map((x) => -x * (1 - 2 ** -23)),
    ];
    all.push(65519, 65520, -1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0, 1e-45, -1e-40);
    const sizes = { D: 1, G: 1, H: all.length, K: 1 };
    const words = await pack(backend, "f16", Float32Array.from(all), sizes);
    const got = all.map((_, i) => (words[i >> 1]! >> (16 * (i & 1))) & 0xffff);
    expect(got).toEqual(all.map(halfBits));
  });

  test("pack-int8 takes the nearest whole number of a row's scale", async () => {
    const rows = [
      [1, -1, 0.5, -0.25, 1e-3, 0],
      [0, 0, 0, 0, 0, -0],
      [3e38, -3e38, 1e38, 1, 0, 0],
      [1e-36, 1e-37, 0, 0, 0, 0],
      [1e-40, -1e-41, 0, 0, 0, 0],
      [127, 0.5, 1.5, 2.5, -0.5, -1.5],
      [127, 0.50001, 1.50001, 2.50001, -0.50001, -126.49],
      [Number.NaN, 1, 2, 3, 4, 5],
      [1, 2, Number.NEGATIVE_INFINITY, 3, 4, 5],
    ];
    const sizes = { D: 1, G: 1, H: rows.length, K: 6 };
    const words = await pack(backend, "int8", Float32Array.from(rows.flat()), sizes);
    const numbers = unpacked(words, "int8", sizes);
    const got = rows.map((_, u) => Array.from({ length: 6 }, (__, k) => numbers[k * 12 + u]!));
    rows.forEach((row, u) => {
      const most = Math.max(...row.map(Math.abs));
      const bad = !row.every(Number.isFinite);
      row.forEach((weight, k) => {
        if (bad) expect(got[u]![k]).toBeNaN();
        else if (most < 2 ** -118) expect(got[u]![k]! + 0).toBe(0);
        else expect(Math.abs(got[u]![k]! - weight)).toBeLessThanOrEqual((most / 254) * (1 + 2 ** -20));
      });
    });
    // Halves go to the smaller one: 127 is its own row's scale times 127, nearly.
    expect(got[5]!.map(Math.round)).toEqual([127, 0, 1, 2, 0, -1].map((x) => x + 0));
    expect(got[6]!.map(Math.round)).toEqual([127, 1, 2, 3, -1, -126]);
  });

  for (const dtype of formats)
    test(`pack-${dtype} gives the same words as its twin, for any sizes`, async () => {
      const any = fc.record({
        D: fc.integer({ min: 1, max: 2 }),
        G: fc.integer({ min: 1, max: 4 }),
        H: fc.integer({ min: 1, max: 41 }),
        K: fc.integer({ min: 1, max: 41 }),
      });
      const table = [1, 3, 4, 5, 7, 31, 37].map((H, i) => ({ D: 1 + (i % 2), G: 1 + (i % 4), H, K: 38 - H }));
      // By columns, and by rows.
      const strides = ({ D, H, K }: (typeof table)[number]) =>
        D === 1 ? { unitStride: K, columnStride: 1 } : { unitStride: 1, columnStride: H };
      const caseOf = (sizes: (typeof table)[number]): TwinCase => ({
        kernel: `pack-${dtype}`,
        constants: {},
        params: dtype === "f16" ? { ...sizes, ...strides(sizes) } : sizes,
        data: {
          weight: new Numbers(JSON.stringify(sizes)).floats(sizes.D * sizes.G * sizes.H * sizes.K, 0.3),
          to: new Int32Array(packedLength(dtype, sizes)),
        },
        grid: [1, 1, 1],
      });
      const same = (cases: Record<string, TwinCase>) => expectTwins(backend, cases, 0);
      await same(Object.fromEntries(table.map((sizes) => [JSON.stringify(sizes), caseOf(sizes)])));
      await fc.assert(
        fc.asyncProperty(any, (sizes) => same({ random: caseOf(sizes) })),
        { seed: 3, numRuns: 10 },
      );
    });

  // WebAssembly refuses packed weights, and the twins are what the kernels are compared with.
  if (kind !== "gpu") return;
  for (const dtype of formats)
    describe(`recurrent-forward-${dtype}`, () => {
      testSteps(backend, kernels[`recurrent-forward-${dtype}`]!, cells, packedForwardCase(dtype), { once: true });
    });

  const back: Record<string, CaseOf> = {
    "recurrent-backward-f16": backwardCase,
    "recurrent-intermediate-backward-f16": intermediateBackwardCase,
  };
  describe.each(Object.entries(back))("%s", (name, caseOf) =>
    testSteps(backend, kernels[name]!, cells, (...given) => withHalves(caseOf(...given)), { once: true }),
  );

  describe("recurrent-project-backward-f16", () =>
    testKernel(backend, kernels["recurrent-project-backward-f16"]!, (...given) =>
      withHalves(projectBackwardCase(...given)),
    ));
});
