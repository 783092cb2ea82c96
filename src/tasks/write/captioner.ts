import {
  checkCount,
  checkOptions,
  DataError,
  field,
  Normalizer,
  normalizer,
  OptionError,
  type Runtime,
  type SavedTraining,
  shown,
} from "../../index.ts";
import { type ColumnOptions, cellOf, type TaskRow } from "../columns.ts";
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
import { Decoder } from "./decoder.ts";
import { type Conditioning, conditionings, ImageReader } from "./image-reader.ts";
import {
  type SampleOptions,
  type SearchOptions,
  sampleNames,
  sampleSettings,
  searchNames,
  searchSettings,
} from "./search.ts";
import { TargetText } from "./target-text.ts";
import { checkTeacherForcing, type TeacherForcing } from "./teacher-forcing.ts";
import { epochsOfTexts, learnedTexts, TextWriter, type Written } from "./text-writer.ts";
import { WriterModel } from "./writer-model.ts";

export interface CaptionerOptions
  extends Omit<RecurrentOptionsOfTask, "bidirectional">,
    Pick<ColumnOptions, "minCount" | "maxVocabulary">,
    LearningOptions {
  /** The column with the vector, a list of as many numbers in each row; default "image". */
  readonly image?: string;
  /** The column with the text to write; default "caption". */
  readonly caption?: string;
  /** What the texts are cut into; default words where they are sentences, else characters. */
  readonly unit?: TextUnit;
  /** The vector joins the input of every step ("input", default), or becomes the decoder's first state ("state"). */
  readonly conditioning?: Conditioning;
  /** Units of a layer, of the decoder and of the one that reads the vector; default 128. */
  readonly hiddenSize?: number;
  /** Default 1: the true text is what the decoder reads in training. */
  readonly teacherForcing?: TeacherForcing;
  /** Numbers that stand for a unit of a text; default 64. */
  readonly embeddingDim?: number;
}

const KIND = "captioner";
const layerNames = recurrentNames.filter((name) => name !== "bidirectional");
const NAMES = [
  "image",
  "caption",
  "unit",
  "conditioning",
  "teacherForcing",
  "embeddingDim",
  "minCount",
  "maxVocabulary",
  ...layerNames,
  ...learningNames,
];

/** A vector or an image, flat: one number after the other. */
export type Vector = Float32Array | Float64Array | readonly number[];

/** A caption, with the next best ones where `nBest` is above 1. */
export interface Captioned extends Written {
  /** With `nBest` above 1: the next best captions, best first. */
  readonly alternatives?: readonly Written[];
}

/** The settings that a file holds. */
interface Setting extends Required<RecurrentOptionsOfTask> {
  readonly image: string;
  readonly conditioning: Conditioning;
  readonly teacherForcing: TeacherForcing;
  readonly embeddingDim: number;
}

interface Source {
  readonly steps: number;
  readonly image: readonly number[];
}

/** One to many: reads a vector or an image and writes a text about it. */
export class Captioner extends TextWriter<Source, WriterModel<ImageReader>> {
  protected readonly kind = KIND;
  readonly #setting: Setting;
  readonly #scale: Normalizer;

  private constructor(
    runtime: Runtime,
    { scale, target, setting }: { scale: Normalizer; target: TargetText; setting: Setting },
    from: LearningOptions | SavedTraining,
  ) {
    const encoder = new ImageReader({ ...setting, features: scale.features });
    const { size: vocabulary } = target.vocabulary;
    const { joinedSize } = encoder;
    const decoder = new Decoder({ ...setting, vocabulary, attention: "none", encodedSize: 0, joinedSize });
    super(runtime, { model: new WriterModel(encoder, decoder), from }, { ...setting, target });
    this.#setting = setting;
    this.#scale = scale;
  }

  /**
   * Trains a captioner of rows.
   * @throws OptionError; DataError naming the row, before training begins: a missing column, vectors of different lengths, NaN, an
   *   empty text
   */
  static fit(
    runtime: Runtime,
    rows: readonly TaskRow[],
    options: CaptionerOptions & TaskFitOptions<TaskRow> = {},
  ): TaskFit<Captioner> {
    return fitNew(KIND, rows, { epochs: epochsOfTexts, ...options }, (parts) => {
      checkOptions(KIND, options, [...NAMES, ...fitNames]);
      return new Captioner(runtime, settingOf(parts, options), { ...learnedTexts, ...picked(options, learningNames) });
    });
  }

  /** @throws FileFormatError for what is no file of a captioner */
  static async load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<Captioner> {
    const saved = await openTask(bytes, KIND);
    return fromFile(KIND, () => {
      const { scale, target, setting } = saved.metadata;
      const parts = {
        scale: Normalizer.fromJSON(scale),
        target: TargetText.fromJSON(target),
        setting: checkSetting(setting as Setting),
      };
      return new Captioner(runtime, parts, saved);
    });
  }

  protected description() {
    return { scale: this.#scale, target: this.target, setting: this.#setting };
  }

  /** The column with the vector. */
  get column(): string {
    return this.#setting.image;
  }

  protected get sourceFields() {
    return { image: field.numbers(({ image }: Source) => image) };
  }

  protected sourceOf(row: Numbered<TaskRow>): Source {
    const image = vectorOf(row, this.#setting.image, this.#scale.features);
    return { steps: 1, image: this.#scale.apply(image) };
  }

  /**
   * Captions of vectors: the likeliest, or, with `samples`, some that are drawn, in the order in which they were. The same seed draws
   * the same captions of a vector, alone or among others.
   * @throws OptionError; DataError for a vector of another length than those of the training, or NaN
   */
  caption(vector: Vector, options: SampleOptions): Promise<Written[]>;
  caption(vectors: readonly Vector[], options: SampleOptions): Promise<Written[][]>;
  caption(vector: Vector, options?: SearchOptions): Promise<Captioned>;
  caption(vectors: readonly Vector[], options?: SearchOptions): Promise<Captioned[]>;
  async caption(
    given: Vector | readonly Vector[],
    options: SampleOptions | SearchOptions = {},
  ): Promise<Written[] | Written[][] | Captioned | Captioned[]> {
    const who = `${KIND}: caption`;
    const isDrawn = "samples" in options;
    checkOptions(who, options, isDrawn ? sampleNames : searchNames);
    const settings = isDrawn ? sampleSettings(who, options, this.longest) : searchSettings(who, options, this.longest);
    const isOne = typeof given[0] === "number";
    const rows = numbered(who, isOne ? [given] : (given as readonly Vector[]), "vector");
    const { image } = this.#setting;
    const sources = rows.map(({ row, at }) => this.sourceOf({ row: { [image]: row }, at }));
    const found = await this.find(sources, settings);
    const captions = found.map((all) => {
      const [best, ...others] = all.map((one) => this.written(one));
      if (isDrawn) return [best!, ...others];
      return settings.nBest > 1 ? { ...best!, alternatives: others } : best!;
    });
    return isOne ? captions[0]! : (captions as Captioned[]);
  }
}

/** @throws DataError, OptionError */
function settingOf({ training }: RowParts<TaskRow>, options: CaptionerOptions) {
  const { image = "image", caption = "caption", conditioning = "input", embeddingDim = 64, hiddenSize = 128 } = options;
  const setting = checkSetting({
    ...recurrentDefaults(KIND, { ...picked(options, layerNames), hiddenSize }, { bidirectional: false }),
    image,
    conditioning,
    embeddingDim,
    teacherForcing: options.teacherForcing ?? 1,
  });
  const width = vectorOf(training[0]!, image).length;
  const vectors = training.map((row) => ({ vector: vectorOf(row, image, width) }));
  return {
    scale: normalizer(vectors, field.numbers("vector")),
    target: TargetText.fit(KIND, training, caption, {
      ...picked(options, ["minCount", "maxVocabulary"]),
      unit: options.unit,
    }),
    setting,
  };
}

/** @throws OptionError */
function checkSetting(setting: Setting): Setting {
  const { image, conditioning, embeddingDim, teacherForcing, ...recurrent } = setting;
  checkOptions(KIND, recurrent, recurrentNames);
  if (typeof image !== "string") throw new OptionError(`${KIND}: image is ${shown(image)}, expected a column's name`);
  if (!conditionings.includes(conditioning))
    throw new OptionError(
      `${KIND}: conditioning is ${shown(conditioning)}, expected one of ${conditionings.join(", ")}`,
    );
  checkCount(KIND, "embeddingDim", embeddingDim);
  return {
    ...recurrentDefaults(KIND, recurrent, { bidirectional: false }),
    image,
    conditioning,
    embeddingDim,
    teacherForcing: checkTeacherForcing(KIND, teacherForcing),
  };
}

/** A row's vector. @param width how many numbers it has; default any @throws DataError */
function vectorOf({ row, at }: Numbered<TaskRow>, column: string, width?: number): readonly number[] {
  const value = cellOf(row, column);
  const list = Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as ArrayLike<unknown>) : [];
  if (list.length === 0)
    throw new DataError(`${at}: ${column} is ${shown(value)}, expected a list of numbers with at least one`);
  if (width !== undefined && list.length !== width)
    throw new DataError(`${at}: ${column} has ${list.length} numbers, expected ${width}, as in the other rows`);
  const wrong = list.findIndex((number) => !Number.isFinite(number));
  if (wrong >= 0)
    throw new DataError(
      `${at}: ${column}[${wrong}] is ${shown(list[wrong])}, expected a finite number; images are flat lists, row after row of pixels`,
    );
  return list as number[];
}
