import { describe, expect, test } from "vitest";
import { OptionError, ShapeError } from "../../src/errors.ts";
import { LSTM, type LSTMOptions, Runtime } from "../../src/index.ts";
import * as init from "../../src/nn/init.ts";
import { RandomStream } from "../../src/random.ts";

const draw = (initializer: init.Initializer, shape: number[], seed = 1, name = "w") =>
  initializer(shape, new RandomStream(seed, name));
const range = (values: Float32Array) => [Math.min(...values), Math.max(...values)] as [number, number];
const deviation = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

// Largest value and standard deviation that the formulas of torch.nn.init give for shape [80, 50], fanIn 50, fanOut 80.
const spreads: [string, init.Initializer, number, number][] = [
  ["uniform(-0.25, 0.25)", init.uniform(-0.25, 0.25), 0.25, 0.25 / Math.sqrt(3)],
  ["normal(0, 0.02)", init.normal(0, 0.02), 0.02 * 5.8, 0.02],
  ["xavierUniform()", init.xavierUniform(), Math.sqrt(6 / 130), Math.sqrt(2 / 130)],
  ["xavierUniform(5/3)", init.xavierUniform(5 / 3), (5 / 3) * Math.sqrt(6 / 130), (5 / 3) * Math.sqrt(2 / 130)],
  ["xavierNormal()", init.xavierNormal(), 5.8 * Math.sqrt(2 / 130), Math.sqrt(2 / 130)],
  ["kaimingUniform()", init.kaimingUniform(), Math.sqrt(6 / 50), Math.sqrt(2 / 50)],
  ["kaimingUniform(sqrt 5)", init.kaimingUniform(Math.sqrt(5)), 1 / Math.sqrt(50), 1 / Math.sqrt(150)],
];

describe("initialisers", () => {
  test.each(spreads)("%s has the spread of torch.nn.init", (_, initializer, bound, std) => {
    const values = draw(initializer, [80, 50]);
    const [low, high] = range(values);
    expect(values).toHaveLength(4000);
    expect(low).toBeGreaterThanOrEqual(-bound * (1 + 1e-6));
    expect(high).toBeLessThanOrEqual(bound * (1 + 1e-6));
    expect(deviation(values) / std).toBeGreaterThan(0.94);
    expect(deviation(values) / std).toBeLessThan(1.06);
  });

  test("axes after the second count for both fans", () => {
    expect(range(draw(init.kaimingUniform(Math.sqrt(5)), [400, 2, 8]))[1]).toBeCloseTo(1 / 4, 2);
    // fanIn 3·8, fanOut 50·8; the axes after the second are one field, however they are divided.
    const bound = Math.sqrt(6 / (24 + 400));
    for (const shape of [
      [50, 3, 8],
      [50, 3, 2, 4],
    ]) {
      const [low, high] = range(draw(init.xavierUniform(), shape));
      expect(high / bound).toBeGreaterThan(0.99);
      expect(-low / bound).toBeGreaterThan(0.99);
      expect(Math.max(high, -low)).toBeLessThanOrEqual(bound);
    }
    expect(deviation(draw(init.xavierNormal(), [50, 3, 8])) / Math.sqrt(2 / 424)).toBeCloseTo(1, 1);
  });

  test("uniform and normal have a mean", () => {
    const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(mean(draw(init.uniform(1, 2), [1000]))).toBeCloseTo(1.5, 1);
    expect(mean(draw(init.normal(-3, 0.1), [1000]))).toBeCloseTo(-3, 1);
    expect(range(draw(init.uniform(), [1000]))[0]).toBeGreaterThanOrEqual(0);
  });

  test("zeros, ones and constant draw nothing", () => {
    expect([...draw(init.zeros, [2, 2])]).toEqual([0, 0, 0, 0]);
    expect([...draw(init.ones, [3])]).toEqual([1, 1, 1]);
    expect([...draw(init.constant(0.5), [2])]).toEqual([0.5, 0.5]);
    expect([...draw(init.ones, [])]).toEqual([1]);
    expect(draw(init.normal(), [0, 4])).toHaveLength(0);
    expect(draw(init.orthogonal(), [0, 4])).toHaveLength(0);
  });

  test("orthogonal vectors are so where the drawn ones are nearly parallel", () => {
    const drawn = [0.3, 0.3, 0.7, 0.7 + 1e-12, 0.11, 0.11];
    const random = { normal: () => drawn.shift() } as unknown as RandomStream;
    const [a, b, c, d, e, f] = [...init.orthogonal()([3, 2], random)] as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    expect(a * b + c * d + e * f).toBeCloseTo(0, 7);
    expect(b * b + d * d + f * f).toBeCloseTo(1, 6);
  });

  test("the same seed and name give the same weights, others do not", () => {
    const weights = (seed: number, name: string) => [...draw(init.normal(), [3, 3], seed, name)];
    expect(weights(1, "rnn.weight_hh_l0")).toEqual(weights(1, "rnn.weight_hh_l0"));
    expect(weights(1, "rnn.weight_hh_l0")).not.toEqual(weights(2, "rnn.weight_hh_l0"));
    expect(weights(1, "rnn.weight_hh_l0")).not.toEqual(weights(1, "rnn.weight_hh_l1"));
  });

  // torch.linalg.qr of the same twelve normal numbers, with the signs of diag(R), as torch.nn.init.orthogonal_ does.
  test.each([
    [
      [4, 3],
      [
        -0.4177372, -0.5060206, -0.1703857, 0.4199373, 0.0434194, 0.7864739, -0.7848817, 0.4612184, 0.4124974,
        -0.1819587, -0.7275545, 0.4269348,
      ],
    ],
    [
      [3, 4],
      [
        -0.5994265, -0.3164771, -0.4212162, 0.6025836, 0.160205, 0.8263799, -0.4706815, 0.2643663, 0.7542797,
        -0.4551564, -0.4201956, 0.2175557,
      ],
    ],
  ])("orthogonal %j is PyTorch's", (shape, expected) => {
    const values = draw(init.orthogonal(2), shape, 7, "q");
    for (const [i, value] of values.entries()) expect(value / 2).toBeCloseTo(expected[i] as number, 6);
  });

  test.each([[[40, 24]], [[24, 40]], [[32, 32]], [[6, 2, 3]]])(
    "orthogonal %j has orthonormal rows or columns",
    (shape) => {
      const values = draw(init.orthogonal(), shape);
      const rows = shape[0] as number;
      const columns = values.length / rows;
      const tall = rows >= columns;
      const at = (vector: number, i: number) => values[tall ? i * columns + vector : vector * columns + i] as number;
      for (let j = 0; j < Math.min(rows, columns); j++) {
        for (let k = 0; k <= j; k++) {
          let dot = 0;
          for (let i = 0; i < Math.max(rows, columns); i++) dot += at(j, i) * at(k, i);
          expect(dot).toBeCloseTo(j === k ? 1 : 0, 6);
        }
      }
    },
  );

  test("refuses what makes no sense", () => {
    expect(() => draw(init.orthogonal(), [5])).toThrow(ShapeError);
    expect(() => draw(init.kaimingUniform(), [5])).toThrow(
      "kaimingUniform: the parameter has shape [5], expected at least 2 axes",
    );
    expect(() => draw(init.xavierNormal(), [])).toThrow(ShapeError);
    expect(() => init.uniform(1, 0)).toThrow("uniform: low is 1, above high, which is 0");
    expect(() => init.normal(0, -1)).toThrow(OptionError);
    expect(() => init.constant(Number.NaN)).toThrow("constant: value is NaN, expected a finite number");
    expect(() => init.xavierUniform(Number.POSITIVE_INFINITY)).toThrow(OptionError);
  });
});

describe("forgetBias", () => {
  const H = 3;
  async function startOf(options: Partial<LSTMOptions>): Promise<Record<string, number[]>> {
    const runtime = await Runtime.open({ backend: "cpu" });
    const dict = await runtime.stateDict(new LSTM({ inputSize: 2, hiddenSize: H, forgetBias: 1.5, ...options }));
    runtime.dispose();
    return Object.fromEntries(Object.entries(dict).map(([name, { data }]) => [name, [...data]]));
  }
  const own = (values: readonly number[]) => {
    const others = [...values.slice(0, H), ...values.slice(2 * H)];
    for (const x of others) expect(Math.abs(x)).toBeLessThanOrEqual(1 / Math.sqrt(H));
    expect(new Set(others).size).toBe(others.length);
  };

  test("is what b_ih of the forget gate starts with in every layer and direction, b_hh being 0", async () => {
    const start = await startOf({ numLayers: 2, bidirectional: true });
    for (const end of ["l0", "l0_reverse", "l1", "l1_reverse"]) {
      const [bih, bhh] = [start[`bias_ih_${end}`]!, start[`bias_hh_${end}`]!];
      expect(bih.slice(H, 2 * H)).toEqual([1.5, 1.5, 1.5]);
      expect(bhh.slice(H, 2 * H)).toEqual([0, 0, 0]);
      own(bih);
      own(bhh);
    }
  });

  test("is the bias of the forget gate's normalisation where there is one", async () => {
    const start = await startOf({ layerNorm: true });
    expect(start.norm_bias_f_l0).toEqual([1.5, 1.5, 1.5]);
    expect(start.norm_bias_i_l0).toEqual([0, 0, 0]);
    expect(start.bias_ih_l0!.some((x) => x === 1.5)).toBe(false);
  });
});
