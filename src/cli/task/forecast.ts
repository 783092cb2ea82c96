import { DataError } from "../../node.ts";
import { seasonalSeries } from "../../tasks/data/index.ts";
import { targetOf } from "../../tasks/forecast/time-series.ts";
import { type Forecast, Forecaster } from "../../tasks/index.ts";
import { numbered } from "../../tasks/rows.ts";
import { type CliTask, learned, type Said, type TaskFlags } from "./cli-task.ts";
import { bar, digitsFor, interval, percent, table } from "./table.ts";

const listOf = (given: unknown): readonly string[] => (given === undefined ? [] : (given as string).split(","));

/** The options of columns, which are lists with commas on the command line. */
function rolesIn({ target, known, past, series }: TaskFlags) {
  return {
    ...(target !== undefined && { target: listOf(target) }),
    known: listOf(known),
    past: listOf(past),
    ...(series !== undefined && { series: series as string }),
  };
}

/** A table: a line for each step, with its interval drawn. */
function saidOf(forecasts: readonly Forecast[]): Said[] {
  const rangeOf = (target: string) => {
    const some = forecasts.filter((one) => one.target === target);
    return [Math.min(...some.map(({ low }) => low)), Math.max(...some.map(({ high }) => high))] as const;
  };
  const ranges = new Map(forecasts.map(({ target }) => [target, rangeOf(target)]));
  const names = [
    ...(forecasts[0]!.series === undefined ? [] : (["series"] as const)),
    ...(ranges.size > 1 ? (["target"] as const) : []),
    "step" as const,
  ];
  const lines = table(
    [...names, "low", "median", "high", ""],
    forecasts.map((one) => {
      const { low, median, high, target } = one;
      const range = ranges.get(target)!;
      const digits = digitsFor(range);
      return [
        ...names.map((name) => one[name]!),
        ...[low, median, high].map((x) => x.toFixed(digits)),
        interval(low, median, high, ...range),
      ];
    }),
  );
  return forecasts.map((record, i) => ({ record, lines: i === 0 ? lines.slice(0, 2) : [lines[i + 1]!] }));
}

const isGap = (value: unknown): boolean => value === undefined || value === null || value === "" || Number.isNaN(value);

/** Rows up to now, and those to come: the last ones of each series, which have no target. */
function divided(task: Forecaster, rows: readonly object[]) {
  const { target, series } = task.columns.roles;
  const open = new Map<unknown, boolean>();
  const isAhead = rows
    .toReversed()
    .map((row) => {
      const cells = row as TaskFlags;
      const name = series === null ? null : cells[series];
      open.set(name, (open.get(name) ?? true) && target.every((one) => isGap(cells[one])));
      return open.get(name)!;
    })
    .toReversed();
  return { history: rows.filter((_, i) => !isAhead[i]), ahead: rows.filter((_, i) => isAhead[i]) };
}

/** Rows that each series has, at least. */
function fewest(rows: readonly object[], series: string | null): number {
  const counts = new Map<unknown, number>();
  for (const row of rows) {
    const name = series === null ? null : (row as TaskFlags)[series];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Math.min(...counts.values());
}

const methodNames = { forecaster: "forecaster", naive: "naive", seasonalNaive: "seasonal naive", drift: "drift" };

export const forecast: CliTask<Forecaster> = {
  name: "forecast",
  kind: "forecaster",
  about: "numbers to come, with intervals",
  takes: [
    ...learned,
    ...["target", "known", "past", "series", "window", "horizon", "season", "missing"],
    ...["differencing", "seasonalDifferencing", "strategy", "quantiles"],
  ],
  demo() {
    const [{ dates, values }] = seasonalSeries({ count: 1 }) as [ReturnType<typeof seasonalSeries>[number]];
    return { rows: dates.map((date, i) => ({ date, value: values[i] })), flags: { season: 7 } };
  },
  describe(rows, flags) {
    const { target, known, past, series } = rolesIn(flags);
    const others = [...known, ...past, ...(series === undefined ? [] : [series])];
    const targets = target ?? targetOf("forecaster", numbered("forecaster", rows), others);
    const { season = 1, horizon = season } = flags;
    return [
      `${targets.join(", ")} is forecast, ${horizon} ${horizon === 1 ? "step" : "steps"} ahead`,
      ...(known.length > 0 ? [`${known.join(", ")} known ahead`] : []),
      ...(past.length > 0 ? [`${past.join(", ")} known up to now`] : []),
      ...(series === undefined ? [] : [`a series for each ${series}`]),
    ].join("; ");
  },
  fit: (runtime, rows, flags) => Forecaster.fit(runtime, rows, { ...flags, ...rolesIn(flags) }),
  load: (runtime, bytes) => Forecaster.load(runtime, bytes),
  async predictNone(task) {
    const { known } = task.columns.roles;
    if (known.length > 0)
      throw new DataError(
        `what is known ahead is missing: give a file with a row for each step to come, with ${known.join(", ")}`,
      );
    return saidOf(await task.forecast());
  },
  async predict(task, rows) {
    const { history, ahead } = divided(task, rows);
    const { known, series } = task.columns.roles;
    const isKnown = known.length > 0 && ahead.length > 0;
    const forecasts = await task.forecast({
      ...(history.length > 0 && { history }),
      ...(isKnown && { known: ahead, steps: Math.min(task.horizon, fewest(ahead, series)) }),
    });
    return saidOf(forecasts);
  },
  async evaluate(task, rows) {
    const report = await task.evaluate(rows);
    const { folds, horizon, methods, targets } = report;
    const linesOf = (scores: typeof methods) => {
      const all = Object.entries(scores) as [keyof typeof methodNames, (typeof methods)["naive"]][];
      const most = Math.max(...all.map(([, { mae }]) => mae));
      const digits = digitsFor([most]);
      return table(
        ["method", "MAE", "RMSE", "MASE", "in interval", "MAE as a bar"],
        all.map(([name, { mae, rmse, mase, coverage }]) => [
          methodNames[name],
          mae.toFixed(digits),
          rmse.toFixed(digits),
          mase.toFixed(3),
          percent(coverage),
          bar(most === 0 ? 0 : mae / most),
        ]),
      );
    };
    const several = Object.entries(targets);
    const lines = [
      `${folds} forecasts of ${horizon} ${horizon === 1 ? "step" : "steps"}, each with what was known then`,
      "",
      ...(several.length > 1
        ? several.flatMap(([name, scores]) => [`${name}:`, ...linesOf(scores), ""])
        : linesOf(methods)),
    ];
    return { record: report, lines };
  },
};
