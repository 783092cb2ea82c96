/** Every option of the recurrent layers, forward and backward, on the GPU and on wasm against the CPU's float64 over random sizes. */
import { describe, test } from "vitest";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import type { LSTMOptions } from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { againstCpu } from "../support/gradient-check.ts";
import { type Kind, layerCase, type Shape } from "../support/recurrent-case.ts";

const { gpu, wasm } = await backendsForTests();
/** On the GPU scheduled as for a software adapter and as for a real one. */
const onGpu = gpu ? [true, false].map((software) => new GpuBackend(gpu.device, { software })) : [];

interface Sizes {
  readonly T: number;
  readonly B: number;
  readonly H: number;
}

/** Sizes to draw from: one, primes, tiles and their neighbours, and the largest. */
const times = [1, 2, 3, 5, 8, 13, 31, 67, 70];
const rows = [1, 2, 3, 7, 8, 9, 17, 37, 40];
const units = [2, 3, 4, 5, 17, 31, 32, 33, 64, 67, 127, 128, 130];

/** Sizes for a test, with so little to compute that the twins are done in a moment. */
function sizesFor(name: string, least: number): Sizes {
  const numbers = new Numbers(`sizes of ${name}`);
  const pick = (from: readonly number[]) => from[numbers.integers(1, 0, from.length - 1)[0]!]!;
  for (;;) {
    const sizes = { T: pick(times), B: pick(rows), H: pick(units) };
    const work = sizes.T * sizes.B * sizes.H * (sizes.H + 64);
    if (work <= 2_000_000 && sizes.H >= least) return sizes;
  }
}

type Row = readonly [
  kinds: readonly Kind[],
  name: string,
  options: (H: number) => object,
  real?: (sizes: Sizes, numbers: Numbers) => Shape,
  leastUnits?: number,
];

const all = ["lstm", "gru", "rnn"] as const;
const lengths = ({ T, B }: Sizes, numbers: Numbers): Shape => ({ lengths: [...numbers.integers(B, 0, T)] });
const mask = ({ T, B }: Sizes, numbers: Numbers): Shape => ({ mask: [...numbers.integers(T * B, 0, 1)] });
const training = (_: Sizes, numbers: Numbers): Shape => ({ training: numbers.integers(1, 1, 1000)[0]! });
const bidirectional = true;

// Layer norm has at least 5 units here: two are ±1 after it, almost whatever they were, and their gradients almost rounding alone.
const table: readonly Row[] = [
  [all, "no options", () => ({})],
  [all, "lengths", () => ({}), lengths],
  [all, "lengths in both directions", () => ({ bidirectional }), lengths],
  [all, "a mask with holes", () => ({}), mask],
  [all, "a mask with holes, held outputs, both directions", () => ({ bidirectional, maskedOutput: "hold" }), mask],
  [all, "running backwards", () => ({ goBackwards: true }), lengths],
  [["lstm"], "a projection", (H) => ({ projSize: Math.ceil(H / 2) })],
  [["lstm"], "a projection in both directions", (H) => ({ projSize: H - 1, bidirectional }), lengths],
  [["lstm"], "peepholes", () => ({ peepholes: true })],
  [["lstm"], "coupled gates", () => ({ coupledGates: true })],
  [["lstm"], "a clip of c", () => ({ cellClip: 0.4 })],
  [all, "a clip", () => ({ clip: 0.5 })],
  [["gru"], "reset before", () => ({ resetAfter: false })],
  [["gru"], "reset before in both directions", () => ({ resetAfter: false, bidirectional }), lengths],
  [["lstm", "gru"], "layer norm", () => ({ layerNorm: true }), lengths, 5],
  [["gru"], "reset before with layer norm", () => ({ resetAfter: false, layerNorm: true }), lengths, 5],
  [
    ["lstm"],
    "other activations",
    () => ({
      activations: { gate: "HardSigmoid", cell: "Softsign", hidden: { name: "ScaledTanh", alpha: 1.5, beta: 0.7 } },
    }),
  ],
  [
    ["gru"],
    "other activations in each direction",
    () => ({
      bidirectional,
      activations: { gate: ["Sigmoid", "HardSigmoid"], candidate: ["Softsign", { name: "Elu", alpha: 0.7 }] },
    }),
  ],
  [all, "learned initial states", () => ({ learnedInitialState: true, bidirectional }), lengths],
  [all, "recurrent dropout", () => ({ recurrentDropout: 0.3, bidirectional }), training],
  [all, "zoneout", () => ({ zoneout: 0.3 }), training],
  [all, "zoneout's expectation", () => ({ zoneout: 0.3 })],
  [all, "dropout between layers", () => ({ numLayers: 2, dropout: 0.3 }), training],
  [all, "variational dropout between layers", () => ({ numLayers: 2, variationalDropout: 0.3 }), training],
  [all, "residual connections", () => ({ numLayers: 3, residual: true })],
  [all, "layers of different sizes", (H) => ({ hiddenSize: [H, Math.ceil(H / 3)] })],
  [all, "heads", (H) => ({ numHeads: H % 2 === 0 ? 2 : H })],
  [["gru"], "heads, reset before", (H) => ({ numHeads: H % 2 === 0 ? H / 2 : H, resetAfter: false })],
  ...(["sum", "average", "product", "none"] as const).map(
    (merge): Row => [all, `directions merged by ${merge}`, () => ({ bidirectional, merge }), lengths],
  ),
  [all, "batch first", () => ({ batchFirst: true }), lengths],
];

describe.each(table.map((row) => [row[1], row] as const))("%s", (_, [kinds, name, options, real, least = 2]) => {
  const cases = kinds.map((kind) => {
    const key = `${name}, ${kind}`;
    const numbers = new Numbers(key);
    const sizes = sizesFor(key, least);
    const { T, B, H } = sizes;
    const given: LSTMOptions = { hiddenSize: H, inputSize: numbers.integers(1, 1, 19)[0]!, ...options(H) };
    const mayBeGiven = !given.learnedInitialState && !Array.isArray(given.hiddenSize);
    const initial = mayBeGiven && numbers.integers(1, 0, 2)[0]! > 0;
    const shape: Shape = { T, B, initial, ...real?.(sizes, numbers) };
    return [`${kind} T ${T}, B ${B}, H ${H}`, layerCase(kind, key, given as never, shape)] as const;
  });
  test.each(cases)("%s", async (__, given) => {
    await againstCpu([wasm, ...onGpu], given);
  });
});
