import { checkOptions, FileFormatError, OptionError, shown, Vocabulary } from "../../index.ts";
import type { TaskRow } from "../columns.ts";
import { type ColumnOptions, stringsOf, vocabularyOf } from "../columns.ts";
import type { Numbered } from "../rows.ts";
import { type TextUnit, textOf, textUnits, unitsOf } from "../text-units.ts";

/** The column of texts that a model is to write, and its vocabulary with begin and end. */
export class TargetText {
  readonly column: string;
  readonly unit: TextUnit;
  readonly vocabulary: Vocabulary;
  /** Units of the longest text that it was fitted on. */
  readonly longest: number;

  private constructor(column: string, unit: TextUnit, vocabulary: Vocabulary, longest: number) {
    this.column = column;
    this.unit = unit;
    this.vocabulary = vocabulary;
    this.longest = longest;
  }

  /** @param unit default as `guessUnit` says @throws DataError naming the row */
  static fit(
    who: string,
    rows: readonly Numbered<TaskRow>[],
    column: string,
    { unit = guessUnit(rows, column), ...options }: ColumnOptions & { readonly unit?: TextUnit | undefined },
  ): TargetText {
    checkUnit(`${who}: targetUnit`, unit);
    const lists = rows.map(({ row, at }) => stringsOf(row, column, unit, at));
    const longest = lists.reduce((most, { length }) => Math.max(most, length), 0);
    return new TargetText(column, unit, vocabularyOf(lists, unit, options, ["begin", "end"]), longest);
  }

  /** A row's text, as it is when it is put together of its units. @throws DataError naming the row and the column */
  textOf({ row, at }: Numbered<TaskRow>): string {
    return textOf(stringsOf(row, this.column, this.unit, at), this.unit);
  }

  /** A row's text as what the model reads, which begins with begin, and what it is to say after each, which ends with end. */
  encode({ row, at }: Numbered<TaskRow>): { readonly before: Int32Array; readonly after: Int32Array } {
    const tokens = this.vocabulary.encode(stringsOf(row, this.column, this.unit, at), { begin: true, end: true });
    return { before: tokens.slice(0, -1), after: tokens.slice(1) };
  }

  /** Units of tokens, up to the end token. */
  unitsOf(tokens: ArrayLike<number>): string[] {
    const all = Array.from(tokens);
    const end = all.indexOf(this.vocabulary.special.end!);
    return all.slice(0, end < 0 ? all.length : end).map((token) => this.vocabulary.symbols[token]!);
  }

  toJSON() {
    const { column, unit, vocabulary, longest } = this;
    return { column, unit, vocabulary, longest };
  }

  /** The inverse of `toJSON`. @throws FileFormatError, OptionError */
  static fromJSON(json: unknown): TargetText {
    checkOptions("target", json, ["column", "unit", "vocabulary", "longest"]);
    const { column, unit, longest, vocabulary } = json as Readonly<Record<string, unknown>>;
    checkUnit("target: unit", unit);
    const read = Vocabulary.fromJSON(vocabulary);
    const { begin, end } = read.special;
    const isLength = Number.isSafeInteger(longest) && (longest as number) > 0;
    if (typeof column !== "string" || !isLength || begin === undefined || end === undefined)
      throw new FileFormatError(
        `target: column ${shown(column)}, longest ${shown(longest)}, expected a name and a length, and a vocabulary with begin and end`,
      );
    return new TargetText(column, unit as TextUnit, read, longest as number);
  }
}

/** @throws OptionError */
export function checkUnit(what: string, unit: unknown): void {
  if (!textUnits.includes(unit as TextUnit))
    throw new OptionError(`${what} is ${shown(unit)}, expected one of ${textUnits.join(", ")}`);
}

/** So many rows are looked at to say what a text's units are. */
const LOOKED_AT = 200;
const WORDS_OF_A_SENTENCE = 4;

/**
 * What texts of a column are best cut into: words, where they are sentences (four words of letters or more on average) that can be
 * put together again of their words; else characters.
 */
export function guessUnit(rows: readonly Numbered<TaskRow>[], column: string): TextUnit {
  const texts = rows.slice(0, LOOKED_AT).map(({ row, at }) => stringsOf(row, column, "characters", at).join(""));
  const words = texts.map((text) => unitsOf(text, "words"));
  const count = words.flat().filter((word) => /\p{L}/u.test(word)).length;
  const whole = texts.filter((text, i) => textOf(words[i]!, "words") === text).length;
  return count >= WORDS_OF_A_SENTENCE * texts.length && whole >= 0.9 * texts.length ? "words" : "characters";
}
