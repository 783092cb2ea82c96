import { split } from "../data/split.ts";
import { Vocabulary } from "../data/vocabulary.ts";
import { Windows } from "../data/windows.ts";
import { checkCount, checkOptions, DataError } from "../errors.ts";

/** A text cut for training a character model. */
export interface CharText {
  readonly vocabulary: Vocabulary;
  readonly training: Windows;
  /** Absent when nothing is kept for validation. Fewer rows and shorter windows than training's where the part is short. */
  readonly validation: Windows | undefined;
  /** Characters (code points) in all. */
  readonly length: number;
  /** `textFingerprint` of the text. */
  readonly fingerprint: string;
}

export interface CharTextOptions {
  readonly window: number;
  readonly batch: number;
  /** How much of the text's end is kept for validation; default 0. */
  readonly validationFraction?: number;
  /** Default: the text's own characters. */
  readonly vocabulary?: Vocabulary;
  /** What errors call the text. */
  readonly name?: string;
}

/**
 * Cuts a text into windows for training and validation.
 * @throws DataError when the text is empty, shorter than one window of every row, or has a character that the given
 *   vocabulary lacks; OptionError
 */
export function prepareText(text: string, options: CharTextOptions): CharText {
  checkOptions("prepareText", options, ["window", "batch", "validationFraction", "vocabulary", "name"]);
  const { validationFraction = 0, name = "the text" } = options;
  if (text.length === 0) throw new DataError(`${name} is empty; give a text to train on`);
  const vocabulary = options.vocabulary ?? Vocabulary.fromText(text);
  const window = checkCount("prepareText", "window", options.window);
  const batch = checkCount("prepareText", "batch", options.batch);
  const tokens = vocabulary.encode(text);
  const parts = split(tokens, validationFraction);
  const trainedOn = parts.validation.length > 0 ? `${name}, without the part for validation,` : name;
  return {
    vocabulary,
    training: new Windows(parts.training, { window, batch, name: trainedOn }),
    validation: validationWindows(parts.validation, window, batch),
    length: tokens.length,
    fingerprint: textFingerprint(text),
  };
}

function validationWindows(tokens: Int32Array, window: number, batch: number): Windows | undefined {
  const targets = tokens.length - 1; // every token but the first is one
  if (targets < 1) return undefined;
  const length = Math.min(window, targets);
  return new Windows(tokens, { window: length, batch: Math.min(batch, Math.floor(targets / length)) });
}

/**
 * Tells texts apart, so that training does not go on with another text by mistake: the length in UTF-16 units and two
 * 32-bit FNV-1a hashes over them. It is no protection against a text that is made to look the same.
 */
export function textFingerprint(text: string): string {
  let forward = 0x811c9dc5;
  let other = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    forward = Math.imul(forward ^ unit, 0x01000193);
    // The second one sees the units rotated and in the sum with their place, so that both rarely agree by accident.
    other = Math.imul(other ^ ((unit << 7) + i), 0x01000193);
  }
  const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return `${text.length}-${hex(forward)}${hex(other)}`;
}
