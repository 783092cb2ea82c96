import type { Forecaster } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { backtest, forecast, madeUp, type Series, train } from "./program.ts";

export interface Settings {
  readonly seed: number;
  /** Default: one that is made up. */
  readonly series?: Series;
}

interface Learned {
  readonly forecaster: Forecaster;
  readonly series: Series;
}

/** A row as charts show it: what was, or what is said of it. */
export type ShownRow = {
  /** Its number in the series, from 1. */
  readonly t: number;
  readonly value?: number;
  /** What came, where a forecast is compared with it. */
  readonly truth?: number;
  readonly low?: number;
  readonly median?: number;
  readonly high?: number;
};

export interface Ahead {
  readonly date: string | undefined;
  readonly event: boolean;
}

/** Rows before the forecast that a chart shows. */
const SHOWN = 56;

interface Asked {
  /** How many rows come before the forecast; default as many as can. */
  readonly origin?: number;
  /** Events by row, other than the series has them. */
  readonly events: Readonly<Record<number, boolean>>;
}

export const questions = {
  async forecast({ forecaster, series }: Learned, { origin, events }: Asked) {
    const { rows, length, options } = series;
    // What is known ahead has to be there for every step.
    const last = options.known?.length ? Math.min(length, rows.length - options.horizon) : length;
    const first = Math.min(last, length - series.kept);
    const from = Math.max(first, Math.min(last, origin ?? last));
    const changed = Object.fromEntries(Object.entries(events).map(([t, event]) => [t, { event: Number(event) }]));
    const said = await forecast(forecaster, series, from, changed);
    const cellOf = (t: number) => {
      const value = cells(rows[t])[options.target];
      return typeof value === "number" && t < length && Number.isFinite(value) ? value : undefined;
    };
    const count = Math.min(SHOWN, from);
    const past = Array.from({ length: count }, (_, i): ShownRow => withValue(from - count + i, "value", cellOf));
    const now = past.at(-1)?.value;
    // The forecast and the truth begin where the series ends.
    if (now !== undefined) past[count - 1] = { ...past[count - 1]!, truth: now, low: now, median: now, high: now };
    const next = said.map(({ low, median, high }, h): ShownRow => {
      return { ...withValue(from + h, "truth", cellOf), low, median, high };
    });
    const ahead = said.map((_, h): Ahead => {
      const { date, event } = cells(rows[from + h]);
      return { date: date as string | undefined, event: events[from + h] ?? event === 1 };
    });
    return { origin: from, first, last, rows: [...past, ...next], ahead };
  },
  backtest: ({ forecaster, series }: Learned) => (series.kept > 0 ? backtest(forecaster, series) : undefined),
};

const cells = (row: object | undefined) => (row ?? {}) as Readonly<Record<string, unknown>>;

function withValue(t: number, name: "value" | "truth", cellOf: (t: number) => number | undefined): ShownRow {
  const value = cellOf(t);
  return { t: t + 1, ...(value !== undefined && { [name]: value }) };
}

export default serve((runtime, { seed, series = madeUp(seed) }: Settings, keep) => {
  let learned: Learned & { dispose(): void };
  return follow(train(runtime, series, seed), (forecaster) => {
    learned ??= { forecaster, series, dispose: () => forecaster.dispose() };
    keep(learned);
  });
}, questions);
