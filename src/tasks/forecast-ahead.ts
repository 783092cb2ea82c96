import { collate, field, type Runtime } from "../index.ts";
import type { ForecastModel } from "./forecast-model.ts";
import { stepsAhead, stepsAtOnce, stepsRead, type WindowBasis, windowAt } from "./forecast-windows.ts";
import { inBatches } from "./rows.ts";
import type { SeriesColumns, TimeSeries } from "./time-series.ts";

/** Where a forecast begins: from the origin on, nothing is read but what is known ahead. */
export interface Origin {
  readonly series: TimeSeries;
  readonly origin: number;
}

/** What is said of an origin. */
export interface Ahead {
  /** In the targets' units and ascending, `[steps][targets][Q]`. */
  readonly steps: readonly (readonly (readonly number[])[])[];
  /** Of each target: what 1 of the model's output is there. */
  readonly scales: readonly number[];
}

/** What a forecast is made with. */
export interface Asked {
  readonly runtime: Runtime;
  readonly model: ForecastModel;
  readonly basis: WindowBasis;
}

/** The model's inputs, of records with `past` and `future`. */
export function inputFields(columns: SeriesColumns) {
  const future = field.series("future", { axis: "ahead" });
  return { past: field.series("past"), ...(columns.sizes.future > 0 && { future }) };
}

/** The place of the median. */
export const middleOf = (quantiles: readonly number[]): number => (quantiles.length - 1) / 2;

/** Forecasts of so many steps, as the model says them: their intervals are not calibrated. */
export async function quantilesAhead(asked: Asked, origins: readonly Origin[], steps: number): Promise<Ahead[]> {
  const { columns, setting } = asked.basis;
  if (setting.strategy === "direct")
    return (await atOnce(asked, origins)).map((said) => ({ ...said, steps: said.steps.slice(0, steps) }));
  const before = stepsRead(setting);
  const paths = origins.map((one) => pathFrom(one, before, steps, columns.targets));
  const said: Ahead[][] = origins.map(() => []);
  for (let h = 0; h < steps; h++) {
    const next = await atOnce(
      asked,
      paths.map((series) => ({ series, origin: before + h })),
    );
    for (const [i, one] of next.entries()) {
      said[i]!.push(one);
      one.steps[0]!.forEach((quantiles, k) => {
        paths[i]!.values[k]![before + h] = quantiles[middleOf(quantiles)]!;
      });
    }
  }
  return said.map((all) => ({ scales: all[0]!.scales, steps: all.map((one) => one.steps[0]!) }));
}

/** As many steps as the model makes at once. */
function atOnce({ runtime, model, basis }: Asked, origins: readonly Origin[]): Promise<Ahead[]> {
  const { columns, setting } = basis;
  const [H, K, Q] = [stepsAtOnce(setting), columns.targets, setting.quantiles.length];
  const ask = async (some: readonly Origin[]): Promise<Ahead[]> => {
    const windows = some.map(({ series, origin }) => windowAt(basis, series, origin));
    const records = some.map(({ series, origin }, i) => ({
      past: windows[i]!.past,
      future: stepsAhead(columns, series, origin, H),
    }));
    const { y } = await runtime.predict(model, collate(records, inputFields(columns)));
    return windows.map(({ scales, reference }, b) => ({
      scales,
      steps: Array.from({ length: H }, (_, h) =>
        Array.from({ length: K }, (_, k) => {
          const from = ((b * H + h) * K + k) * Q;
          // Quantiles that cross are put in order (Chernozhukov, Fernández-Val and Galichon 2010).
          const sizes = Array.from(y.data.subarray(from, from + Q)).sort((a, b) => a - b);
          return sizes.map((size) => reference(k, h + 1) + size * scales[k]!);
        }),
      ),
    }));
  };
  return inBatches(origins, () => 0, ask);
}

/** The steps that a forecast reads, and room for its medians, which it reads from then on. */
function pathFrom({ series, origin }: Origin, before: number, steps: number, targets: number): TimeSeries {
  const from = origin - before;
  const length = before + steps;
  const values = series.values.map((all, c) => {
    const path = new Float64Array(length).fill(Number.NaN);
    path.set(all.subarray(from, c < targets ? origin : from + length));
    return path;
  });
  return { ...series, length, values, at: series.at.slice(from, from + length) };
}
