import { checkOptions, OptionError, type Runtime, type SavedTraining, shown } from "../../index.ts";
import { Columns, type TaskRow } from "../columns.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults, recurrentNames } from "../recurrent-layer.ts";
import {
  fitNames,
  fitNew,
  fromFile,
  type LearningOptions,
  learningNames,
  picked,
  readTask,
  type TaskFitOptions,
} from "../task.ts";
import type { TaskFit } from "../task-fit.ts";
import {
  type ClassifierOptions,
  type ClassifierParts,
  type ClassifierSetting,
  checkClassifierSetting,
  classifierNames,
  classifierParts,
} from "./classifier.ts";
import { ClassifierModel, type ClassifierSizes, type Pooling, poolings } from "./classifier-model.ts";
import { byRow } from "./labels.ts";
import { RowClassifier } from "./row-classifier.ts";

export interface SequenceClassifierOptions extends ClassifierOptions, RecurrentOptionsOfTask {
  /** The column with the class: a string, a number, true or false; default "label". */
  readonly label?: string;
  /** Default both. */
  readonly bidirectional?: boolean;
  /** The last real step (of two directions the first of the other), the mean or the largest of all, or a learned average; default "max". */
  readonly pooling?: Pooling;
}

/** What errors and files call it. */
const KIND = "sequence classifier";
const OWN = ["pooling", ...recurrentNames] as const;

/** The settings that a file holds. */
interface Setting extends ClassifierSetting, ClassifierSizes {}

/** Many to one: a class for each row, of texts, numbers and categories read step by step. */
export class SequenceClassifier extends RowClassifier<ClassifierModel, Setting> {
  protected readonly kind = KIND;

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
    return fitNew(KIND, rows, options, (parts) => {
      checkOptions(KIND, options, [...OWN, ...classifierNames, ...fitNames]);
      const own = ownSetting(KIND, options);
      const { columns, setting } = classifierParts(KIND, parts, options, byRow);
      const made = { columns, setting: { ...setting, ...own } };
      return new SequenceClassifier(runtime, made, picked(options, learningNames));
    });
  }

  /** @throws FileFormatError for what is no file of a classifier */
  static load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): SequenceClassifier {
    const saved = readTask(bytes, KIND);
    return fromFile(KIND, () => {
      const { columns, setting } = saved.metadata as { columns: unknown; setting: Setting };
      const checked = { ...checkClassifierSetting(setting, OWN), ...ownSetting("setting", setting) };
      return new SequenceClassifier(runtime, { columns: Columns.fromJSON(columns), setting: checked }, saved);
    });
  }
}

/** The options of this task alone. @throws OptionError */
function ownSetting(who: string, options: Pick<SequenceClassifierOptions, "pooling"> & RecurrentOptionsOfTask) {
  const { pooling = "max" } = options;
  if (!poolings.includes(pooling))
    throw new OptionError(`${who}: pooling is ${shown(pooling)}, expected one of ${poolings.join(", ")}`);
  return { pooling, ...recurrentDefaults(who, options, { bidirectional: true }) };
}
