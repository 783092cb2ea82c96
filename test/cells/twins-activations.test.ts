/** shaders/lib/activations.wgsl, and what other backends have for it, against float64: every activation and its derivative, everywhere. */
import { describe, expect, test } from "vitest";
import { derivative } from "../../src/cells/activation-derivatives.ts";
import { cellActivation } from "../../src/cells/activations.ts";
import { type Activation, type ActivationName, activationNames, rnnCell, savedNames } from "../../src/cells/index.ts";
import { dispatch, type Kernel } from "../../src/kernels/kernel.ts";
import { recurrentForward, tile } from "../../src/kernels/recurrent.ts";
import { recurrentBackward } from "../../src/kernels/recurrent-gradient.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { backendsForTests } from "../support/backends.ts";

const { onFloat32 } = await backendsForTests();

const zeros = { start: 0, direction: 0, cellStates: 0, droppedAt: 0, intermediateAt: 0, zeroOutput: 0 };
const noOptions = { hasMask: 0, maskAt: 0, hasNoise: 0, seedAt: 0, zoneoutH: 0, zoneoutCell: 0, recurrentDropout: 0 };
const steps = { time0: 0, before0: 0, after0: 1, next0: 0, time1: 0, before1: 0, after1: 1, next1: 0 };

/**
 * One step of an RNN without R, with another activation in each direction: h = f(x). Forward gives h; backward the gradient
 * by x where that by h is 1.
 * @param x `[2,H]`
 */
async function stepOn(
  backend: Backend,
  pair: readonly [Activation, Activation],
  x: Float32Array,
  backward: boolean,
): Promise<Float32Array> {
  const cell = rnnCell("RNN", { nonlinearity: pair });
  const H = x.length / 2;
  expect(savedNames(cell)).toEqual(["a"]);
  const kernel = backward ? recurrentBackward : recurrentForward;
  const lengths = { weight: 2 * H * Math.ceil(H / 4) * 4, numbers: 2 * H, h: 4 * H, ones: 2 * H, unused: 1 };
  const names = Object.keys(lengths) as (keyof typeof lengths)[];
  const buffers = names.map((name) => ({ name, role: "output", dtype: "f32", length: lengths[name] }) as const);
  const view = (name: (typeof names)[number]) => ({ buffer: names.indexOf(name), offset: 0, length: lengths[name] });
  const params: Readonly<Record<string, number>> = {
    ...zeros,
    ...noOptions,
    ...steps,
    B: 1,
    D: 2,
    H,
    P: H,
    W: 1,
    directions: 2,
    stream: 0,
    K: H,
    headUnits: H,
    U: H,
    slot: 0,
    count: 0,
    weightGate: 0,
    weightGates: 1,
    hasBias: 0,
    hasCarry: 0,
    hasOutput: 1,
    hasProduct: 0,
    stepCount: 1,
    T: 1,
  };
  // Backward reads neither h nor the weight, and what it reads it may not write.
  const bound = backward
    ? { gates: "numbers", outputGradient: "ones", carry: "weight" }
    : { gates: "numbers", h: "h", states: "unused" };
  const plan: Plan = {
    name: "activations",
    buffers,
    commands: [
      dispatch(kernel as unknown as Kernel, {
        label: "step",
        cell: cell.name,
        constants: tile(backward ? { FINISH: false } : { SAVE: false, INTERMEDIATE: false }),
        views: Object.fromEntries(
          kernel.bindings.map(({ name }) => [
            name,
            view((bound as Readonly<Record<string, (typeof names)[number]>>)[name] ?? (backward ? "ones" : "weight")),
          ]),
        ),
        params,
        grid: [Math.ceil(H / 4 / 32), 1, 2],
      }),
    ],
  };
  const loaded = await backend.load(plan);
  loaded.write("numbers", x);
  loaded.write("ones", new Float32Array(2 * H).fill(1));
  const [numbers, h] = (await loaded.runAndRead(["numbers", "h"])) as [Float32Array, Float32Array];
  loaded.dispose();
  return backward ? numbers : h.slice(2 * H);
}

const spread = [
  0, 1e-30, 1e-6, 0.01, 0.0999, 0.1, 0.1001, 0.149, 0.1501, 0.3, 0.5, 0.7, 1, 2, 2.4, 2.6, 4, 8, 14.9, 15, 20, 29, 31,
  43, 44, 88, 89, 200, 3e4, 1e30,
];
const points = Float32Array.from([...spread, ...spread.map((x) => -x)]);
const pointsAndNaN = Float32Array.from([...points, Number.NaN]);

/** How far from float64 a value may be: a share of itself, and of the size of what it is the end of. */
const bounds: Readonly<Record<ActivationName, readonly [share: number, least: number]>> = {
  Sigmoid: [1e-6, 1e-13],
  Tanh: [6e-7, 0],
  Relu: [0, 0],
  LeakyRelu: [2e-7, 0],
  ThresholdedRelu: [0, 0],
  ScaledTanh: [8e-7, 0],
  HardSigmoid: [2e-7, 1e-7],
  Elu: [1e-6, 0],
  Softsign: [3e-7, 0],
  Softplus: [1e-6, 1e-13],
  Affine: [2e-7, 1e-7],
};

const parameters: Readonly<Partial<Record<ActivationName, object>>> = {
  LeakyRelu: { alpha: 0.3 },
  ThresholdedRelu: { alpha: 0.6 },
  ScaledTanh: { alpha: 1.7159, beta: 0.6667 },
  HardSigmoid: { alpha: 0.17, beta: 0.4 },
  Elu: { alpha: 1.3 },
  Affine: { alpha: -0.7, beta: 0.25 },
};

function expectNear(name: ActivationName, got: Float32Array, expected: readonly number[], at: Float32Array): void {
  const [share, least] = bounds[name];
  const far = expected.flatMap((want, i) =>
    Object.is(want, got[i]) || Math.abs(got[i]! - want) <= share * Math.abs(want) + least + 1e-37
      ? []
      : [`at ${at[i]}: ${got[i]}, not ${want}`],
  );
  expect(far).toEqual([]);
}

/** Every activation with ONNX's parameters if it has defaults, and with others where it takes any. */
const kinds = activationNames.flatMap((name): (readonly [ActivationName, Activation])[] => [
  ...(name === "ScaledTanh" ? [] : [[name, name] as const]),
  ...(name in parameters ? [[name, { name, ...parameters[name] }] as const] : []),
]);
/** Two at a time, so that half as many pipelines are compiled. */
const pairs = kinds.flatMap((kind, i) => (i % 2 === 0 ? [[kind, kinds[i + 1] ?? kinds[0]!] as const] : []));
const both = <T>(make: (i: 0 | 1) => readonly T[]): T[] => [...make(0), ...make(1)];

onFloat32(({ backend }) =>
  describe.each(pairs.map((pair) => [pair.map(([, given]) => JSON.stringify(given)).join(" and "), pair] as const))(
    "%s",
    (_, pair) => {
      const activations = [pair[0][1], pair[1][1]] as const;
      const functions = activations.map((given) => cellActivation("RNN", given));
      const H = points.length;

      test("are what they are in float64", async () => {
        const n = pointsAndNaN.length;
        const got = await stepOn(backend, activations, Float32Array.from(both(() => [...pointsAndNaN])), false);
        pair.forEach(([name], i) => {
          const expected = Array.from(pointsAndNaN, (x) => Math.fround(functions[i]!.f(x, 0)));
          expectNear(name, got.slice(i * n, (i + 1) * n), expected, pointsAndNaN);
        });
      });

      test("have the derivatives that they have in float64, told from their values", async () => {
        const values = Float32Array.from(both((i) => Array.from(points, (x) => functions[i]!.f(x, 0))));
        const expected = both((i) =>
          Array.from(values.slice(i * H, (i + 1) * H), (y) => derivative(functions[i]!, y, 0)),
        );
        const got = await stepOn(backend, activations, values, true);
        const far = expected.flatMap((want, i) => {
          // Told from a value near an end, 1 - y keeps as many digits as y has.
          const allowed = 3e-7 * Math.max(1, Math.abs(want));
          return Math.abs(got[i]! - want) <= allowed ? [] : [`at ${points[i % H]}: ${got[i]}, not ${want}`];
        });
        expect(far).toEqual([]);
      });
    },
  ),
);

test.each(["Sigmoid", { name: "Affine", alpha: 1.5, beta: 0.1 }] as const)(
  "a clip limits what goes in: %j",
  async (given) => {
    const cell = cellActivation("RNN", given, 0.75);
    const values = Array.from(points, (x) => cell.f(x, 0));
    const ends = [cellActivation("RNN", given).f(-0.75, 0), cellActivation("RNN", given).f(0.75, 0)];
    expect([Math.min(...values), Math.max(...values)]).toEqual(ends);
    expect(derivative(cell, values[points.indexOf(2)]!, 0)).toBe(0);
    expect(derivative(cell, values[0]!, 0)).toBeGreaterThan(0);
  },
);
