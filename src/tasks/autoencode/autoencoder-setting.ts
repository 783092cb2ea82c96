import { checkCount, checkNumber, checkOptions, checkSwitch } from "../../index.ts";
import { type ColumnKinds, type ColumnOptions, Columns, columnNames, type Scaling, type TaskRow } from "../columns.ts";
import { type RecurrentOptionsOfTask, recurrentDefaults, recurrentNames } from "../recurrent-layer.ts";
import { type LearningOptions, learningNames, picked, type RowParts } from "../task.ts";
import type { AutoencoderSizes } from "./autoencoder-model.ts";
import { codedColumn } from "./coded-column.ts";

export interface SequenceAutoencoderOptions extends RecurrentOptionsOfTask, ColumnOptions, LearningOptions {
  /**
   * The column with the sequences, by name, or by name and kind: `{ name: "characters" }`. Default the only one with steps; texts
   * without spaces are then read by characters.
   */
  readonly column?: string | ColumnKinds;
  /** E: numbers that a sequence becomes. Default 64 for symbols, and 8 for numbers. */
  readonly vectorSize?: number;
  /** Default both. Of the encoder; the decoder has one direction. */
  readonly bidirectional?: boolean;
  /** Numbers that stand for a symbol, at most; default 64. */
  readonly embeddingDim?: number;
  /** Whether the decoder gives the sequence from its end to its beginning (Srivastava et al. 2015); default false. */
  readonly reverse?: boolean;
  /**
   * In training, what the encoder reads is disturbed, and the decoder has to give it undisturbed (Vincent et al. 2008): of symbols
   * the share that becomes the unknown one; of numbers the standard deviation of what is added, in the scaled units. Default 0.1;
   * 0 is an autoencoder without noise.
   */
  readonly noise?: number;
  /**
   * How numbers are scaled, each of a step by itself. Default "range", from 0 to 1: one that hardly ever changes is then a small part
   * of the error, where "standard", mean 0 and deviation 1, would make it as large a part as all others.
   */
  readonly scaling?: Scaling;
  /** Default 0: the noise does what dropout is for. */
  readonly dropout?: number;
}

/** What errors and files call it. */
export const KIND = "sequence autoencoder";
const OWN_NAMES = ["column", "vectorSize", "embeddingDim", "reverse", "noise", "scaling"] as const;
/** All names of options. */
export const NAMES = [...OWN_NAMES, ...recurrentNames, ...columnNames, ...learningNames];

/** The settings that a file holds. */
export interface Setting extends AutoencoderSizes {
  readonly reverse: boolean;
  readonly noise: number;
  /** Steps of the shortest and of the longest row of training. */
  readonly shortest: number;
  readonly longest: number;
}

/** Columns and settings for rows. @throws DataError, OptionError */
export function settingOf(
  { training }: RowParts<TaskRow>,
  options: SequenceAutoencoderOptions,
): { columns: Columns; setting: Setting } {
  const [name, kind] = codedColumn(KIND, training, options.column);
  const columns = Columns.fit(
    KIND,
    training,
    { [name]: kind },
    { scaling: "range", ...picked(options, [...columnNames, "scaling"]) },
  );
  const isText = kind !== "series";
  const lengths = training.map((row) => columns.encode(row).lists[0]!.length);
  const setting = {
    ...recurrentDefaults(KIND, { dropout: 0, ...options }, { bidirectional: true }),
    vectorSize: options.vectorSize ?? (isText ? 64 : 8),
    embeddingDim: options.embeddingDim ?? 64,
    reverse: options.reverse ?? false,
    noise: options.noise ?? 0.1,
    shortest: lengths.reduce((a, b) => Math.min(a, b)),
    longest: lengths.reduce((a, b) => Math.max(a, b)),
  };
  if (isText) checkNumber(KIND, "noise", setting.noise, 0, 1);
  return { columns, setting: checkSetting(setting, KIND) };
}

/** @throws OptionError for what no autoencoder can have */
export function checkSetting(setting: Setting, who = "setting"): Setting {
  const { vectorSize, embeddingDim, reverse, noise, shortest, longest, ...recurrent } = setting;
  checkOptions(who, recurrent, recurrentNames);
  checkCount(who, "vectorSize", vectorSize);
  checkCount(who, "embeddingDim", embeddingDim);
  checkSwitch(who, "reverse", reverse);
  checkNumber(who, "noise", noise, 0);
  checkCount(who, "longest", longest);
  checkCount(who, "shortest", shortest, 1, longest);
  return { ...setting, ...recurrentDefaults(who, recurrent, { bidirectional: true }) };
}
