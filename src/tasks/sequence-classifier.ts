import {
  accuracy,
  batches,
  checkCount,
  checkOptions,
  collate,
  crossEntropy,
  DataError,
  field,
  OptionError,
  type Runtime,
  type SavedTraining,
  shown,
  shownNames,
} from "../index.ts";
import { byAccuracy, type ClassReport, classReport } from "./class-report.ts";
import { ClassifierModel, type ClassifierSizes, type Pooling, poolings } from "./classifier-model.ts";
import {
  type ColumnKinds,
  type ColumnOptions,
  Columns,
  columnNames,
  type EncodedRow,
  guessColumns,
  lengthsToPadTo,
  type TaskRow,
} from "./columns.ts";
import { type ClassWeights, labelOf, labelsOf, weightsOf } from "./labels.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults, recurrentNames } from "./recurrent-layer.ts";
import { inBatches, largest, type Numbered, numbered, softmax } from "./rows.ts";
import { influencesOf, type StepInfluence } from "./step-influence.ts";
import {
  fitNames,
  fitNew,
  fromFile,
  type LearningOptions,
  learningNames,
  picked,
  type RowParts,
  readTask,
  Task,
  type TaskBatches,
  type TaskFitOptions,
} from "./task.ts";
import type { TaskFit, Validation } from "./task-fit.ts";

export interface SequenceClassifierOptions extends RecurrentOptionsOfTask, ColumnOptions, LearningOptions {
  /** The column with the class: a string, a number, true or false; default "label". */
  readonly label?: string;
  /** What the other columns are; default: as `guessColumns` says. */
  readonly columns?: ColumnKinds;
  /** Default both. */
  readonly bidirectional?: boolean;
  /** The last real step (of two directions the first of the other), the mean or the largest of all, or a learned average; default "max". */
  readonly pooling?: Pooling;
  /** Numbers that stand for a unit of a text, at most; default 64. */
  readonly embeddingDim?: number;
  /** Default all alike. */
  readonly classWeights?: ClassWeights;
}

/** What errors and files call it. */
const KIND = "sequence classifier";
const NAMES = [
  "label",
  "columns",
  "pooling",
  "embeddingDim",
  "classWeights",
  ...recurrentNames,
  ...columnNames,
  ...learningNames,
];

/** What a classifier says of a row. */
export interface Classified {
  readonly label: string;
  /** Of each class; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Of the units of the row's texts, the share that the model knows. */
  readonly known: number;
}

/** The settings that a file holds. */
interface Setting extends ClassifierSizes {
  readonly label: string;
  readonly weights: readonly number[] | null;
}

/** Many to one: a class for each row, of texts, numbers and categories read step by step. */
export class SequenceClassifier extends Task<TaskRow, ClassifierModel> {
  readonly columns: Columns;
  protected readonly kind = KIND;
  protected readonly metrics = { accuracy: accuracy() };
  readonly #setting: Setting;

  private constructor(runtime: Runtime, columns: Columns, setting: Setting, from: LearningOptions | SavedTraining) {
    const { weights } = setting;
    const loss = crossEntropy(weights ? { weight: weights } : {});
    super(runtime, { model: new ClassifierModel(columns.sizes, setting), loss, from });
    this.columns = columns;
    this.#setting = setting;
  }

  /**
   * Trains a classifier of rows.
   * @param rows plain objects with the same columns
   * @throws OptionError; DataError naming the row, before training begins: a missing column, an empty text, NaN, a class of one row
   */
  static fit(
    runtime: Runtime,
    rows: readonly TaskRow[],
    options: SequenceClassifierOptions & TaskFitOptions<TaskRow> = {},
  ): TaskFit<SequenceClassifier> {
    return fitNew(KIND, rows, options, (parts) => {
      checkOptions(KIND, options, [...NAMES, ...fitNames]);
      const { columns, setting } = settingOf(parts, options);
      return new SequenceClassifier(runtime, columns, setting, picked(options, learningNames));
    });
  }

  /** @throws FileFormatError for what is no file of a classifier */
  static load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): SequenceClassifier {
    const saved = readTask(bytes, KIND);
    return fromFile(KIND, () => {
      const { columns, setting } = saved.metadata as { columns: unknown; setting: Setting };
      return new SequenceClassifier(runtime, Columns.fromJSON(columns), checkSetting(setting), saved);
    });
  }

  protected description() {
    return { columns: this.columns, setting: this.#setting };
  }

  /** The classes, in the order of their numbers. */
  get labels(): readonly string[] {
    return this.#setting.labels;
  }

  protected batches(rows: readonly Numbered<TaskRow>[], batch: number, seed: number | undefined): TaskBatches {
    const examples = rows.map((row) => ({ ...this.columns.encode(row), label: this.#classOf(row) }));
    return batches(examples, {
      x: this.columns.fields,
      target: field.label("label", this.labels.length),
      batch,
      padTo: lengthsToPadTo,
      bucketByLength: true,
      ...(seed !== undefined && { shuffle: true, seed }),
    });
  }

  protected monitor({ metrics, loss }: Validation): number {
    return byAccuracy(metrics.accuracy!, loss);
  }

  #classOf(row: Numbered<TaskRow>): number {
    const label = labelOf(row, this.#setting.label);
    const found = this.labels.indexOf(label);
    if (found >= 0) return found;
    throw new DataError(
      `${row.at}: ${this.#setting.label} is ${shown(label)}, which was not there in training; the classes are ${shownNames(this.labels)}`,
    );
  }

  /** Accuracy, precision, recall, F1 and confusions on rows that have a class. @throws DataError as `fit` */
  async evaluate(rows: readonly TaskRow[]): Promise<ClassReport> {
    const all = numbered(KIND, rows);
    const truth = all.map((row) => this.#classOf(row));
    const scores = await this.#scores(all.map((row) => this.columns.encode(row)));
    return classReport(this.labels, truth, scores.map(largest));
  }

  /**
   * Classes of rows, with their probabilities.
   * @throws DataError for a row that does not fit, or a text with nothing in it that the model knows
   */
  predict(rows: readonly TaskRow[]): Promise<Classified[]>;
  predict(row: TaskRow): Promise<Classified>;
  async predict(given: TaskRow | readonly TaskRow[]): Promise<Classified | Classified[]> {
    if (!Array.isArray(given)) return (await this.predict([given as TaskRow]))[0]!;
    const encoded = numbered(KIND, given as readonly TaskRow[]).map((row) => this.columns.encode(row));
    const known = encoded.map((row) => this.columns.checkKnown(row));
    const scores = await this.#scores(encoded);
    return scores.map((row, i) => {
      const probabilities = softmax(row);
      return {
        label: this.labels[largest(row)]!,
        probabilities: Object.fromEntries(this.labels.map((label, c) => [label, probabilities[c]!])),
        known: known[i]!,
      };
    });
  }

  /** Scores of every class, row by row. */
  async #scores(rows: readonly EncodedRow[]): Promise<number[][]> {
    return inBatches(
      rows,
      ({ lists }) => lists[0]!.length,
      async (some) => {
        const x = collate(some, this.columns.fields, { padTo: lengthsToPadTo });
        const { logits } = await this.runtime.predict(this.model, x);
        const V = this.labels.length;
        return some.map((_, b) => [...logits.data.subarray(b * V, (b + 1) * V)]);
      },
    );
  }

  /**
   * Which steps of a row speak for a class, and which against it.
   * @param label default the one that the model says
   */
  async explain(
    row: TaskRow,
    label?: string,
  ): Promise<{ readonly label: string; readonly steps: readonly StepInfluence[] }> {
    const of = label ?? (await this.predict(row)).label;
    const c = this.labels.indexOf(of);
    if (c < 0) throw new OptionError(`explain: ${shown(of)} is no class; there are ${shownNames(this.labels)}`);
    const [only] = numbered(KIND, [row]);
    const x = collate([this.columns.encode(only!)], this.columns.fields);
    const influences = await influencesOf(this.runtime, this.model, x, (logits) => logits.select(c, -1));
    const units = this.columns.units(only!);
    return { label: of, steps: influences.map((step, t) => ({ ...(units && { unit: units[t]! }), ...step })) };
  }
}

/** Columns and settings for rows. @throws DataError, OptionError */
function settingOf(
  { training, validation }: RowParts<TaskRow>,
  options: SequenceClassifierOptions,
): { columns: Columns; setting: Setting } {
  const { label = "label", pooling = "max", embeddingDim = 64, classWeights } = options;
  if (!poolings.includes(pooling))
    throw new OptionError(`${KIND}: pooling is ${shown(pooling)}, expected one of ${poolings.join(", ")}`);
  checkCount(KIND, "embeddingDim", embeddingDim);
  const recurrent = recurrentDefaults(KIND, options, { bidirectional: true });
  const { labels, counts } = labelsOf([...training, ...validation], label);
  const columns = Columns.fit(
    KIND,
    training,
    options.columns ??
      guessColumns(
        training.map(({ row }) => row),
        [label],
      ),
    picked(options, columnNames),
  );
  return {
    columns,
    setting: {
      ...recurrent,
      label,
      pooling,
      embeddingDim,
      labels,
      weights: weightsOf(KIND, classWeights, labels, counts),
    },
  };
}

/** @throws OptionError for what a file must not hold */
function checkSetting(setting: Setting): Setting {
  const { label, pooling, embeddingDim, labels, weights, ...recurrent } = setting;
  checkOptions("setting", recurrent, recurrentNames);
  const isList = Array.isArray(labels) && labels.length > 1 && labels.every((name) => typeof name === "string");
  if (typeof label !== "string" || !poolings.includes(pooling) || !isList)
    throw new OptionError(`setting: label ${shown(label)}, pooling ${shown(pooling)}, labels ${shown(labels)}`);
  checkCount("setting", "embeddingDim", embeddingDim);
  return {
    ...recurrentDefaults("setting", recurrent, { bidirectional: true }),
    label,
    pooling,
    embeddingDim,
    labels,
    weights,
  };
}
