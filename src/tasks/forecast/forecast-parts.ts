import { checkNumber, DataError } from "../../index.ts";
import type { TaskRow } from "../columns.ts";
import { type Numbered, numbered } from "../rows.ts";
import type { TaskFitOptions } from "../task.ts";
import type { Origin } from "./forecast-ahead.ts";
import type { ForecastSetting } from "./forecast-setting.ts";
import { leastScalesOf, stepsAtOnce, stepsRead, windowAt } from "./forecast-windows.ts";
import { bySeries, type SeriesColumns, seriesName, type TimeSeries } from "./time-series.ts";

/** What a forecaster is trained on, and what it is measured and calibrated on: later steps. */
export interface ForecastParts {
  readonly columns: SeriesColumns;
  readonly leastScales: readonly number[];
  readonly training: readonly Origin[];
  readonly validation: readonly Origin[];
  /** The last rows of each series, as many as a forecast reads. */
  readonly recent: readonly TaskRow[];
}

/** The last rows of each series that are kept apart, unless an option says so. */
const VALIDATION = 0.2;
/** Fewer windows than this tell nothing: then all rows are trained on. */
const FEW_WINDOWS = 10;

/**
 * Rows in the order of time as windows to train on and windows to measure on.
 * @param learned the columns, from the rows to train on
 * @throws DataError for rows that do not fit, and for a series that is too short
 */
export function partsOf(
  who: string,
  rows: readonly Numbered<TaskRow>[],
  options: TaskFitOptions<TaskRow>,
  setting: ForecastSetting,
  series: string | null,
  learned: (training: readonly Numbered<TaskRow>[]) => SeriesColumns,
): ForecastParts {
  const { validation } = options;
  const isList = Array.isArray(validation);
  const given = isList && validation.length > 0 ? numbered(who, validation, "validation row") : [];
  const share = isList ? 0 : checkNumber(who, "validation", validation ?? VALIDATION, 0, 0.9);
  const groups = bySeries(rows, series);
  const cuts = new Map([...groups].map(([name, { length }]) => [name, length - Math.floor(length * share)]));
  const columns = learned([...groups].flatMap(([name, group]) => group.slice(0, cuts.get(name)!)));
  const all = columns.read(who, [...rows, ...given]);
  const steps = stepsAtOnce(setting);
  const first = stepsRead(setting);
  const heldFrom = ({ name }: TimeSeries, last: number) => origins(Math.max(first, cuts.get(name) ?? first), last);
  const held = all.flatMap((one) =>
    heldFrom(one, one.length - setting.horizon).map((origin) => ({ series: one, origin })),
  );
  const isTooFew = validation === undefined && held.length < FEW_WINDOWS;
  if (!isTooFew && held.length === 0 && (given.length > 0 || share > 0))
    throw new DataError(
      `${who}: the validation has no ${setting.horizon} steps in a row of one series, and the horizon needs as many; give more, or none`,
    );
  const trained = all.flatMap((one) => {
    const cut = isTooFew ? one.length : (cuts.get(one.name) ?? 0);
    const found = origins(first, cut - steps);
    if (found.length > 0 || !cuts.has(one.name)) return found.map((origin) => ({ series: one, origin }));
    throw new DataError(
      `${who}: ${seriesName(one)} has ${cut} rows to train on, and a forecast reads ${first} and says ${steps}; give at least ${first + steps}, or a smaller window or horizon`,
    );
  });
  const leastScales = leastScalesOf(columns, setting, trained);
  // Refuses what cannot be read before training begins.
  for (const { series, origin } of held) windowAt({ columns, setting, leastScales }, series, origin);
  return {
    columns,
    leastScales,
    training: trained,
    validation: isTooFew ? [] : held,
    recent: all.flatMap((one) => columns.kept(one.rows.slice(-first))),
  };
}

const origins = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
