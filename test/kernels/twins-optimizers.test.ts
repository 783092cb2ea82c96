/** The norm of all gradients and the optimizers against their twins. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { NO_CLIP_VALUE } from "../../src/kernels/norm.ts";
import { momentNames } from "../../src/kernels/optimizer.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { expectTwins, Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { all, between, few, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

interface Norm {
  readonly P: number;
  readonly clip: number;
  readonly scale?: number;
}
const norms: readonly Norm[] = [
  { P: 1, clip: 0 },
  { P: 63, clip: 0.5 },
  { P: 64, clip: 0.25 },
  { P: 4097, clip: 1e3 },
  // As small as what is added to the norm so that nothing is divided by zero.
  { P: 2, clip: 1e-6, scale: 1e-11 },
];
const anyNorm = fc.record({ P: between(1, 3000), clip: fc.constantFrom(0, 0.1, 0.9, 50) });

const normFinish = suite<Norm>({
  kernel: "norm-finish",
  table: norms,
  any: anyNorm,
  caseOf: ({ P, clip, scale = 1 }, numbers) => ({
    params: { N: P, clipNorm: clip },
    data: { partial: numbers.floats(P, scale).map(Math.abs), norm: numbers.floats(2) },
    grid: [1, 1, 1],
  }),
  // A plain sum of up to 4097 numbers.
  tolerance: 1e-4,
});

interface Update {
  readonly P: number;
  readonly clipValue: number;
  readonly clipFactor: number;
  readonly weightDecay: number;
  readonly switches: readonly [boolean, boolean];
  readonly looped: boolean;
}
const updates: readonly Update[] = [
  { P: 1, clipValue: NO_CLIP_VALUE, clipFactor: 1, weightDecay: 0, switches: [false, false], looped: false },
  {
    P: 67,
    clipValue: NO_CLIP_VALUE,
    clipFactor: 0.25,
    weightDecay: 0.125,
    switches: [true, false],
    looped: false,
  },
  { P: 128, clipValue: 0.5, clipFactor: 1, weightDecay: 0.0625, switches: [false, true], looped: true },
  { P: 300, clipValue: 0.75, clipFactor: 0.5, weightDecay: 0.25, switches: [true, true], looped: true },
];
const anyUpdate: fc.Arbitrary<Update> = fc.record({
  P: between(1, 400),
  clipValue: fc.constantFrom(NO_CLIP_VALUE, 0.25),
  clipFactor: fc.constantFrom(1, 0.375),
  weightDecay: fc.constantFrom(0, 0.03125),
  switches: fc.tuple(fc.boolean(), fc.boolean()),
  looped: fc.boolean(),
});

/** What a moment may be, from numbers within ±0.5. */
const kinds = {
  signed: (x: number) => x,
  // Means of squares are never negative, and larger than the square of the mean.
  mean: (x: number) => x / 8,
  square: (x: number) => Math.abs(x) + 0.1,
  // Half of the weights have made no step yet.
  stepSize: (x: number) => Math.max(0, x),
};

/** An optimizer's suite; `own` are its own params and what the host sends each step. All numbers are exact in f32. */
const optimizer = (
  kernel: string,
  moments: readonly (keyof typeof kinds)[],
  own: (switches: Update["switches"]) => { params: Readonly<Record<string, number>>; hyper: readonly number[] },
) =>
  suite<Update>({
    kernel,
    table: updates,
    any: anyUpdate,
    caseOf({ P, clipValue, clipFactor, weightDecay, switches, looped }, numbers) {
      const { params, hyper } = own(switches);
      return {
        params: { P, clipValue, weightDecay, ...params },
        data: {
          parameter: numbers.floats(P),
          gradient: numbers.floats(P, 2),
          norm: Float32Array.of(7, clipFactor),
          hyper: Float32Array.from(hyper),
          ...Object.fromEntries(moments.map((kind, k) => [momentNames[k], numbers.floats(P, 0.5).map(kinds[kind])])),
        },
        grid: looped ? few(P, 64) : all(P, 64),
      };
    },
  });

const optimizers = [
  optimizer("sgd", ["signed"], ([nesterov, first]) => ({
    params: { momentum: 0.75, dampening: nesterov ? 0 : 0.125, nesterov: +nesterov },
    hyper: [0.3125, +first],
  })),
  optimizer("sgd", ["signed"], () => ({ params: { momentum: 0, dampening: 0, nesterov: 0 }, hyper: [0.3125, 0] })),
  optimizer("adam", ["signed", "square", "square"], ([decoupled, amsgrad]) => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10, decoupled: +decoupled, amsgrad: +amsgrad },
    hyper: [0.03125, 0.5, 0.25],
  })),
  optimizer("rmsprop", ["square", "signed", "mean"], ([centered, momentum]) => ({
    params: { alpha: 0.9375, eps: 2 ** -10, momentum: momentum ? 0.375 : 0, centered: +centered },
    hyper: [0.03125],
  })),
  optimizer("adagrad", ["square"], () => ({ params: { eps: 2 ** -10 }, hyper: [0.0625] })),
  optimizer("adamax", ["signed", "square"], () => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10 },
    hyper: [0.03125, 0.5],
  })),
  optimizer("nadam", ["signed", "square"], ([decoupled]) => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10, decoupled: +decoupled },
    hyper: [0.03125, 0.375, 0.75, 0.25],
  })),
  optimizer("radam", ["signed", "square"], ([decoupled, rectified]) => ({
    params: { beta1: 0.875, beta2: 0.96875, eps: 2 ** -10, decoupled: +decoupled },
    hyper: [0.03125, 0.5, rectified ? 0.1875 : 0],
  })),
  optimizer("lion", ["signed"], () => ({ params: { beta1: 0.875, beta2: 0.96875 }, hyper: [0.03125] })),
  optimizer("adadelta", ["square", "square"], () => ({ params: { rho: 0.9375, eps: 2 ** -10 }, hyper: [0.5] })),
  optimizer("ftrl", ["square", "signed"], ([isRoot, shrinks]) => ({
    params: { power: isRoot ? 0.5 : 0.25, l1: 0.125, l2: 0.25, l2Shrinkage: shrinks ? 0.0625 : 0, beta: 0.375 },
    hyper: [0.5],
  })),
  optimizer("ftrl", ["square", "signed"], () => ({
    params: { power: 0.5, l1: 0.125, l2: 0.25, l2Shrinkage: 0.125, beta: 0.375 },
    hyper: [0],
  })),
  optimizer("asgd", ["signed"], ([averages]) => ({
    params: { lambd: 0.0625 },
    hyper: [0.3125, averages ? 0.125 : 1],
  })),
  optimizer("rprop", ["signed", "stepSize"], () => ({
    params: { etaMinus: 0.5, etaPlus: 1.25, stepSizeMin: 2 ** -6, stepSizeMax: 0.375 },
    hyper: [0.0625],
  })),
];

onFloat32(({ backend }) => {
  testTwins(backend, [normFinish, ...optimizers], { seed: 3, numRuns: 12 });

  // norm-partial's twin deals the squares out in another way, so what must agree is what they add up to.
  test.each(norms.flatMap(({ P, clip }) => [1, 3, 64].map((groups) => [P, clip, groups] as const)))(
    "norm-partial of %i gradients, clipped at %d, in %i groups",
    async (P, clip, groups) => {
      const gradient = new Numbers(`norm ${P}`).floats(P);
      const clipValue = clip || NO_CLIP_VALUE;
      const buffer = (name: string, length: number) => ({ name, role: "output", dtype: "f32", length }) as const;
      const plan: Plan = {
        name: "norm-partial",
        buffers: [buffer("gradient", P + 3), buffer("partial", groups + 7)],
        commands: [
          {
            type: "dispatch",
            kernel: "norm-partial",
            label: "norm",
            constants: {},
            grid: [groups, 1, 1],
            bindings: [
              { buffer: 0, offset: 3, length: P },
              { buffer: 1, offset: 5, length: groups },
            ],
            params: [P, groups, clipValue],
          },
        ],
      };
      const loaded = await backend.load(plan);
      loaded.write("gradient", Float32Array.from([99, 99, 99, ...gradient]));
      loaded.write("partial", new Float32Array(groups + 7).fill(77));
      const [partial] = (await loaded.runAndRead(["partial"])) as [Float32Array];
      loaded.dispose();
      const squares = gradient.map((g) => Math.max(-clipValue, Math.min(clipValue, g)) ** 2);
      const sum = (numbers: Float32Array) => numbers.reduce((total, x) => total + x, 0);
      expect(sum(partial.slice(5, 5 + groups)) / sum(squares)).toBeCloseTo(1, 5);
      expect([...partial.slice(0, 5), ...partial.slice(5 + groups)]).toEqual(new Array(7).fill(77));
    },
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("a gradient that is %d is not clipped to a number", async (bad) => {
    const gradient = Float32Array.of(0.5, bad, -2);
    await expectTwins(backend, {
      norm: {
        kernel: "norm-partial",
        constants: {},
        grid: [1, 1, 1],
        params: { P: 3, groups: 1, clipValue: 1 },
        data: { gradient, partial: new Float32Array(1) },
      },
      step: {
        kernel: "sgd",
        constants: {},
        grid: [1, 1, 1],
        params: { P: 3, clipValue: 1, weightDecay: 0, momentum: 0, dampening: 0, nesterov: 0 },
        data: {
          parameter: new Float32Array(3),
          gradient,
          norm: Float32Array.of(1, 1),
          hyper: Float32Array.of(0.1, 0),
          moment0: new Float32Array(3),
        },
      },
    });
  });
});
