import { checkCount, checkNumber, checkOptions, OptionError, shown, shownNames } from "../../index.ts";
import type { TaskRow } from "../columns.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults, recurrentNames } from "../recurrent-layer.ts";
import type { Numbered } from "../rows.ts";
import { type Missing, type SeriesRoles, targetOf } from "./time-series.ts";

export interface ForecastOptions extends RecurrentOptionsOfTask {
  /** The column or columns to forecast; default: the only one of numbers that no other option names. */
  readonly target?: string | readonly string[];
  /** Columns that are known ahead, such as a weekday or a holiday: numbers, or strings as categories. */
  readonly known?: readonly string[];
  /** Further columns that are known up to now: numbers, or strings as categories. */
  readonly past?: readonly string[];
  /** The column that says which series a row belongs to; default: all rows are one series. */
  readonly series?: string;
  /** Steps that a forecast reads; default two seasons or two horizons, whichever is longer, and at least 12. */
  readonly window?: number;
  /** Steps ahead; default one season, or 1. */
  readonly horizon?: number;
  /** Steps of a season: 12 of monthly, 52 of weekly, 24 of hourly rows; default 1, none. */
  readonly season?: number;
  /** 1: read and forecast changes from step to step; default 0. */
  readonly differencing?: 0 | 1;
  /** 1: read and forecast changes from season to season; default 0. */
  readonly seasonalDifferencing?: 0 | 1;
  /** All steps at once, or one after the other by feeding the medians back; default "direct". */
  readonly strategy?: "direct" | "recursive";
  /** Which quantiles are forecast: ascending, symmetric about 0.5, with 0.5; default [0.1, 0.5, 0.9]. */
  readonly quantiles?: readonly number[];
  /** What is done about null and NaN: refuse them, or go straight from number to number; default "error". */
  readonly missing?: Missing;
}

export const forecastNames = [
  ...["target", "known", "past", "series", "window", "horizon", "season", "differencing", "seasonalDifferencing"],
  ...["strategy", "quantiles", "missing"],
  ...recurrentNames,
];

/** The settings that a file holds, besides its columns. */
export interface ForecastSetting extends Required<RecurrentOptionsOfTask> {
  readonly window: number;
  readonly season: number;
  readonly differencing: 0 | 1;
  readonly seasonalDifferencing: 0 | 1;
  readonly horizon: number;
  readonly strategy: "direct" | "recursive";
  readonly quantiles: readonly number[];
}

/** Which columns are read. @throws OptionError */
export function rolesOf(who: string, rows: readonly Numbered<TaskRow>[], options: ForecastOptions): SeriesRoles {
  const namesOf = (name: "target" | "past" | "known", value: unknown): readonly string[] => {
    const isList = Array.isArray(value) && value.every((one) => typeof one === "string");
    if (isList && (name !== "target" || value.length > 0)) return value;
    throw new OptionError(`${who}: ${name} is ${shown(value)}, expected a list of columns`);
  };
  const { target, series = null } = options;
  if (series !== null && typeof series !== "string")
    throw new OptionError(`${who}: series is ${shown(series)}, expected the name of a column`);
  const past = namesOf("past", options.past ?? []);
  const known = namesOf("known", options.known ?? []);
  const others = [...past, ...known, ...(series === null ? [] : [series])];
  const targets =
    target === undefined
      ? targetOf(who, rows, others)
      : namesOf("target", typeof target === "string" ? [target] : target);
  const all = [...targets, ...others];
  const twice = all.find((name, i) => all.indexOf(name) !== i);
  if (twice !== undefined)
    throw new OptionError(`${who}: the column ${shown(twice)} is named twice in target, past, known and series`);
  if (past.length > 0 && options.strategy === "recursive")
    throw new OptionError(
      `${who}: past is ${shownNames(past)}, which nobody knows when forecasts are fed back; take strategy: "direct", or make them targets`,
    );
  return { target: targets, past, known, series };
}

/** @throws OptionError */
export function missingOf(who: string, { missing = "error" }: ForecastOptions): Missing {
  if (missing === "error" || missing === "interpolate") return missing;
  throw new OptionError(`${who}: missing is ${shown(missing)}, expected "error" or "interpolate"`);
}

/** The options with their defaults. @throws OptionError */
export function settingOf(who: string, options: ForecastOptions): ForecastSetting {
  const { season = 1, differencing = 0, seasonalDifferencing = 0 } = options;
  const { strategy = "direct", quantiles = [0.1, 0.5, 0.9] } = options;
  checkCount(who, "season", season);
  const { horizon = season } = options;
  checkCount(who, "horizon", horizon);
  const { window = Math.max(2 * season, 2 * horizon, 12) } = options;
  checkCount(who, "window", window);
  for (const [name, value] of Object.entries({ differencing, seasonalDifferencing }))
    if (value !== 0 && value !== 1) throw new OptionError(`${who}: ${name} is ${shown(value)}, expected 0 or 1`);
  if (seasonalDifferencing === 1 && season === 1)
    throw new OptionError(`${who}: seasonalDifferencing is 1, and there is no season; say how long it is with season`);
  if (strategy !== "direct" && strategy !== "recursive")
    throw new OptionError(`${who}: strategy is ${shown(strategy)}, expected "direct" or "recursive"`);
  checkQuantiles(who, quantiles);
  const names = Object.fromEntries(
    Object.entries(options).filter(([name]) => (recurrentNames as readonly string[]).includes(name)),
  );
  return {
    ...recurrentDefaults(who, { cell: "gru", hiddenSize: 32, dropout: 0, ...names }, { bidirectional: false }),
    ...{ window, horizon, season, differencing, seasonalDifferencing, strategy, quantiles },
  };
}

function checkQuantiles(who: string, quantiles: unknown): void {
  if (!Array.isArray(quantiles) || quantiles.length < 3 || quantiles.length % 2 === 0)
    throw new OptionError(
      `${who}: quantiles are ${shown(quantiles)}, expected 0.5 in the middle and as many on either side, at least one`,
    );
  quantiles.forEach((q, i) => {
    checkNumber(who, `quantiles[${i}]`, q, 0.001, 0.999);
    const opposite = quantiles[quantiles.length - 1 - i];
    if (Math.abs(q + opposite - 1) > 1e-9 || (i > 0 && q <= quantiles[i - 1]))
      throw new OptionError(
        `${who}: quantiles are ${shown(quantiles)}, expected ascending ones, symmetric about 0.5, such as [0.1, 0.5, 0.9]`,
      );
  });
}

/** @throws OptionError for what a file must not hold */
export function checkSetting(given: unknown): ForecastSetting {
  const names = ["window", "horizon", "season", "differencing", "seasonalDifferencing", "strategy", "quantiles"];
  checkOptions("setting", given, [...names, ...recurrentNames]);
  const lacks = [...names, ...recurrentNames].find((name) => !Object.hasOwn(given as object, name));
  if (lacks !== undefined) throw new OptionError(`setting: ${lacks} is not there`);
  return settingOf("setting", given as ForecastOptions);
}
