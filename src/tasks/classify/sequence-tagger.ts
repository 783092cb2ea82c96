import {
  checkOptions,
  DataError,
  field,
  Linear,
  Module,
  OptionError,
  type Runtime,
  type SavedTraining,
  type SessionOptions,
  type Tensor,
} from "../../index.ts";
import type { ColumnSize, TaskRow } from "../columns.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults, recurrentNames } from "../recurrent-layer.ts";
import { type Numbered, numbered } from "../rows.ts";
import { StepEncoder, type StepInputs } from "../step-encoder.ts";
import type { LearningOptions, TaskFitOptions } from "../task.ts";
import type { TaskFit } from "../task-fit.ts";
import { type ClassReport, classReport } from "./class-report.ts";
import {
  Classifier,
  type ClassifierKind,
  type ClassifierOptions,
  type ClassifierParts,
  type ClassifierSetting,
  type Example,
  fitClassifier,
  loadClassifier,
} from "./classifier.ts";
import { byStep } from "./labels.ts";
import { classOf } from "./row-classifier.ts";
import { stepInputs, type TaggedStep, TagStream } from "./tag-stream.ts";

export interface SequenceTaggerOptions extends Omit<ClassifierOptions, "maxLength" | "ngrams">, RecurrentOptionsOfTask {
  /** The column with a list of classes, one for each step: strings, numbers, true or false; default "tags". */
  readonly label?: string;
  /** Default both; a stream needs one. */
  readonly bidirectional?: boolean;
}

/** What errors and files call it. */
const KIND = "sequence tagger";
/** Two Hangul syllables. */
const AFFIXES = 5;

interface Setting extends ClassifierSetting, Required<RecurrentOptionsOfTask> {}

/** A step of a row, and what a tagger says of it. */
export interface Tagged extends TaggedStep {
  /** The word or token, where there is one. */
  readonly unit?: string;
}

export interface TaggerReport extends ClassReport {
  /** The share of the rows in which every step is right. */
  readonly rowAccuracy: number;
}

class TaggerModel extends Module {
  readonly encoder: StepEncoder;
  readonly head: Linear;

  constructor(columns: readonly ColumnSize[], setting: Setting) {
    super();
    this.encoder = new StepEncoder(columns, setting.embeddingDim, setting);
    this.head = new Linear({ inFeatures: this.encoder.outputSize, outFeatures: setting.labels.length });
  }

  /** @param x a stream has no lengths, and goes on from its state */
  forward(x: StepInputs, before?: Readonly<Record<string, Tensor>>) {
    const { lengths }: { readonly lengths?: Tensor } = x;
    const { output, state } = this.encoder.forward(this.encoder.embed(x), before, lengths && { lengths });
    return { logits: this.head.forward(output), ...(lengths ? {} : { state }) };
  }
}

/** Many to many, aligned: a class for each step of a row, of words or of frames of numbers. */
export class SequenceTagger extends Classifier<TaggerModel, Setting> {
  protected readonly kind = KIND;
  protected readonly labelled = byStep;

  static readonly #kind: ClassifierKind<SequenceTagger, Setting, SequenceTaggerOptions> = {
    name: KIND,
    by: byStep,
    own: recurrentNames,
    // A row that is cut would have steps without a class, and a step that is pushed to a stream knows no letters before it.
    without: ["maxLength", "ngrams"],
    defaults: { affixes: AFFIXES },
    ownSetting: (who, options) => recurrentDefaults(who, options, { bidirectional: true }),
    make: (...made) => new SequenceTagger(...made),
  };

  private constructor(runtime: Runtime, parts: ClassifierParts<Setting>, from: LearningOptions | SavedTraining) {
    super(runtime, parts, new TaggerModel(parts.columns.sizes, parts.setting), from);
  }

  /**
   * Trains a tagger of rows.
   * @param rows plain objects with the same columns, one of them the list of classes
   * @throws OptionError; DataError naming the row, before training begins: a missing column, another number of classes than of
   *   steps, NaN, one class for all
   */
  static fit(
    runtime: Runtime,
    rows: readonly TaskRow[],
    options: SequenceTaggerOptions & TaskFitOptions<TaskRow> = {},
  ): TaskFit<SequenceTagger> {
    return fitClassifier(SequenceTagger.#kind, runtime, rows, options);
  }

  /** @throws FileFormatError for what is no file of a tagger */
  static load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<SequenceTagger> {
    return loadClassifier(SequenceTagger.#kind, runtime, bytes);
  }

  protected target(V: number) {
    return field.labels(({ classes }: Example) => classes, V);
  }

  protected override examples(rows: readonly Numbered<TaskRow>[]): Example[] {
    const examples = super.examples(rows);
    for (const { at, classes, lists } of examples) {
      const steps = lists[0]!.length;
      if (classes.length !== steps)
        throw new DataError(
          `${at}: ${this.setting.label} has ${classes.length} classes, and the row has ${steps} steps; give one for each`,
        );
    }
    return examples;
  }

  /** As that of every classifier, over steps, and how many rows are wholly right. @throws DataError as `fit` */
  override async evaluate(rows: readonly TaskRow[]): Promise<TaggerReport> {
    const { truth, said } = await this.compared(rows);
    const right = truth.filter((classes, i) => classes.every((c, t) => c === said[i]![t])).length;
    return { ...classReport(this.labels, truth.flat(), said.flat()), rowAccuracy: right / truth.length };
  }

  /**
   * Classes of the steps of rows, with their probabilities. A row need not be whole: this tags a sentence while it is typed.
   * @throws DataError for a row that does not fit, or a text with nothing in it that the model knows
   */
  predict(rows: readonly TaskRow[]): Promise<Tagged[][]>;
  predict(row: TaskRow): Promise<Tagged[]>;
  async predict(given: TaskRow | readonly TaskRow[]): Promise<Tagged[] | Tagged[][]> {
    if (!Array.isArray(given)) return (await this.predict([given as TaskRow]))[0]!;
    const rows = numbered(KIND, given as readonly TaskRow[]);
    const encoded = rows.map((row) => this.columns.encode(row));
    for (const row of encoded) this.columns.checkKnown(row);
    const scores = await this.scores(encoded);
    return scores.map((steps, i) => {
      const units = this.columns.units(rows[i]!);
      return steps.map((step, t) => ({ ...(units && { unit: units[t]! }), ...classOf(this.labels, step) }));
    });
  }

  /**
   * Tags what comes in step by step, at once: each step knows those before it.
   * @param options.on where it computes, as of a session
   * @throws OptionError for a model of both directions, which needs the whole row
   */
  async stream(options: Pick<SessionOptions, "on"> = {}): Promise<TagStream> {
    checkOptions(`${KIND}: stream`, options, ["on"]);
    if (this.setting.bidirectional)
      throw new OptionError(
        `${KIND}: stream: the model reads rows in both directions, and a stream has no end yet; train one with bidirectional: false, or predict what there is`,
      );
    const session = await this.runtime.session(this.model, { inputs: stepInputs(this.columns), ...options });
    return new TagStream(session, this.columns, this.labels);
  }
}
