import {
  accuracy,
  batches,
  checkCount,
  checkOptions,
  collate,
  crossEntropy,
  DataError,
  type Field,
  type Module,
  OptionError,
  type Runtime,
  type SavedTraining,
  shown,
  shownNames,
} from "../../index.ts";
import {
  type ColumnKinds,
  type ColumnOptions,
  Columns,
  columnNames,
  type EncodedRow,
  guessColumns,
  lengthsToPadTo,
  type PartOptions,
  type TaskRow,
} from "../columns.ts";
import { inBatches, largest, type Numbered, numbered } from "../rows.ts";
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
import type { TaskFit, Validation } from "../task-fit.ts";
import { byAccuracy, type ClassReport, classReport } from "./class-report.ts";
import { type ClassWeights, type LabelledBy, labelsOf, weightsOf } from "./labels.ts";

/** What all tasks that give classes may be told. */
export interface ClassifierOptions extends ColumnOptions, PartOptions, LearningOptions {
  /** The column with the class, or with a list of them; a class is a string, a number, true or false. */
  readonly label?: string;
  /** What the other columns are; default: as `guessColumns` says. */
  readonly columns?: ColumnKinds;
  /** Numbers that stand for a unit of a text, at most; default 64. */
  readonly embeddingDim?: number;
  /** Default all alike. */
  readonly classWeights?: ClassWeights;
}

const classifierNames: readonly string[] = [
  "label",
  "columns",
  "affixes",
  "ngrams",
  "embeddingDim",
  "classWeights",
  ...columnNames,
  ...learningNames,
];

/** What the file of a classifier holds of its options and classes. */
export interface ClassifierSetting {
  readonly label: string;
  readonly embeddingDim: number;
  /** The classes, in the order of their numbers. */
  readonly labels: readonly string[];
  readonly weights: readonly number[] | null;
}

/** What a classifier is made of besides its weights. */
export interface ClassifierParts<S extends ClassifierSetting> {
  readonly columns: Columns;
  readonly setting: S;
}

/** A row with the numbers of its classes: one, or one for each step. */
export interface Example extends EncodedRow {
  readonly classes: readonly number[];
}

/** What tasks share that give classes, to rows or to steps. */
export abstract class Classifier<M extends Module, S extends ClassifierSetting> extends Task<TaskRow, M> {
  readonly columns: Columns;
  protected readonly metrics = { accuracy: accuracy() };
  protected readonly setting: S;

  /** @param model its outputs are `logits`, `[B,V]` or `[T,B,V]` */
  protected constructor(
    runtime: Runtime,
    { columns, setting }: ClassifierParts<S>,
    model: M,
    from: LearningOptions | SavedTraining,
  ) {
    const { weights } = setting;
    super(runtime, { model, loss: crossEntropy(weights ? { weight: weights } : {}), from });
    this.columns = columns;
    this.setting = setting;
  }

  protected abstract readonly labelled: LabelledBy;
  /** The classes of an example, of V that there are, as the loss gets them. */
  protected abstract target(V: number): Field<Example, Int32Array>;

  /** The classes, in the order of their numbers. */
  get labels(): readonly string[] {
    return this.setting.labels;
  }

  /** The column with the classes. */
  get label(): string {
    return this.setting.label;
  }

  protected description() {
    return { columns: this.columns, setting: this.setting };
  }

  protected batches(rows: readonly Numbered<TaskRow>[], batch: number, seed: number | undefined): TaskBatches {
    return batches(this.examples(rows), {
      x: this.columns.fields,
      target: this.target(this.labels.length),
      batch,
      padTo: lengthsToPadTo,
      bucketByLength: true,
      ...(seed !== undefined && { shuffle: true, seed }),
    });
  }

  protected monitor({ metrics, loss }: Validation): number {
    return byAccuracy(metrics.accuracy!, loss);
  }

  /** @throws DataError for a row that does not fit, or with a class that is none */
  protected examples(rows: readonly Numbered<TaskRow>[]): Example[] {
    const numbers = new Map(this.labels.map((label, c) => [label, c]));
    return rows.map((row) => {
      const encoded = this.columns.encode(row);
      const classes = this.labelled.of(row, this.setting.label).map(({ label, at }) => {
        const found = numbers.get(label);
        if (found !== undefined) return found;
        throw new DataError(
          `${at}: ${this.setting.label} is ${shown(label)}, which was not there in training; the classes are ${shownNames(this.labels)}`,
        );
      });
      return { ...encoded, classes };
    });
  }

  /** Accuracy, precision, recall, F1 and confusions on rows that have classes. @throws DataError as `fit` */
  async evaluate(rows: readonly TaskRow[]): Promise<ClassReport> {
    const { truth, said } = await this.compared(rows);
    return classReport(this.labels, truth.flat(), said.flat());
  }

  /** The classes that rows have, and those that the model says. */
  protected async compared(rows: readonly TaskRow[]) {
    const examples = this.examples(numbered(this.kind, rows));
    const scores = await this.scores(examples);
    return {
      truth: examples.map(({ classes }) => classes),
      said: scores.map((answers) => answers.map(largest)),
    };
  }

  /** Scores of every class, for each answer of each row: one, or one for each step. */
  protected scores(rows: readonly EncodedRow[]): Promise<number[][][]> {
    const lengthOf = ({ lists }: EncodedRow) => lists[0]!.length;
    const V = this.labels.length;
    return inBatches(rows, lengthOf, async (some) => {
      const x = collate(some, this.columns.fields, { padTo: lengthsToPadTo });
      const { logits } = await this.runtime.predict(this.model as Module, x);
      const { shape, data } = logits!;
      return some.map((row, b) =>
        Array.from({ length: shape.length === 3 ? lengthOf(row) : 1 }, (_, t) => {
          const from = (t * some.length + b) * V;
          return [...data.subarray(from, from + V)];
        }),
      );
    });
  }
}

/** Columns for rows, and what all classifiers set. @throws DataError, OptionError */
function classifierParts(
  who: string,
  { training, validation }: RowParts<TaskRow>,
  options: ClassifierOptions,
  by: LabelledBy,
): ClassifierParts<ClassifierSetting> {
  const { label = by.label, embeddingDim = 64, classWeights } = options;
  checkCount(who, "embeddingDim", embeddingDim);
  const all = [...training, ...validation].flatMap((row) => by.of(row, label));
  const { labels, counts } = labelsOf(all, by.what);
  const rows = training.map(({ row }) => row);
  const kinds = options.columns ?? guessColumns(rows, [label]);
  const columns = Columns.fit(who, training, kinds, picked(options, [...columnNames, "affixes", "ngrams"]));
  return { columns, setting: { label, embeddingDim, labels, weights: weightsOf(who, classWeights, labels, counts) } };
}

/** What tells one task that gives classes from another. */
export interface ClassifierKind<T, S extends ClassifierSetting, O extends ClassifierOptions> {
  /** What errors and files call it. */
  readonly name: string;
  readonly by: LabelledBy;
  /** Names of the options that are not of all classifiers: a file has each of them. */
  readonly own: readonly string[];
  /** Options of all classifiers that it does not have. */
  readonly without?: readonly string[];
  /** Its defaults of options that all classifiers have. */
  readonly defaults?: ClassifierOptions;
  /**
   * Its own options with their defaults.
   * @param columns of the rows that it is trained on; absent for a file's setting, which has all options
   * @throws OptionError
   */
  ownSetting(who: string, options: O | S, columns?: Columns): Omit<S, keyof ClassifierSetting>;
  make(runtime: Runtime, parts: ClassifierParts<S>, from: LearningOptions | SavedTraining): T;
}

/** `fit` of a task that gives classes. */
export function fitClassifier<
  T extends Task<TaskRow>,
  S extends ClassifierSetting,
  O extends ClassifierOptions & TaskFitOptions<TaskRow>,
>(
  { name, by, own, without = [], defaults, ownSetting, make }: ClassifierKind<T, S, O>,
  runtime: Runtime,
  rows: readonly TaskRow[],
  options: O,
): TaskFit<T> {
  return fitNew(name, rows, options, (parts) => {
    const shared = classifierNames.filter((option) => !without.includes(option));
    checkOptions(name, options, [...own, ...shared, ...fitNames]);
    const { columns, setting } = classifierParts(name, parts, { ...defaults, ...options }, by);
    const whole = { columns, setting: { ...setting, ...ownSetting(name, options, columns) } as S };
    return make(runtime, whole, picked<LearningOptions, keyof LearningOptions>(options, learningNames));
  });
}

/** `load` of a task that gives classes. @throws FileFormatError for what is no file of it */
export async function loadClassifier<T, S extends ClassifierSetting, O extends ClassifierOptions>(
  { name, own, ownSetting, make }: ClassifierKind<T, S, O>,
  runtime: Runtime,
  bytes: Uint8Array | ArrayBuffer,
): Promise<T> {
  const saved = await openTask(bytes, name);
  return fromFile(name, () => {
    const { columns, setting } = saved.metadata as { columns: unknown; setting: S };
    const checked = { ...checkClassifierSetting(setting, own), ...ownSetting("setting", setting) } as S;
    return make(runtime, { columns: Columns.fromJSON(columns), setting: checked }, saved);
  });
}

const settingNames = ["label", "embeddingDim", "labels", "weights"] as const;

/**
 * The setting of a file: all of it has to be there, and nothing else.
 * @param own names of the task's own settings, which it checks itself
 * @throws OptionError
 */
function checkClassifierSetting(setting: ClassifierSetting, own: readonly string[]): ClassifierSetting {
  const names = [...settingNames, ...own];
  checkOptions("setting", setting, names);
  const missing = names.filter((name) => !Object.hasOwn(setting, name));
  if (missing.length > 0) throw new OptionError(`setting: ${shownNames(missing)} is missing`);
  const { label, embeddingDim, labels, weights } = setting;
  const isList = Array.isArray(labels) && labels.length > 1 && labels.every((name) => typeof name === "string");
  const isWeighed = weights === null || (Array.isArray(weights) && weights.length === labels.length);
  if (typeof label !== "string" || !isList || !isWeighed)
    throw new OptionError(`setting: label ${shown(label)}, labels ${shown(labels)}, weights ${shown(weights)}`);
  checkCount("setting", "embeddingDim", embeddingDim);
  return { label, embeddingDim, labels, weights };
}
