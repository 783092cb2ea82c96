/** A forecaster of a series, what it says from a row on, and how good it is beside plain methods. */
import type { Runtime } from "webgpu-rnn";
import { Forecaster, type ForecastOptions, type TaskRow } from "webgpu-rnn/tasks";
import { seasonalSeries } from "webgpu-rnn/tasks/data";

export interface Series {
  /** Rows in the order of time; the last ones may have no target yet, but what is known ahead. */
  readonly rows: readonly TaskRow[];
  /** How many rows have a target. */
  readonly length: number;
  /** How many of these, the last ones, the training does not get. */
  readonly kept: number;
  readonly options: ForecastOptions & { readonly target: string; readonly horizon: number };
}

const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Two years and two months of days, with a trend, seasons by week and year, holidays and events. */
export function madeUp(seed: number): Series {
  const [{ dates, values, known }] = seasonalSeries({ count: 1, seed, length: 790 }) as [
    ReturnType<typeof seasonalSeries>[0],
  ];
  const rows = dates.map((date, t) => ({
    ...{ date, value: values[t], weekday: weekdays[known.weekday[t]!] },
    ...{ holiday: known.holiday[t], event: known.event[t] },
  }));
  const options = { target: "value", known: ["weekday", "holiday", "event"], season: 7, window: 28, horizon: 14 };
  return { rows, length: rows.length, kept: 60, options };
}

export function train(runtime: Runtime, { rows, length, kept, options }: Series, seed: number) {
  return Forecaster.fit(runtime, rows.slice(0, length - kept), {
    ...options,
    hiddenSize: 32,
    missing: "interpolate",
    epochs: options.horizon > 20 ? 60 : 30,
    optimizer: { name: "adam", lr: 0.01 },
    seed,
  });
}

/** The rows that follow the first `origin` ones. @param changed what is known ahead of some rows, other than they say */
export function forecast(
  forecaster: Forecaster,
  series: Series,
  origin: number,
  changed: Readonly<Record<number, object>>,
) {
  const { known = [], horizon } = series.options;
  const ahead = series.rows.slice(origin, origin + horizon).map((row, h) => ({ ...row, ...changed[origin + h] }));
  const history = series.rows.slice(0, origin);
  return forecaster.forecast({ history, ...(known.length > 0 && { known: ahead }) });
}

/** From each of the rows that were kept apart on, beside the naive methods. */
export function backtest(forecaster: Forecaster, { rows, length, kept }: Series) {
  const history = rows.slice(0, length - kept);
  return forecaster.evaluate(rows.slice(length - kept, length), { history, folds: 40 });
}
