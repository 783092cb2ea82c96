import { DataError, OptionError, shown, Vocabulary } from "../index.ts";
import { type TextUnit, unitsOf } from "./text-units.ts";

/** A text, or one that is cut into units already. */
export type NGramText = string | readonly string[];

/** How special tokens are written in texts that are cut already, in contexts, and as a unit. */
const named: ReadonlyMap<string, "padding" | "unknown" | "begin" | "end"> = new Map([
  ["<pad>", "padding"],
  ["<unk>", "unknown"],
  ["<s>", "begin"],
  ["</s>", "end"],
]);

/**
 * A text's units.
 * @param name what errors call it, such as "row 3"
 * @throws DataError for what is no text, or has no unit
 */
export function cutText(who: string, name: string, text: unknown, of: TextUnit): readonly string[] {
  const isText = typeof text === "string";
  if (!isText && !(Array.isArray(text) && text.every((unit) => typeof unit === "string" && unit !== "")))
    throw new DataError(`${who}: ${name} is ${shown(text)}, expected a text, or a list of ${of}`);
  const units = isText ? unitsOf(text, of) : text;
  if (units.length === 0) throw new DataError(`${who}: ${name} is ${shown(text)}, which has no ${of}; leave it out`);
  return units;
}

/** Each text's units. One text is a list of one. @throws DataError naming the row */
export function cutTexts(who: string, texts: unknown, of: TextUnit): (readonly string[])[] {
  if (typeof texts === "string") return [cutText(who, "the text", texts, of)];
  if (!Array.isArray(texts)) throw new DataError(`${who}: the texts are ${shown(texts)}, expected a text or a list`);
  if (texts.length === 0) throw new DataError(`${who}: there are no texts`);
  return texts.map((text, row) => cutText(who, `row ${row}`, text, of));
}

/** The vocabulary of texts. @throws DataError for a special token that a model of sentences puts there itself */
export function vocabularyOf(
  who: string,
  rows: readonly (readonly string[])[],
  options: { readonly minCount: number; readonly maxSize?: number | undefined; readonly sentences: boolean },
): Vocabulary {
  const { minCount, maxSize, sentences } = options;
  const plain = rows.map((units, row) => {
    const special = units.find((unit) => named.has(unit) && unit !== "<unk>");
    if (special !== undefined)
      throw new DataError(
        `${who}: row ${row} has the unit ${shown(special)}, which the model puts there itself; leave it out`,
      );
    return units.includes("<unk>") ? units.filter((unit) => unit !== "<unk>") : units;
  });
  return Vocabulary.fromTexts(plain, {
    special: sentences ? ["unknown", "begin", "end"] : ["unknown"],
    minCount,
    ...(maxSize !== undefined && { maxSize }),
  });
}

/**
 * Units as tokens, special ones by their names.
 * @throws OptionError for a special token that the vocabulary does not have; DataError for a unit that it does not have, where it
 *   has no unknown token
 */
export function tokensOf(who: string, vocabulary: Vocabulary, units: readonly string[]): Int32Array {
  if (!units.some((unit) => named.has(unit))) return vocabulary.encode(units);
  return Int32Array.from(units, (unit) => {
    const name = named.get(unit);
    if (name === undefined) return vocabulary.encode([unit])[0]!;
    const token = vocabulary.special[name];
    if (token === undefined)
      throw new OptionError(`${who}: ${shown(unit)} is asked for, and the model's vocabulary has no ${name} token`);
    return token;
  });
}

/** Rows behind each other, as sentences: n-1 begin tokens in front of each, an end token behind; or as they are. */
export function streamOf(rows: readonly ArrayLike<number>[], n: number, { special }: Vocabulary, sentences: boolean) {
  const front = sentences ? n - 1 : 0;
  const around = sentences ? n : 0;
  const stream = new Int32Array(rows.reduce((sum, row) => sum + row.length + around, 0));
  let at = 0;
  for (const row of rows) {
    if (sentences) stream.fill(special.begin!, at, at + front);
    stream.set(row, at + front);
    at += front + row.length;
    if (sentences) stream[at++] = special.end!;
  }
  return stream;
}
