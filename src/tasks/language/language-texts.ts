import { type AnyBatch, batches, checkNumber, DataError, field, OptionError, shown, Vocabulary } from "../../index.ts";
import { lengthsToPadTo } from "../columns.ts";
import { type Numbered, numbered } from "../rows.ts";
import type { Divide, TaskBatches } from "../task.ts";
import { type TextUnit, unitsOf } from "../text-units.ts";

/** Special tokens of texts: of sentences also the end. They come first in a vocabulary, and only the end is ever written. */
export const specialOf = (sentences: boolean) =>
  sentences ? (["unknown", "begin", "end"] as const) : (["unknown", "begin"] as const);

/** So many tokens at the beginning of a vocabulary are never written. */
export const SILENT = 2;

/** A text's units; none where it is empty. @param name what errors call it @throws OptionError for what is no text */
export function unitsBefore(name: string, text: string, of: TextUnit): readonly string[] {
  if (typeof text === "string") return unitsOf(text, of);
  throw new OptionError(`${name} is ${shown(text)}, expected a text`);
}

/** A text as units, at least one. @throws DataError */
export function unitsOfText({ row, at }: Numbered<string>, of: TextUnit): readonly string[] {
  if (typeof row !== "string") throw new DataError(`${at} is ${shown(row)}, expected a text`);
  const units = unitsOf(row, of);
  if (units.length > 0) return units;
  throw new DataError(`${at} is empty: ${shown(row)} has no ${of}; leave it out`);
}

/** Words from here on are learned if they are there twice. */
const MANY_WORDS = 10_000;

/** @throws DataError naming the row, OptionError */
export function vocabularyOf(
  texts: readonly Numbered<string>[],
  of: TextUnit,
  options: { readonly sentences: boolean; readonly minCount?: number; readonly maxVocabulary?: number },
): Vocabulary {
  const lists = texts.map((text) => unitsOfText(text, of));
  const units = lists.reduce((sum, list) => sum + list.length, 0);
  const { sentences, minCount = of === "words" && units >= MANY_WORDS ? 2 : 1, maxVocabulary = 20_000 } = options;
  const special = specialOf(sentences);
  return Vocabulary.fromTexts(lists, { of: "words", special, minCount, maxSize: maxVocabulary });
}

/** A text as a model reads it: what stands before each token, and the tokens. */
export interface EncodedText {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
}

/** A begin token stands in front; of a sentence the end is among the targets. */
export function encodedText(units: readonly string[], vocabulary: Vocabulary): EncodedText {
  const { begin, end } = vocabulary.special;
  const targets = vocabulary.encode(units, { end: end !== undefined });
  const inputs = new Int32Array(targets.length);
  inputs[0] = begin!;
  inputs.set(targets.subarray(0, -1), 1);
  return { inputs, targets };
}

/** Sentences as padded batches, those of similar length together. @param seed of each epoch's order; undefined: as they come */
export const sentenceBatches = (texts: readonly EncodedText[], batch: number, seed: number | undefined): TaskBatches =>
  batches(texts, {
    x: field.tokens((text: EncodedText) => text.inputs),
    target: field.labels((text: EncodedText) => text.targets),
    batch,
    padTo: lengthsToPadTo,
    bucketByLength: true,
    ...(seed !== undefined && { shuffle: true, seed }),
  });

/** What a loss does not count. */
const IGNORED = -100;

/**
 * One text as windows for truncated back-propagation through time. It is cut into B rows, and window s reads positions s·T to
 * s·T+T-1 of every row, with the state that the window before left. Unlike `Windows`, a row begins with the begin token and
 * its last window is padded, so that every token of the text is a target once.
 */
export function streamBatches(
  { inputs, targets }: EncodedText,
  { rows: B, window }: { readonly rows: number; readonly window: number },
): TaskBatches {
  const perRow = Math.ceil(targets.length / B);
  const T = Math.min(window, lengthsToPadTo.find((padded) => padded >= perRow) ?? window);
  const length = Math.ceil(perRow / T);
  const at = (s: number): AnyBatch => {
    const x = new Int32Array(T * B).fill(inputs[0]!);
    const target = new Int32Array(T * B).fill(IGNORED);
    for (let b = 0; b < B; b++) {
      const from = b * perRow + s * T;
      const to = Math.min(from + T, (b + 1) * perRow, targets.length);
      for (let i = from; i < to; i++) {
        const place = (i - from) * B + b;
        if (i > b * perRow) x[place] = inputs[i]!;
        target[place] = targets[i]!;
      }
    }
    return { x: { shape: [T, B], data: x }, target: { shape: [T, B], data: target }, resetState: s === 0 };
  };
  return {
    length,
    *epoch() {
      for (let s = 0; s < length; s++) yield at(s);
    },
  };
}

/** One after the other. */
export const inTurn = (all: readonly TaskBatches[]): TaskBatches => ({
  length: all.reduce((sum, { length }) => sum + length, 0),
  *epoch(epoch) {
    for (const each of all) yield* each.epoch(epoch);
  },
});

/** Texts shorter than this are not divided. */
const SHORT = 200;

/** Keeps the end of one text apart to measure on. */
export const dividedStream: Divide<string> = (who, rows, validation) => {
  const [text] = rows as readonly [string];
  const all = { row: text, at: "the text" };
  unitsOfText(all, "characters");
  if (Array.isArray(validation)) {
    const held = validation as readonly string[];
    return { training: [all], validation: held.length > 0 ? numbered(who, held, "validation text") : [] };
  }
  const share = checkNumber(who, "validation", validation ?? (text.length < SHORT ? 0 : 0.1), 0, 0.9) as number;
  const cut = cutAt(text, Math.floor(text.length * (1 - share)));
  const held = { row: text.slice(cut), at: "the last part of the text" };
  return { training: [{ ...all, row: text.slice(0, cut) }], validation: held.row.trim() === "" ? [] : [held] };
};

/** The next place behind a space, so that no word is cut; where there is none, between two characters. */
function cutAt(text: string, at: number): number {
  const space = text.slice(at).search(/\s/u);
  if (space >= 0) return at + space + 1;
  const isWithin = (text.codePointAt(at - 1) ?? 0) > 0xffff;
  return isWithin ? at + 1 : at;
}
