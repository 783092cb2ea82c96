import {
  batches,
  checkCount,
  checkOptions,
  DataError,
  FileFormatError,
  field,
  mae,
  OptionError,
  quantile,
  type Runtime,
  type SavedTraining,
  shown,
  type Tensor,
} from "../../index.ts";
import type { TaskRow } from "../columns.ts";
import { type Numbered, numbered } from "../rows.ts";
import {
  fitNames,
  fitNew,
  fromFile,
  type LearningOptions,
  learningNames,
  openTask,
  picked,
  type RowParts,
  Task,
  type TaskBatches,
  type TaskFitOptions,
} from "../task.ts";
import { type Progress, TaskFit, type Validation } from "../task-fit.ts";
import { type BacktestReport, compared, type Interval, intervalOf } from "./backtest.ts";
import { widened, widenings } from "./conformal.ts";
import { type Asked, batchOf, middleOf, type Origin, quantilesAhead } from "./forecast-ahead.ts";
import { ForecastModel } from "./forecast-model.ts";
import { type ForecastParts, partsOf } from "./forecast-parts.ts";
import {
  checkSetting,
  type ForecastOptions,
  forecastNames,
  missingOf,
  rolesOf,
  settingOf,
} from "./forecast-setting.ts";
import { stepsAtOnce, stepsRead, type WindowBasis } from "./forecast-windows.ts";
import { bySeries, continued, SeriesColumns, seriesName, type TimeSeries } from "./time-series.ts";

export interface ForecasterOptions extends ForecastOptions, LearningOptions {}

/** What errors and files call it. */
const KIND = "forecaster";

/** A target at a step to come. */
export interface Forecast extends Interval {
  /** Which series; absent where all rows are one. */
  readonly series?: string;
  /** Steps ahead; 1 is the first. */
  readonly step: number;
  readonly target: string;
  /** By what they are: `{ "0.1": …, "0.5": …, "0.9": … }`. */
  readonly quantiles: Readonly<Record<string, number>>;
}

export interface ForecastAhead {
  /** Rows up to now, in order; default: the last ones of those that it was trained on. */
  readonly history?: readonly TaskRow[];
  /** At most the horizon, which is the default. */
  readonly steps?: number;
  /** What is known ahead: a row for each step to come, in order. */
  readonly known?: readonly TaskRow[];
}

export interface BacktestOptions {
  /** Rows before the given ones; default: the first of those are only read. */
  readonly history?: readonly TaskRow[];
  /** Origins of each series at most, the last ones; default all. */
  readonly folds?: number;
  /** Steps ahead; default the horizon. */
  readonly horizon?: number;
  /** Steps from origin to origin; default 1. */
  readonly stride?: number;
}

/** Series into the future, with intervals: one variable or many, and columns that are known ahead. */
export class Forecaster extends Task<TaskRow, ForecastModel> {
  readonly columns: SeriesColumns;
  protected readonly kind = KIND;
  protected readonly metrics;
  readonly #basis: WindowBasis;
  /** How far intervals are widened, `[steps][targets][intervals]`, in units of the window. */
  #widenings: readonly (readonly (readonly number[])[])[];
  /** The last rows that it was trained on. */
  #recent: readonly TaskRow[] = [];

  private constructor(runtime: Runtime, basis: WindowBasis, from: LearningOptions | SavedTraining) {
    const { columns, setting } = basis;
    const { quantiles, horizon } = setting;
    const middle = middleOf(quantiles);
    const model = new ForecastModel({
      ...{ ...setting, ...columns.sizes, targets: columns.targets },
      steps: stepsAtOnce(setting),
    });
    const loss = ({ y }: { y: Tensor }, target: Tensor) => quantile({ quantiles }).apply(y, target);
    super(runtime, { model, loss, from });
    this.columns = columns;
    this.#basis = basis;
    this.metrics = { mae: ({ y }: { y: Tensor }, target: Tensor) => mae().apply(y.select(middle, -1), target) };
    const none = Array.from({ length: middle }, () => 0);
    this.#widenings = Array.from({ length: horizon }, () => Array.from({ length: columns.targets }, () => none));
  }

  /**
   * Trains a forecaster. The last of the rows are kept apart, in the order of time, to end the training and to calibrate the
   * intervals: what Romano et al. (2019) call conformalized quantile regression.
   * @param rows the time steps in order: plain objects with the same columns
   * @throws OptionError; DataError naming the row, before training begins: a missing column, gaps, a series that is too short
   */
  static fit(
    runtime: Runtime,
    rows: readonly TaskRow[],
    options: ForecasterOptions & TaskFitOptions<TaskRow> = {},
  ): TaskFit<Forecaster> {
    return new TaskFit(async function* () {
      checkOptions(KIND, options, [...forecastNames, ...learningNames, ...fitNames]);
      const setting = settingOf(KIND, options);
      const all = numbered(`${KIND}: fit`, rows);
      const roles = rolesOf(KIND, all, options);
      const missing = missingOf(KIND, options);
      const parts = partsOf(KIND, all, options, setting, roles.series, (training) =>
        SeriesColumns.fit(training, roles, missing),
      );
      const { columns, leastScales } = parts;
      return yield* fitNew(KIND, parts.training, { ...options, ...fitOptions(parts, options) }, () => {
        const made = new Forecaster(runtime, { columns, setting, leastScales }, picked(options, learningNames));
        made.#recent = parts.recent;
        return made;
      });
    });
  }

  /** @throws FileFormatError for what is no file of a forecaster */
  static async load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<Forecaster> {
    const saved = await openTask(bytes, KIND);
    return fromFile(KIND, () => {
      const { columns: json, setting: given, leastScales, widenings, recent } = saved.metadata;
      const columns = SeriesColumns.fromJSON(json);
      const setting = checkSetting(given);
      checkNumbers("leastScales", leastScales, [columns.relative.length], (x) => x > 0);
      checkNumbers("widenings", widenings, [setting.horizon, columns.targets, middleOf(setting.quantiles)]);
      columns.read("recent", numbered("recent", recent as TaskRow[], "recent row"));
      const loaded = new Forecaster(runtime, { columns, setting, leastScales: leastScales as number[] }, saved);
      loaded.#widenings = widenings as number[][][];
      loaded.#recent = recent as TaskRow[];
      return loaded;
    });
  }

  protected description() {
    return {
      ...{ columns: this.columns, setting: this.#basis.setting, leastScales: this.#basis.leastScales },
      ...{ widenings: this.#widenings, recent: this.#recent },
    };
  }

  /** Steps ahead, at most. */
  get horizon(): number {
    return this.#basis.setting.horizon;
  }

  /** Rows that a forecast reads. */
  get historySteps(): number {
    return stepsRead(this.#basis.setting);
  }

  override fit(rows: readonly TaskRow[], options: TaskFitOptions<TaskRow> = {}): TaskFit<this> {
    const fitOn = (parts: ForecastParts) => super.fit(parts.training, fitOptions(parts, options));
    const prepared = () => {
      const who = `${KIND}: fit`;
      checkOptions(who, options, fitNames);
      const { series } = this.columns.roles;
      const parts = partsOf(who, numbered(who, rows), options, this.#basis.setting, series, () => this.columns);
      this.#recent = parts.recent;
      return fitOn(parts);
    };
    return new TaskFit(async function* () {
      return yield* prepared();
    });
  }

  /** @internal */
  override async *train(
    parts: RowParts<TaskRow>,
    options: TaskFitOptions<TaskRow>,
  ): AsyncGenerator<Progress<this>, this, undefined> {
    yield* super.train(parts, options);
    await this.#calibrate(parts.validation.map(({ row }) => row as Origin));
    return this;
  }

  protected batches(rows: readonly Numbered<TaskRow>[], batch: number, seed: number | undefined): TaskBatches {
    // Windows are made when their batch comes: together they are many times the series.
    const places = rows.map((_, place) => ({ place }));
    const place = field.label("place");
    const order = batches(places, {
      x: place,
      target: place,
      batch,
      ...(seed !== undefined && { shuffle: true, seed }),
    });
    const basis = this.#basis;
    return {
      length: order.length,
      *epoch(epoch) {
        for (const { x } of order.epoch(epoch))
          yield batchOf(
            basis,
            Array.from(x.data, (i) => rows[i]!.row as Origin),
          );
      },
    };
  }

  protected monitor({ loss }: Validation): number {
    return loss;
  }

  get #asked(): Asked {
    return { runtime: this.runtime, model: this.model, basis: this.#basis };
  }

  /** Learns from numbers that the model was not trained on how wide intervals have to be. */
  async #calibrate(origins: readonly Origin[]): Promise<void> {
    const { horizon, quantiles } = this.#basis.setting;
    const said = await quantilesAhead(this.#asked, origins, horizon);
    this.#widenings = this.#widenings.map((targets, h) =>
      targets.map((_, k) =>
        widenings(
          quantiles,
          said.map(({ steps, scales }) => steps[h]![k]!.map((y) => y / scales[k]!)),
          origins.map(({ series, origin }, i) => series.values[k]![origin + h]! / said[i]!.scales[k]!),
        ),
      ),
    );
  }

  /** What is said of origins, in the targets' units, `[origins][steps][targets][Q]`. */
  async #ahead(origins: readonly Origin[], steps: number): Promise<number[][][][]> {
    const said = await quantilesAhead(this.#asked, origins, steps);
    return said.map(({ steps, scales }) =>
      steps.map((targets, h) =>
        targets.map((quantiles, k) =>
          widened(
            quantiles,
            this.#widenings[h]![k]!.map((e) => e * scales[k]!),
          ),
        ),
      ),
    );
  }

  /**
   * Forecasts the steps after the history: series by series, step by step, target by target.
   * @throws DataError for a history that is too short or has gaps, and where what is known ahead is missing; OptionError for more
   *   steps than the horizon
   */
  async forecast(options: ForecastAhead = {}): Promise<Forecast[]> {
    const who = `${KIND}: forecast`;
    checkOptions(who, options, ["history", "steps", "known"]);
    const { history = this.#recent, steps = this.horizon, known } = options;
    this.#checkSteps(who, "steps", steps);
    const { columns } = this;
    const past = columns.read(who, numbered(who, history));
    const needs = columns.roles.known.length > 0;
    if (known && !needs) throw new OptionError(`${who}: known was given, and no column is known ahead`);
    const ahead = known ? columns.read(who, numbered(who, known, "known row"), true) : [];
    const origins = past.map((series) => {
      this.#checkLength(who, series);
      const next = ahead.find(({ name }) => name === series.name);
      if (needs && (next?.length ?? 0) < steps)
        throw new DataError(
          `${who}: ${seriesName(series)} has ${next?.length ?? 0} rows in known, and ${steps} steps need as many, with ${columns.roles.known.join(", ")}`,
        );
      return { series: next ? continued(series, next) : series, origin: series.length };
    });
    const said = await this.#ahead(origins, steps);
    return said.flatMap((all, i) =>
      all.flatMap((targets, h) =>
        targets.map((quantiles, k) => ({
          ...(columns.roles.series !== null && { series: past[i]!.name! }),
          ...{ step: h + 1, target: columns.roles.target[k]! },
          ...intervalOf(quantiles),
          quantiles: Object.fromEntries(this.#basis.setting.quantiles.map((q, n) => [String(q), quantiles[n]!])),
        })),
      ),
    );
  }

  /**
   * How good it is on rows that it was not trained on, beside the naive, the seasonal naive and the drift method: a forecast from each
   * of them on, with what was known then (rolling origin). It is not trained again.
   * @throws DataError for rows that do not fit or are too few; OptionError
   */
  async evaluate(rows: readonly TaskRow[], options: BacktestOptions = {}): Promise<BacktestReport> {
    const who = `${KIND}: evaluate`;
    checkOptions(who, options, ["history", "folds", "horizon", "stride"]);
    const { history = [], folds, horizon = this.horizon, stride = 1 } = options;
    this.#checkSteps(who, "horizon", horizon);
    checkCount(who, "stride", stride);
    if (folds !== undefined) checkCount(who, "folds", folds);
    const { columns } = this;
    const before = history.length > 0 ? numbered(who, history, "history row") : [];
    const given = numbered(who, rows);
    const known = bySeries(before, columns.roles.series);
    const asked = bySeries(given, columns.roles.series);
    const all = columns.read(who, [...before, ...given]).filter(({ name }) => asked.has(name));
    const origins = all.flatMap((series) => {
      const first = Math.max(this.historySteps, known.get(series.name)?.length ?? 0);
      const last = series.length - horizon;
      if (last < first)
        throw new DataError(
          `${who}: ${seriesName(series)} has ${series.length} rows; a forecast reads ${this.historySteps} and is compared with the next ${horizon}, so give at least ${this.historySteps + horizon}, or history`,
        );
      const count = Math.min(folds ?? Number.POSITIVE_INFINITY, Math.floor((last - first) / stride) + 1);
      return Array.from({ length: count }, (_, i) => ({ series, origin: last - (count - 1 - i) * stride }));
    });
    const said = await this.#ahead(origins, horizon);
    const { season, quantiles } = this.#basis.setting;
    return compared(columns.roles.target, origins, said, horizon, season, quantiles);
  }

  #checkSteps(who: string, name: string, steps: number): void {
    checkCount(who, name, steps);
    if (steps > this.horizon)
      throw new OptionError(
        `${who}: ${name} is ${steps}, and this forecaster was trained for a horizon of ${this.horizon}; train one with a longer horizon`,
      );
  }

  #checkLength(who: string, series: TimeSeries): void {
    if (series.length >= this.historySteps) return;
    throw new DataError(
      `${who}: ${seriesName(series)} has ${series.length} rows, and a forecast reads ${this.historySteps}; give more of its history`,
    );
  }
}

/** How long small data is trained, unless the options say so. */
function fitOptions(parts: ForecastParts, options: TaskFitOptions<TaskRow>): TaskFitOptions<TaskRow> {
  const { batch = 32 } = options;
  checkCount(`${KIND}: fit`, "batch", batch);
  const { training, validation } = parts;
  // So many updates at least: small data needs many passes.
  const epochs = Math.min(300, Math.max(10, Math.ceil(600 / Math.ceil(training.length / batch))));
  return {
    epochs,
    ...(validation.length > 0 && { patience: Math.ceil((options.epochs ?? epochs) / 5) + 2 }),
    ...picked(options, fitNames),
    validation,
  };
}

/** @throws FileFormatError for what is no nested list of finite numbers of these lengths */
function checkNumbers(
  name: string,
  value: unknown,
  [length, ...inner]: readonly number[],
  isGood: (x: number) => boolean = () => true,
): void {
  if (!Array.isArray(value) || value.length !== length)
    throw new FileFormatError(`${name} is ${shown(value)}, expected a list of ${length}`);
  for (const one of value) {
    if (inner.length > 0) checkNumbers(name, one, inner, isGood);
    else if (!Number.isFinite(one) || !isGood(one)) throw new FileFormatError(`${name} has ${shown(one)}`);
  }
}
