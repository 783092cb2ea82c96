import { type Ahead, middleOf, type Origin } from "./forecast-ahead.ts";
import { interpolated } from "./time-series.ts";

/** How well a method forecast, over all origins, steps and series. */
export interface MethodScores {
  /** Mean absolute error of the median. */
  readonly mae: number;
  readonly rmse: number;
  /**
   * Mean absolute scaled error (Hyndman and Koehler 2006): each error is divided by the mean absolute error that the seasonal naive
   * method has one season ahead on the history. Not finite where that is 0.
   */
  readonly mase: number;
  /** The share of numbers within the interval of the outermost quantiles. */
  readonly coverage: number;
}

export const forecastMethods = ["forecaster", "naive", "seasonalNaive", "drift"] as const;
export type ForecastMethod = (typeof forecastMethods)[number];

/** A forecaster beside the three plain methods, on the same origins. */
export interface BacktestReport {
  /** Origins that were forecast from, of all series together. */
  readonly folds: number;
  /** Steps ahead. */
  readonly horizon: number;
  /** Of each method, the means over the targets. */
  readonly methods: Readonly<Record<ForecastMethod, MethodScores>>;
  /** The same of each target. */
  readonly targets: Readonly<Record<string, Readonly<Record<ForecastMethod, MethodScores>>>>;
}

/** A point and an interval. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @param quantiles ascending, the median in the middle */
export const intervalOf = (quantiles: readonly number[]): Interval => ({
  median: quantiles[middleOf(quantiles)]!,
  low: quantiles[0]!,
  high: quantiles.at(-1)!,
});

type Baselines = Readonly<Record<Exclude<ForecastMethod, "forecaster">, Interval>>;

/** The quantile of numbers, linear between them (type 7 of Hyndman and Fan 1996). */
function quantileOf(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * Naive, seasonal naive and drift forecasts of one series (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed.,
 * section 5.2). Their intervals are quantiles of the residuals before the first origin, as wide as section 5.5 says for each step.
 */
class PlainMethods {
  /** What errors are divided by for MASE. */
  readonly scale: number;
  readonly #y: Float64Array;
  readonly #season: number;
  readonly #begin: number;
  readonly #residuals: Readonly<Record<keyof Baselines, readonly [low: number, high: number]>>;

  /**
   * @param y all numbers of the series; NaN is a gap
   * @param first the first origin
   * @param between the quantiles of the interval
   */
  constructor(y: Float64Array, season: number, first: number, between: readonly [low: number, high: number]) {
    this.#y = y;
    this.#season = season;
    this.#begin = y.findIndex((x) => !Number.isNaN(x));
    const history = interpolated(y.slice(this.#begin, first));
    const steps = changes(history, 1);
    const slope = steps.reduce((sum, x) => sum + x, 0) / steps.length;
    const seasons = changes(history, season);
    const both = (residuals: readonly number[]) =>
      [quantileOf(residuals, between[0]), quantileOf(residuals, between[1])] as const;
    this.#residuals = { naive: both(steps), seasonalNaive: both(seasons), drift: both(steps.map((x) => x - slope)) };
    this.scale = seasons.reduce((sum, x) => sum + Math.abs(x), 0) / seasons.length;
  }

  /** Forecasts so many steps ahead (1 is the first) that know nothing from the origin on. */
  at(origin: number, ahead: number): Baselines {
    const m = this.#season;
    const recent = interpolated(this.#y.slice(Math.max(0, origin - m - 1), origin));
    const last = recent.at(-1)!;
    const seasons = Math.ceil(ahead / m);
    const count = origin - this.#begin;
    const slope = (last - this.#y[this.#begin]!) / (count - 1);
    const around = (method: keyof Baselines, median: number, width: number): Interval => {
      const [low, high] = this.#residuals[method];
      return { median, low: median + low * width, high: median + high * width };
    };
    return {
      naive: around("naive", last, Math.sqrt(ahead)),
      seasonalNaive: around("seasonalNaive", recent.at(ahead - 1 - m * seasons)!, Math.sqrt(seasons)),
      drift: around("drift", last + ahead * slope, Math.sqrt(ahead * (1 + ahead / (count - 1)))),
    };
  }
}

const changes = (y: Float64Array, lag: number): number[] => Array.from(y.slice(lag), (x, i) => x - y[i]!);

/** Adds up what each method said of a target, and what was true. */
class Scores {
  readonly #sums = Object.fromEntries(
    forecastMethods.map((method) => [method, { count: 0, absolute: 0, squared: 0, scaled: 0, inside: 0 }]),
  ) as Record<ForecastMethod, Record<"count" | "absolute" | "squared" | "scaled" | "inside", number>>;

  add(y: number, scale: number, said: Readonly<Record<ForecastMethod, Interval>>): void {
    for (const method of forecastMethods) {
      const { median, low, high } = said[method];
      const sums = this.#sums[method];
      const error = Math.abs(y - median);
      sums.count += 1;
      sums.absolute += error;
      sums.squared += error ** 2;
      sums.scaled += error / scale;
      sums.inside += low <= y && y <= high ? 1 : 0;
    }
  }

  get methods(): Record<ForecastMethod, MethodScores> {
    return byMethod((method) => {
      const { count, absolute, squared, scaled, inside } = this.#sums[method];
      return {
        mae: absolute / count,
        rmse: Math.sqrt(squared / count),
        mase: scaled / count,
        coverage: inside / count,
      };
    });
  }
}

const byMethod = <T>(of: (method: ForecastMethod) => T): Record<ForecastMethod, T> =>
  Object.fromEntries(forecastMethods.map((method) => [method, of(method)])) as Record<ForecastMethod, T>;

/**
 * A forecaster beside the plain methods.
 * @param said of each origin `[steps][targets][Q]`
 * @param quantiles which they are
 */
export function compared(
  targets: readonly string[],
  origins: readonly Origin[],
  said: readonly Ahead["steps"][],
  horizon: number,
  season: number,
  quantiles: readonly number[],
): BacktestReport {
  const plain = new Map<Float64Array, PlainMethods>();
  const all = targets.map((_, k) => {
    const scores = new Scores();
    for (const [i, { series, origin }] of origins.entries()) {
      const y = series.values[k]!;
      // The origins of a series come in order.
      if (!plain.has(y)) plain.set(y, new PlainMethods(y, season, origin, [quantiles[0]!, quantiles.at(-1)!]));
      const methods = plain.get(y)!;
      for (let h = 0; h < horizon; h++) {
        const truth = y[origin + h]!;
        if (Number.isNaN(truth)) continue;
        const forecaster = intervalOf(said[i]![h]![k]!);
        scores.add(truth, methods.scale, { forecaster, ...methods.at(origin, h + 1) });
      }
    }
    return scores.methods;
  });
  const mean = (method: ForecastMethod, name: keyof MethodScores) =>
    all.reduce((sum, methods) => sum + methods[method][name], 0) / all.length;
  return {
    ...{ folds: origins.length, horizon },
    methods: byMethod((method) => ({
      mae: mean(method, "mae"),
      rmse: mean(method, "rmse"),
      mase: mean(method, "mase"),
      coverage: mean(method, "coverage"),
    })),
    targets: Object.fromEntries(targets.map((name, k) => [name, all[k]!])),
  };
}
