import { checkCount, checkOptions, OptionError, type Runtime, type SavedTraining, shown } from "../../index.ts";
import { type ColumnOptions, Columns, type EncodedRow, type TaskRow } from "../columns.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults, recurrentNames } from "../recurrent-layer.ts";
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
  type TaskFitOptions,
} from "../task.ts";
import type { TaskFit } from "../task-fit.ts";
import type { TextUnit } from "../text-units.ts";
import { type AttentionKind, attentions, Decoder } from "./decoder.ts";
import { type Found, type SearchOptions, searchNames, searchSettings } from "./search.ts";
import { checkUnit, guessUnit, TargetText } from "./target-text.ts";
import { checkTeacherForcing, type TeacherForcing } from "./teacher-forcing.ts";
import { TextReader, type TextReaderSizes } from "./text-reader.ts";
import { epochsOfTexts, learnedTexts, type SourceRow, TextWriter, type Written } from "./text-writer.ts";
import { WriterModel } from "./writer-model.ts";

export interface TranslatorOptions
  extends RecurrentOptionsOfTask,
    Pick<ColumnOptions, "minCount" | "maxVocabulary">,
    LearningOptions {
  /** The column with the text to read; default "source". */
  readonly source?: string;
  /** The column with the text to write; default "target". */
  readonly target?: string;
  /** What the texts to read are cut into; default words where they are sentences, else characters. */
  readonly sourceUnit?: TextUnit;
  /** What the texts to write are cut into; default as for `sourceUnit`. */
  readonly targetUnit?: TextUnit;
  /** How each step of writing looks at the steps that were read; default "additive". */
  readonly attention?: AttentionKind;
  /** Default 1: the true text is what the decoder reads in training. */
  readonly teacherForcing?: TeacherForcing;
  /** Directions of the encoder; default both. */
  readonly bidirectional?: boolean;
  /** Units of a layer and direction; default 128. */
  readonly hiddenSize?: number;
  /** Default 0. */
  readonly dropout?: number;
  /** Numbers that stand for a unit of a text, at most; default 64. */
  readonly embeddingDim?: number;
}

const KIND = "translator";
const NAMES = [
  "source",
  "target",
  "sourceUnit",
  "targetUnit",
  "attention",
  "teacherForcing",
  "embeddingDim",
  "minCount",
  "maxVocabulary",
  ...recurrentNames,
  ...learningNames,
];

/** A translation. */
export interface Translated extends Written {
  /** What of the source the model read. */
  readonly sourceUnits: readonly string[];
  /**
   * How much each target unit looked at each source unit, `[targetUnits][sourceUnits]`; the weights of a target unit sum to 1. Absent
   * without attention.
   */
  readonly attention?: readonly (readonly number[])[];
  /** With `nBest` above 1: the next best translations, best first. */
  readonly alternatives?: readonly Omit<Translated, "alternatives">[];
}

/** The settings that a file holds. */
interface Setting extends TextReaderSizes {
  readonly attention: AttentionKind;
  readonly teacherForcing: TeacherForcing;
}

type Source = EncodedRow & SourceRow;

/** Many to many, unaligned: reads a text and writes another one. */
export class Translator extends TextWriter<Source, WriterModel<TextReader>> {
  readonly columns: Columns;
  protected readonly kind = KIND;
  readonly #setting: Setting;

  private constructor(
    runtime: Runtime,
    { columns, target, setting }: { columns: Columns; target: TargetText; setting: Setting },
    from: LearningOptions | SavedTraining,
  ) {
    const encoder = new TextReader(columns.sizes, setting);
    const { size: vocabulary } = target.vocabulary;
    const { outputSize: encodedSize } = encoder.steps;
    const model = new WriterModel(encoder, new Decoder({ ...setting, vocabulary, encodedSize, joinedSize: 0 }));
    super(runtime, { model, from }, { target, teacherForcing: setting.teacherForcing });
    this.columns = columns;
    this.#setting = setting;
  }

  /**
   * Trains a translator of rows.
   * @throws OptionError; DataError naming the row, before training begins: a missing column, an empty text
   */
  static fit(
    runtime: Runtime,
    rows: readonly TaskRow[],
    options: TranslatorOptions & TaskFitOptions<TaskRow> = {},
  ): TaskFit<Translator> {
    return fitNew(KIND, rows, { epochs: epochsOfTexts, ...options }, (parts) => {
      checkOptions(KIND, options, [...NAMES, ...fitNames]);
      return new Translator(runtime, settingOf(parts, options), { ...learnedTexts, ...picked(options, learningNames) });
    });
  }

  /** @throws FileFormatError for what is no file of a translator */
  static async load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<Translator> {
    const saved = await openTask(bytes, KIND);
    return fromFile(KIND, () => {
      const { columns, target, setting } = saved.metadata;
      const parts = {
        columns: Columns.fromJSON(columns),
        target: TargetText.fromJSON(target),
        setting: checkSetting(setting as Setting),
      };
      return new Translator(runtime, parts, saved);
    });
  }

  protected description() {
    return { columns: this.columns, target: this.target, setting: this.#setting };
  }

  protected get sourceFields() {
    return this.columns.fields;
  }

  protected sourceOf(row: Numbered<TaskRow>): Source {
    const encoded = this.columns.encode(row);
    return { ...encoded, steps: encoded.lists[0]!.length };
  }

  /**
   * Translations of texts.
   * @throws OptionError; DataError for an empty text, or one with nothing in it that the model knows
   */
  translate(texts: readonly string[], options?: SearchOptions): Promise<Translated[]>;
  translate(text: string, options?: SearchOptions): Promise<Translated>;
  async translate(given: string | readonly string[], options: SearchOptions = {}): Promise<Translated | Translated[]> {
    if (typeof given === "string") return (await this.translate([given], options))[0]!;
    const who = `${KIND}: translate`;
    checkOptions(who, options, searchNames);
    const settings = searchSettings(who, options, this.longest);
    const [column] = Object.keys(this.columns.kinds);
    const rows = numbered(who, given, "text").map(({ row, at }) => ({ row: { [column!]: row }, at }));
    const sources = rows.map((row) => this.sourceOf(row));
    for (const source of sources) this.columns.checkKnown(source);
    const found = await this.find(sources, settings);
    return found.map((all, i) => {
      const [best, ...others] = all.map((one) => this.#translated(one, this.columns.units(rows[i]!)!));
      return settings.nBest > 1 ? { ...best!, alternatives: others } : best!;
    });
  }

  #translated(found: Found, sourceUnits: readonly string[]): Translated {
    const written = this.written(found);
    const attention = found.weights
      ?.slice(0, written.targetUnits.length)
      .map((weights) => [...weights.subarray(0, sourceUnits.length)]);
    return { ...written, sourceUnits, ...(attention && { attention }) };
  }
}

/** What is not as in the other tasks. */
const sizes = { hiddenSize: 128, dropout: 0 };

/** @throws DataError, OptionError */
function settingOf({ training }: RowParts<TaskRow>, options: TranslatorOptions) {
  const { source = "source", target = "target", attention = "additive", embeddingDim = 64 } = options;
  const setting = checkSetting({
    ...recurrentDefaults(KIND, { ...sizes, ...picked(options, recurrentNames) }, { bidirectional: true }),
    embeddingDim,
    attention,
    teacherForcing: options.teacherForcing ?? 1,
  });
  const limits = picked(options, ["minCount", "maxVocabulary"]);
  const { sourceUnit = guessUnit(training, source), targetUnit } = options;
  checkUnit(`${KIND}: sourceUnit`, sourceUnit);
  return {
    columns: Columns.fit(KIND, training, { [source]: sourceUnit }, limits),
    target: TargetText.fit(KIND, training, target, { ...limits, unit: targetUnit }),
    setting,
  };
}

/** @throws OptionError */
function checkSetting(setting: Setting): Setting {
  const { embeddingDim, attention, teacherForcing, ...recurrent } = setting;
  checkOptions(KIND, recurrent, recurrentNames);
  if (!attentions.includes(attention))
    throw new OptionError(`${KIND}: attention is ${shown(attention)}, expected one of ${attentions.join(", ")}`);
  checkCount(KIND, "embeddingDim", embeddingDim);
  return {
    ...recurrentDefaults(KIND, recurrent, { bidirectional: true }),
    embeddingDim,
    attention,
    teacherForcing: checkTeacherForcing(KIND, teacherForcing),
  };
}
