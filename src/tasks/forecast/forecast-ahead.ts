import type { AnyBatch, Runtime } from "../../index.ts";
import { inBatches } from "../rows.ts";
import type { ForecastModel } from "./forecast-model.ts";
import {
  type ForecastWindow,
  stepsAhead,
  stepsAtOnce,
  stepsRead,
  type WindowBasis,
  windowAt,
} from "./forecast-windows.ts";
import type { TimeSeries } from "./time-series.ts";

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

/** What the model reads of origins, and what its output means there. */
function inputsOf({ columns, setting }: WindowBasis, origins: readonly Origin[], windows: readonly ForecastWindow[]) {
  const steps = stepsAtOnce(setting);
  const future = () => timeMajor(origins.map(({ series, origin }) => stepsAhead(columns, series, origin, steps)));
  return { past: timeMajor(windows.map(({ past }) => past)), ...(columns.sizes.future > 0 && { future: future() }) };
}

/** Sequences of equally many steps as one tensor `[T,B,C]`. */
function timeMajor(sequences: readonly (readonly (readonly number[])[])[]) {
  const [B, T, C] = [sequences.length, sequences[0]!.length, sequences[0]![0]!.length];
  const data = new Float32Array(T * B * C);
  for (const [b, steps] of sequences.entries())
    for (const [t, step] of steps.entries()) data.set(step, (t * B + b) * C);
  return { shape: [T, B, C], data };
}

/** A batch to train on: windows, and the targets of the steps that came then, relative to their window, `[B,H*K]`. */
export function batchOf(basis: WindowBasis, origins: readonly Origin[]): AnyBatch {
  const steps = stepsAtOnce(basis.setting);
  const windows = origins.map(({ series, origin }) => windowAt(basis, series, origin));
  const targets = origins.flatMap(({ series, origin }, i) => {
    const { reference, scales } = windows[i]!;
    return Array.from({ length: steps }, (_, h) =>
      series.filled.map((y, k) => (y[origin + h]! - reference(k, h + 1)) / scales[k]!),
    ).flat();
  });
  return {
    x: inputsOf(basis, origins, windows),
    target: { shape: [origins.length, targets.length / origins.length], data: Float32Array.from(targets) },
  };
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
    const { y } = await runtime.predict(model, inputsOf(basis, some, windows));
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
