/** The model of the hardware ranks variants as they were measured, where the measured difference is large. No test here takes a time. */
import { describe, expect, test } from "vitest";
import { chooseVariant, type VariantOf, variantsOf } from "../../src/kernels/choose-variant.ts";
import {
  type HardwareClass,
  hardware,
  hardwareClass,
  predict,
  predictProduct,
  predictStep,
  predictWeightGradient,
} from "../../src/kernels/hardware-model.ts";

const block = (ROWS: number, SHARED = 1) => ({ ROWS, SHARED });
const slices = (ROWS: number, WORDS: number, SLICES: number) => ({ ROWS, WORDS, SLICES });
const tile = (ROWS: number, COLUMNS: number, LANES: number, SHARED = 1) => ({ ROWS, COLUMNS, LANES, SHARED });
type Step = Parameters<typeof predictStep>[2];

/**
 * Microseconds of one step forward of four gates, by `Runtime.tune` on lavapipe (Mesa 25.0.7, two cores) on 2026-11-22, on a machine
 * that had other work. A variant that was three times as fast as another one must be predicted to be faster.
 */
const steps: readonly (readonly [B: number, H: number, measured: readonly (readonly [Step, number])[]])[] = [
  [
    1,
    64,
    [
      [block(1), 77],
      [slices(8, 8, 32), 631],
      [slices(1, 8, 32), 339],
      [slices(1, 32, 8), 351],
      [slices(1, 16, 16), 210],
      [block(8), 187],
    ],
  ],
  [
    1,
    128,
    [
      [block(1), 156],
      [slices(8, 8, 32), 833],
      [slices(1, 8, 32), 1203],
      [block(4), 406],
      [block(8), 463],
    ],
  ],
  [
    1,
    256,
    [
      [block(1), 482],
      [slices(8, 8, 32), 4141],
      [slices(1, 8, 32), 1514],
      [slices(1, 32, 8), 1360],
      [slices(1, 16, 16), 1404],
      [block(8), 1163],
    ],
  ],
  [
    16,
    128,
    [
      [block(8), 708],
      [slices(8, 8, 32), 4292],
      [slices(1, 8, 32), 32799],
      [slices(1, 32, 8), 9973],
      [slices(1, 16, 16), 6007],
      [block(1), 4254],
    ],
  ],
  [
    32,
    128,
    [
      [block(8), 1680],
      [slices(8, 8, 32), 10655],
      [slices(1, 8, 32), 49780],
      [slices(1, 32, 8), 17117],
      [block(1), 4262],
    ],
  ],
  [
    16,
    256,
    [
      [block(8), 2991],
      [slices(8, 8, 32), 18636],
      [slices(1, 8, 32), 25816],
      [slices(1, 32, 8), 18482],
      [block(4), 6023],
      [block(1), 10601],
    ],
  ],
];

/** Microseconds of a product, as above. */
const products: readonly (readonly [
  M: number,
  N: number,
  K: number,
  readonly (readonly [VariantOf<"matmul">, number])[],
])[] = [
  [
    8,
    256,
    64,
    [
      [tile(8, 8, 16), 117],
      [tile(4, 4, 64), 191],
      [tile(1, 4, 16), 216],
      ["tiled", 3769],
      [tile(1, 1, 64), 1565],
    ],
  ],
  [
    128,
    512,
    128,
    [
      [tile(8, 8, 16), 5932],
      [tile(4, 4, 64), 12020],
      [tile(1, 4, 16), 21640],
      ["tiled", 37899],
      [tile(1, 1, 64), 48147],
    ],
  ],
  [
    4,
    1024,
    256,
    [
      [tile(8, 8, 16), 1244],
      [tile(4, 4, 64), 1464],
      [tile(1, 4, 16), 3564],
      ["tiled", 48081],
      [tile(1, 1, 64), 6677],
    ],
  ],
  [
    8,
    512,
    128,
    [
      [tile(8, 8, 16), 444],
      [tile(4, 4, 64), 784],
      [tile(1, 4, 16), 1742],
      ["tiled", 15346],
      [tile(1, 1, 64), 2485],
    ],
  ],
  [
    64,
    1024,
    256,
    [
      [tile(8, 8, 16), 14648],
      [tile(4, 4, 64), 23683],
      [tile(1, 4, 16), 49190],
      ["tiled", 58613],
      [tile(1, 1, 64), 104294],
    ],
  ],
];

/** Milliseconds of products with shared rows, by `webgpu-rnn tune` on lavapipe on two cores of an AMD EPYC, 2026-11-22. */
const sharedProducts: typeof products = [
  [
    2048,
    512,
    64,
    [
      [tile(16, 8, 8, 8), 26],
      [tile(8, 8, 8, 8), 28.2],
      [tile(8, 8, 16), 61.1],
    ],
  ],
  [
    2048,
    64,
    128,
    [
      [tile(16, 8, 8, 8), 13.8],
      [tile(8, 8, 8, 8), 17.9],
      [tile(8, 8, 16), 22.6],
      [tile(4, 4, 64), 37.4],
    ],
  ],
];

/** Pairs of which one was measured at least three times as fast, and is predicted to be slower. */
function misjudged<V>(measured: readonly (readonly [V, number])[], predicted: (variant: V) => number): string[] {
  const show = (variant: V) => `${JSON.stringify(variant)} at ${predicted(variant).toFixed(0)}`;
  return measured.flatMap(([fast, least]) =>
    measured
      .filter(([slow, most]) => most >= 3 * least && predicted(slow) <= predicted(fast))
      .map(([slow]) => `${show(slow)} before ${show(fast)}`),
  );
}

describe("on lavapipe, variants with a large measured difference are ranked as measured", () => {
  test.each(steps)("steps of B %i, H %i", (B, H, measured) => {
    const shape = { B, words: H / 4, gates: 4, directions: 1 };
    expect(misjudged(measured, (variant) => predictStep(hardware.software, shape, variant))).toEqual([]);
    const [fastest] = measured.reduce((best, one) => (one[1] < best[1] ? one : best));
    const best = Math.min(...measured.map(([variant]) => predictStep(hardware.software, shape, variant)));
    expect(predictStep(hardware.software, shape, fastest)).toBeLessThanOrEqual(1.5 * best);
  });

  test.each(products)("products %ix%ix%i", (M, N, K, measured) => {
    expect(misjudged(measured, (variant) => predictProduct(hardware.software, { M, N, K }, variant))).toEqual([]);
    const best = Math.min(...measured.map(([variant]) => predictProduct(hardware.software, { M, N, K }, variant)));
    expect(predictProduct(hardware.software, { M, N, K }, measured[0]![0])).toBeLessThanOrEqual(1.5 * best);
  });

  test.each(sharedProducts)("products %ix%ix%i with shared rows, in the order of their times", (M, N, K, measured) => {
    const predicted = measured.map(([variant]) => predictProduct(hardware.software, { M, N, K }, variant));
    expect(predicted).toEqual(predicted.toSorted((a, b) => a - b));
  });

  test("a rank that is the wrong way round is found", () => {
    const [[, , measured]] = steps as unknown as [(typeof steps)[0]];
    expect(
      misjudged(
        measured,
        (variant) => -predictStep(hardware.software, { B: 1, words: 16, gates: 4, directions: 1 }, variant),
      ),
    ).not.toEqual([]);
  });
});

/** Measured on 2026-11-21 with nothing beside it. */
test.each([
  [32, 128, 8, 750],
  [16, 256, 8, 853],
  [1, 128, 1, 102],
  [1, 512, 1, 508],
])(
  "on lavapipe, a step of B %i, H %i with %i rows is predicted within a factor of 2.5 of %i µs",
  (B, H, ROWS, measured) => {
    const predicted = predictStep(hardware.software, { B, words: H / 4, gates: 4, directions: 1 }, { ROWS });
    expect(predicted / measured).toBeGreaterThan(1 / 2.5);
    expect(predicted / measured).toBeLessThan(2.5);
  },
);

describe.each(["integrated", "apple", "discrete"] as const)("on the class %s", (name) => {
  const machine = hardware[name];

  test("a small batch is faster with its products shared by many invocations", () => {
    for (const H of [64, 128, 256]) {
      const shape = { B: 1, words: H / 4, gates: 4, directions: 1 };
      expect(predictStep(machine, shape, slices(1, 8, 32))).toBeLessThan(predictStep(machine, shape, block(1)));
    }
  });

  test("steps that follow each other within a dispatch save the gap between dispatches", () => {
    const shape = { B: 1, words: 16, gates: 4, directions: 1 };
    const alone = predictStep(machine, shape, slices(1, 16, 16), 1);
    expect(alone - predictStep(machine, shape, slices(1, 16, 16))).toBeCloseTo(machine.dispatch);
  });

  test("the parts of a weight's gradient that the table has are not far from the best ones", () => {
    const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software: false };
    for (const [M, N] of [
      [128, 64],
      [512, 64],
      [512, 128],
      [1024, 256],
      [2048, 512],
    ] as const) {
      for (const K of [256, 2048, 8192]) {
        const shape = { M, N, K };
        const all = variantsOf("weight-gradient").map((variant) => predictWeightGradient(machine, shape, variant));
        const chosen = chooseVariant(target, "weight-gradient", { ...shape, results: M * N });
        expect(predictWeightGradient(machine, shape, chosen)).toBeLessThan(1.5 * Math.min(...all));
      }
    }
  });

  test("no product is faster than memory and arithmetic allow", () => {
    for (const [M, N, K] of [
      [4096, 1024, 256],
      [1, 4096, 4096],
      [512, 512, 512],
    ] as const) {
      const peak = (2 * machine.units * machine.lanes) / machine.multiplyAdd; // GFLOP/s
      for (const variant of variantsOf("matmul")) {
        const predicted = predictProduct(machine, { M, N, K }, variant);
        expect((2 * M * N * K) / predicted / 1000).toBeLessThanOrEqual(peak);
        const bytes = 4 * (M * K + K * N + M * N);
        if (bytes > machine.cache * 1e6) expect(bytes / predicted / 1000).toBeLessThanOrEqual(machine.bandwidth);
      }
    }
  });
});

describe("the gradient of a weight 512x128 by 2048 rows", () => {
  const shape = { M: 512, N: 128, K: 2048 };
  const predicted = (name: HardwareClass) =>
    variantsOf("weight-gradient").map((variant) => predictWeightGradient(hardware[name], shape, variant));

  test("is twice as fast in eight parts where 16 tiles leave most of 46 units idle", () => {
    const [whole, , , eight] = predicted("discrete");
    expect(eight).toBeLessThan(whole! / 1.9);
  });

  test("is best whole on two cores", () => {
    const [whole, ...inParts] = predicted("software");
    for (const time of inParts) expect(time).toBeGreaterThan(whole!);
  });

  test("in parts is the product of all parts and the one that adds them", () => {
    const product = { M: 512, N: 128, K: 256, batches: 8 };
    const best = (size: typeof product) =>
      Math.min(...variantsOf("matmul").map((variant) => predictProduct(hardware.apple, size, variant)));
    const sum = { M: 1, N: 512 * 128, K: 8, batches: 1 };
    expect(predictWeightGradient(hardware.apple, shape, { PARTS: 8 })).toBe(best(product) + best(sum));
    expect(predict(hardware.apple, "weight-gradient", shape, { PARTS: 8 })).toBe(best(product) + best(sum));
    expect(predictWeightGradient(hardware.apple, shape, { PARTS: 1 })).toBe(best({ ...product, K: 2048, batches: 1 }));
  });
});

test("adapters are classed by what they say of themselves", () => {
  const classes: readonly (readonly [HardwareClass, Parameters<typeof hardwareClass>[0]])[] = [
    ["software", { software: true, vendor: "mesa" }],
    ["apple", { software: false, vendor: "apple", architecture: "common-3" }],
    ["integrated", { software: false, vendor: "intel", architecture: "gen-12lp" }],
    ["integrated", { software: false, vendor: "qualcomm", architecture: "adreno-7xx" }],
    ["discrete", { software: false, vendor: "nvidia", architecture: "ampere" }],
    ["discrete", { software: false }],
  ];
  for (const [name, adapter] of classes) expect(hardwareClass(adapter)).toBe(name);
});

test("what chooseVariant is asked for has a prediction where the model knows the kernel", () => {
  const target = { maxBufferSize: 2 ** 30, maxWorkgroups: 65535, software: true };
  const shape = { M: 8, N: 512, K: 128, batches: 2, results: 4096 };
  const variant = chooseVariant(target, "matmul", shape);
  expect(predict(hardware.software, "matmul", shape, variant)).toBe(predictProduct(hardware.software, shape, variant));
  const units = { B: 16, words: 32, units: 16 * 128, gates: 4 };
  expect(predict(hardware.software, "recurrent-block", units, { ROWS: 8 })).toBe(
    predictStep(hardware.software, { B: 16, words: 32, gates: 4, directions: 1 }, { ROWS: 8 }),
  );
  const step = { B: 16, words: 32, gates: 4, directions: 1 };
  expect(predict(hardware.software, "recurrent", step, "block")).toBe(
    predictStep(hardware.software, step, block(16, 8)),
  );
  expect(predict(hardware.software, "recurrent", step, slices(1, 16, 16))).toBe(
    predictStep(hardware.software, step, slices(1, 16, 16)),
  );
  expect(predict(hardware.software, "sample", { rows: 1, length: 96 }, { LANES: 1 })).toBeUndefined();
});
