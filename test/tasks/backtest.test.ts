/** What a forecaster is made of, by hand: gaps, calibration, the plain methods and their measures. */
import { expect, test } from "vitest";
import { RandomStream } from "../../src/index.ts";
import { compared } from "../../src/tasks/forecast/backtest.ts";
import { conformalScore, widened, widenings } from "../../src/tasks/forecast/conformal.ts";
import { interpolated, type TimeSeries } from "../../src/tasks/forecast/time-series.ts";

const numbers = (...values: number[]) => Float64Array.from(values);
const gap = Number.NaN;

test("gaps are filled on a straight line, and at the ends with the nearest number", () => {
  expect([...interpolated(numbers(gap, 2, gap, gap, 8, gap))]).toEqual([2, 2, 4, 6, 8, 8]);
  expect([...interpolated(numbers(gap, gap))]).toEqual([gap, gap]);
  expect([...interpolated(numbers())]).toEqual([]);
});

test("the score of conformal prediction is the ⌈share·(n + 1)⌉-th", () => {
  const scores = [5, 1, 4, 2, 3, 9, 8, 7, 6];
  expect(conformalScore(scores, 0.8)).toBe(8);
  expect(conformalScore(scores, 0.5)).toBe(5);
  expect(conformalScore(scores, 0.99)).toBe(9);
});

test("widened intervals hold their share of new numbers, however wrong the first ones were", () => {
  const random = new RandomStream(3, "conformal");
  const quantiles = [0.05, 0.25, 0.5, 0.75, 0.95];
  const draw = (count: number) => Array.from({ length: count }, () => random.normal());
  for (const said of [
    [-0.1, -0.05, 0, 0.05, 0.1],
    [-9, -5, 0.2, 5, 9],
  ]) {
    const by = widenings(
      quantiles,
      Array.from({ length: 2000 }, () => said),
      draw(2000),
    );
    const [a, b, , c, d] = widened(said, by) as [number, number, number, number, number];
    const fresh = draw(4000);
    expect(fresh.filter((y) => a <= y && y <= d).length / 4000).toBeCloseTo(0.9, 1);
    expect(fresh.filter((y) => b <= y && y <= c).length / 4000).toBeCloseTo(0.5, 1);
  }
  expect(widenings([0.1, 0.5, 0.9], [[0, 1, 2]], [gap])).toEqual([0]);
  expect(widened([0, 1, 2], [-5])).toEqual([1, 1, 1]);
});

test("naive, seasonal naive and drift, and their measures, as Hyndman and Athanasopoulos write them", () => {
  const values = [numbers(1, 5, 2, 7, 4, 8, 9, gap)];
  const at = values[0]!.length;
  const series: TimeSeries = { name: null, length: at, values, filled: [], at: [], rows: [] };
  // At origin 5 the history is 1 5 2 7 4: two steps ahead come 8 and 9.
  const said = [[[[5, 6, 7]], [[9, 9, 9]]]];
  const { methods, targets, folds, horizon } = compared(["y"], [{ series, origin: 5 }], said, 2, 2, [0.1, 0.5, 0.9]);
  expect([folds, horizon]).toEqual([1, 2]);
  const scale = (1 + 2 + 2) / 3;
  expect(methods.forecaster.mae).toBe(1);
  expect(methods.forecaster.rmse).toBe(Math.sqrt(2));
  expect(methods.forecaster.mase).toBeCloseTo(1 / scale, 12);
  expect(methods.forecaster.coverage).toBe(0.5);
  expect(methods.naive.mae).toBe((4 + 5) / 2);
  expect(methods.seasonalNaive.mae).toBe((1 + 5) / 2);
  const slope = (4 - 1) / 4;
  expect(methods.drift.mae).toBeCloseTo((8 - (4 + slope) + 9 - (4 + 2 * slope)) / 2, 12);
  expect(targets).toEqual({ y: methods });
  // A gap is compared with nothing.
  const beside = compared(["y"], [{ series, origin: 6 }], [[[[8, 8, 9]], [[0, 0, 0]]]], 2, 2, [0.1, 0.5, 0.9]);
  expect(beside.methods.forecaster).toMatchObject({ mae: 1, coverage: 1 });
});

test("intervals of the plain methods hold their share of a random walk", () => {
  const random = new RandomStream(5, "walk");
  let y = 0;
  const walk = Float64Array.from({ length: 3000 }, () => {
    y += random.normal();
    return y;
  });
  const series: TimeSeries = { name: null, length: 3000, values: [walk], filled: [], at: [], rows: [] };
  const origins = Array.from({ length: 1990 }, (_, i) => ({ series, origin: 1000 + i }));
  const said = origins.map(() => Array.from({ length: 10 }, () => [[0, 0, 0]]));
  const { methods } = compared(["y"], origins, said, 10, 5, [0.1, 0.5, 0.9]);
  expect(methods.naive.coverage).toBeCloseTo(0.8, 1);
  expect(methods.drift.coverage).toBeCloseTo(0.8, 1);
  expect(methods.seasonalNaive.coverage).toBeCloseTo(0.8, 1);
});
