import { DataError } from "../../index.ts";
import type { ForecastSetting } from "./forecast-setting.ts";
import { interpolated, type SeriesColumns, type TimeSeries } from "./time-series.ts";

/** What a forecaster knows besides its weights: windows are read with it. */
export interface WindowBasis {
  readonly columns: SeriesColumns;
  readonly setting: ForecastSetting;
  /** Of each relative column: a window that varies less is divided by this. */
  readonly leastScales: readonly number[];
}

/** What the model reads before an origin, and what its output means there. */
export interface ForecastWindow {
  /** Numbers of each step, `[T,C]`. */
  readonly past: readonly (readonly number[])[];
  /** Of each target: what 1 of the output is in the target's unit. */
  readonly scales: readonly number[];
  /** What 0 of the output is, for a target so many steps ahead; 1 is the first. */
  reference(target: number, ahead: number): number;
}

/** Steps before an origin that a forecast reads. */
export const stepsRead = ({ window, season, differencing, seasonalDifferencing }: ForecastSetting): number =>
  Math.max(window + differencing + seasonalDifferencing * season, season + 1);

/** Steps that the model makes at once. */
export const stepsAtOnce = ({ strategy, horizon }: ForecastSetting): number => (strategy === "direct" ? horizon : 1);

/**
 * The window before an origin. Each window is scaled by itself (Kim et al. 2022, "Reversible Instance Normalization for Accurate
 * Time-Series Forecasting against Distribution Shift"): its mean is taken away, and it is divided by its standard deviation. So a
 * trend, a swing that grows, or series of several sizes do not lead out of what the model was trained on, and the forecast's
 * interval has the size of what the series did lately. With differencing it reads differences, divided by their root mean square, and
 * its output is added to the forecast in which all differences to come are 0: the last value, that of the season before, or both.
 * @param origin the first step that is not known: from it on, nothing is read
 * @throws DataError where a column has no number in what is read
 */
export function windowAt(basis: WindowBasis, series: TimeSeries, origin: number): ForecastWindow {
  const { columns, setting } = basis;
  const { window, season, differencing, seasonalDifferencing } = setting;
  const { levels, relative } = scaledAt(basis, series, origin);
  const read = levels.map((all, c) => relative[columns.relative.indexOf(c)]?.read ?? all.slice(-window));
  return {
    past: Array.from({ length: window }, (_, t) => columns.inputs(read.map((all) => all[t]!))),
    scales: relative.slice(0, columns.targets).map(({ scale }) => scale),
    reference(target, ahead) {
      const y = levels[target]!;
      const last = y.at(-1)!;
      const seasons = Math.ceil(ahead / season);
      const aSeasonBefore = y.at(ahead - 1 - season * seasons)!;
      if (differencing && seasonalDifferencing) return aSeasonBefore + seasons * (last - y.at(-1 - season)!);
      if (seasonalDifferencing) return aSeasonBefore;
      return differencing ? last : relative[target]!.mean;
    },
  };
}

/** Numbers of the columns before an origin, and those of the relative columns as they are read. */
function scaledAt({ columns, setting, leastScales }: WindowBasis, series: TimeSeries, origin: number) {
  const { window, season, differencing, seasonalDifferencing } = setting;
  const from = origin - stepsRead(setting);
  const levels: Float64Array[] = series.values.map((all) => all.slice(from, origin));
  const isDifferenced = differencing + seasonalDifferencing > 0;
  const relative = columns.relative.map((c, n) => {
    let z = interpolated(levels[c]!);
    levels[c] = z;
    if (Number.isNaN(z[0]))
      throw new DataError(
        `${columns.names[c]} has no number from ${series.at[from]} to ${series.at[origin - 1]}, and so nothing to fill its gaps with; leave these rows out`,
      );
    if (seasonalDifferencing) z = differences(z, season);
    if (differencing) z = differences(z, 1);
    z = z.slice(-window);
    const mean = isDifferenced ? 0 : meanOf(z);
    const centred = z.map((x) => x - mean);
    const scale = Math.max(Math.sqrt(meanOf(centred.map((x) => x * x))), leastScales[n]!);
    return { mean, scale, read: centred.map((x) => x / scale) };
  });
  return { levels, relative };
}

/** A window that varies less than this share of what windows do is taken as if it varied so much. */
const LEAST_SHARE = 0.01;

/** The least scales, from the windows to train on. */
export function leastScalesOf(
  columns: SeriesColumns,
  setting: ForecastSetting,
  origins: readonly { readonly series: TimeSeries; readonly origin: number }[],
): number[] {
  const sums = columns.relative.map(() => 0);
  const basis = { columns, setting, leastScales: sums.map(() => 0) };
  for (const { series, origin } of origins)
    for (const [n, { scale }] of scaledAt(basis, series, origin).relative.entries()) sums[n]! += scale ** 2;
  return sums.map((sum) => LEAST_SHARE * Math.sqrt(sum / origins.length) || 1);
}

/**
 * What is known of steps to come, `[T,C]`. Steps behind the end are not asked for where fewer than the horizon are; what they have
 * says nothing of the others.
 */
export const stepsAhead = (columns: SeriesColumns, series: TimeSeries, origin: number, steps: number): number[][] =>
  Array.from({ length: steps }, (_, t) => {
    if (origin + t >= series.length) return new Array<number>(columns.sizes.future).fill(0);
    const values = series.values.map((all) => all[origin + t]!);
    return columns.inputs(values, true);
  });

const meanOf = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const differences = (values: Float64Array, lag: number): Float64Array =>
  values.slice(lag).map((x, i) => x - values[i]!);
