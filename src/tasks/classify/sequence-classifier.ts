import { OptionError, type Runtime, type SavedTraining, shown } from "../../index.ts";
import type { Columns, TaskRow } from "../columns.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults, recurrentNames } from "../recurrent-layer.ts";
import type { LearningOptions, TaskFitOptions } from "../task.ts";
import type { TaskFit } from "../task-fit.ts";
import {
  type ClassifierKind,
  type ClassifierOptions,
  type ClassifierParts,
  type ClassifierSetting,
  fitClassifier,
  loadClassifier,
} from "./classifier.ts";
import { ClassifierModel, type ClassifierSizes, type Pooling, poolings } from "./classifier-model.ts";
import { byRow } from "./labels.ts";
import { RowClassifier } from "./row-classifier.ts";

export interface SequenceClassifierOptions extends ClassifierOptions, RecurrentOptionsOfTask {
  /** The column with the class: a string, a number, true or false; default "label". */
  readonly label?: string;
  /** Default both. */
  readonly bidirectional?: boolean;
  /** Of what is embedded, of layers between and of what the class is read from; default 0.5 where a vocabulary has 1000 symbols, else 0.2. */
  readonly dropout?: number;
  /** The last real step (of two directions the first of the other), the mean or the largest of all, or a learned average; default "max". */
  readonly pooling?: Pooling;
}

/** What errors and files call it. */
const KIND = "sequence classifier";
const LARGE_VOCABULARY = 1000;
const OWN = ["pooling", ...recurrentNames] as const;

/** The settings that a file holds. */
interface Setting extends ClassifierSetting, ClassifierSizes {}

/** Many to one: a class for each row, of texts, numbers and categories read step by step. */
export class SequenceClassifier extends RowClassifier<ClassifierModel, Setting> {
  protected readonly kind = KIND;

  static readonly #kind: ClassifierKind<SequenceClassifier, Setting, SequenceClassifierOptions> = {
    name: KIND,
    by: byRow,
    own: OWN,
    ownSetting,
    make: (...made) => new SequenceClassifier(...made),
  };

  private constructor(runtime: Runtime, parts: ClassifierParts<Setting>, from: LearningOptions | SavedTraining) {
    super(runtime, parts, new ClassifierModel(parts.columns.sizes, parts.setting), from);
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
    return fitClassifier(SequenceClassifier.#kind, runtime, rows, options);
  }

  /** @throws FileFormatError for what is no file of a classifier */
  static load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<SequenceClassifier> {
    return loadClassifier(SequenceClassifier.#kind, runtime, bytes);
  }
}

/** The options of this task alone. @throws OptionError */
function ownSetting(
  who: string,
  options: Pick<SequenceClassifierOptions, "pooling"> & RecurrentOptionsOfTask,
  columns?: Columns,
) {
  // Words that are in few texts each would be learned by heart.
  const isLarge = columns?.sizes.some(({ tokens = 0 }) => tokens >= LARGE_VOCABULARY);
  const { pooling = "max", dropout = isLarge ? 0.5 : 0.2 } = options;
  if (!poolings.includes(pooling))
    throw new OptionError(`${who}: pooling is ${shown(pooling)}, expected one of ${poolings.join(", ")}`);
  return { pooling, ...recurrentDefaults(who, { ...options, dropout }, { bidirectional: true }) };
}
