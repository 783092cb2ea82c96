import { describe, expect, test } from "vitest";
import { OptionError } from "../src/errors.ts";
import { pcg4d, RandomStream, uniform } from "../src/random.ts";

describe("pcg4d", () => {
  // Computed with NumPy's uint32 from the paper's listing.
  test.each([
    [
      [0, 0, 0, 0],
      [251852841, 760645481, 850445371, 3542436074],
    ],
    [
      [1, 2, 3, 4],
      [908250390, 4044648920, 3775961919, 45698095],
    ],
    [
      [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1],
      [2538526866, 3222658151, 2677364576, 2713428488],
    ],
    [
      [2 ** 31, 7, 65536, 1],
      [3575164545, 1229515086, 1087443106, 367104831],
    ],
  ] as [[number, number, number, number], number[]][])("of %j is %j", (counters, words) => {
    expect(pcg4d(...counters)).toEqual(words);
  });

  test("every counter matters, and all 24 bits are used", () => {
    const n = 4096;
    for (let counter = 0; counter < 4; counter++) {
      const ones = new Array<number>(24).fill(0);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const counters: [number, number, number, number] = [5, 6, 7, 8];
        counters[counter] = i;
        const value = uniform(...counters);
        sum += value;
        for (let bit = 0; bit < 24; bit++) ones[bit] = (ones[bit] as number) + ((value * 2 ** (bit + 1)) & 1);
      }
      // The mean of n uniform numbers is 1/2 +- 1/sqrt(12 n), a bit's count n/2 +- sqrt(n)/2: five deviations.
      expect(Math.abs(sum / n - 0.5)).toBeLessThan(5 / Math.sqrt(12 * n));
      for (const count of ones) expect(Math.abs(count - n / 2)).toBeLessThan((5 * Math.sqrt(n)) / 2);
    }
  });
});

describe("RandomStream", () => {
  test("gives the numbers that Python gives for the same seed and name", () => {
    const stream = new RandomStream(0, "rnn.weight_ih_l0");
    expect([stream.next(), stream.next(), stream.next()].map((x) => x * 2 ** 24)).toEqual([5192035, 4320894, 11771880]);
    expect(stream.normal()).toBeCloseTo(-1.6928686092794412, 14);
    expect(stream.normal()).toBeCloseTo(-0.3321114904064139, 14);
  });

  test("normal numbers have the moments of a normal distribution, in pairs and over pairs", () => {
    const stream = new RandomStream(3, "normal");
    const n = 100_000;
    const values = Array.from({ length: n }, () => stream.normal());
    const moment = (k: number) => values.reduce((sum, x) => sum + x ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    const lag = values.slice(1).reduce((sum, x, i) => sum + x * (values[i] as number), 0) / n;
    expect(Math.abs(lag)).toBeLessThan(5 / Math.sqrt(n));
  });

  test("agrees with Math.log, Math.cos and Math.sin to the last bits", () => {
    const drawn = new RandomStream(9, "x");
    const again = new RandomStream(9, "x");
    for (let i = 0; i < 5000; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - drawn.next()));
      const angle = 2 * Math.PI * drawn.next();
      expect(again.normal()).toBeCloseTo(radius * Math.cos(angle), 13);
      expect(again.normal()).toBeCloseTo(radius * Math.sin(angle), 13);
    }
  });

  test("depends on seed and name", () => {
    const first = (seed: number, name: string) => new RandomStream(seed, name).next();
    expect(first(1, "a")).toBe(first(1, "a"));
    expect(new Set([first(1, "a"), first(2, "a"), first(1, "b"), first(1, "가"), first(1, "")]).size).toBe(5);
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 32])("refuses the seed %d", (seed) => {
    expect(() => new RandomStream(seed, "a")).toThrow(OptionError);
    expect(() => new RandomStream(seed, "a")).toThrow(`seed is ${seed}, expected a whole number from 0 to 4294967295`);
  });
});
