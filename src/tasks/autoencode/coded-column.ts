import { DataError, OptionError, shown, shownNames } from "../../index.ts";
import { type Column, type ColumnKind, type ColumnKinds, cellOf, guessColumns, type TaskRow } from "../columns.ts";
import type { Numbered } from "../rows.ts";
import { type TextUnit, textOf } from "../text-units.ts";

/** What a vector is decoded to: a text, a list of tokens, or numbers (vectors, where a step has several numbers). */
export type Decoded = string | readonly string[] | readonly number[] | readonly (readonly number[])[];

/** Kinds of columns with steps, of which there is one at each. */
const sequences: readonly ColumnKind[] = ["words", "characters", "jamo", "tokens", "series"];

/**
 * The one column that is read, and what it is.
 * @param given its name, or its name and kind; default the only column with steps
 * @throws OptionError for a kind without steps, or several columns; DataError where there is none
 */
export function codedColumn(
  who: string,
  numbered: readonly Numbered<TaskRow>[],
  given: string | ColumnKinds | undefined,
): readonly [string, ColumnKind] {
  if (typeof given === "object" && given !== null) {
    const [one, ...others] = Object.entries(given);
    if (one && others.length === 0 && sequences.includes(one[1])) return one;
    throw new OptionError(
      `${who}: column is ${shown(given)}, expected one column and its kind, of ${sequences.join(", ")}`,
    );
  }
  const without = numbered.find(({ row }) => given !== undefined && cellOf(row, given) === undefined);
  if (without) throw new DataError(`${without.at} has no column ${shown(given)}: it is ${shown(without.row)}`);
  const rows = numbered.map(({ row }) => (given === undefined ? row : { [given]: cellOf(row, given) }));
  const guessed = Object.entries(guessColumns(rows)).map(([name, kind]) => [name, kindOf(rows, name, kind)] as const);
  const found = guessed.filter(([, kind]) => sequences.includes(kind));
  if (found.length === 1) return found[0]!;
  const columns = shownNames(guessed.map(([name, kind]) => `${name} (${kind})`));
  if (found.length === 0)
    throw new DataError(`${who}: there is no column of texts, tokens or numbers in steps, but ${columns}`);
  throw new OptionError(`${who}: there are several columns, ${columns}; say which one is to be read: { column: "…" }`);
}

/** Texts without spaces are read by their characters: one word would be the whole text. */
function kindOf(rows: readonly TaskRow[], name: string, kind: ColumnKind): ColumnKind {
  if (kind !== "words" && kind !== "category") return kind;
  const texts = rows.map((row) => cellOf(row, name)).filter((value) => typeof value === "string");
  if (texts.length === 0) return kind;
  return texts.some((text) => /\s/.test(text.trim())) ? "words" : "characters";
}

/** Tokens, or scaled vectors, as what rows have in the column. */
export function decoded({ kind, vocabulary, normalizer }: Column, list: readonly (number | number[])[]): Decoded {
  if (!vocabulary) {
    const vectors = normalizer!.invert(list as number[][]);
    return normalizer!.features === 1 ? vectors.flat() : vectors;
  }
  const units = (list as number[]).map((token) =>
    token === vocabulary.special.unknown ? "\uFFFD" : vocabulary.symbols[token]!,
  );
  return kind === "tokens" ? units : textOf(units, kind as TextUnit);
}
