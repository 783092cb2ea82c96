import { DataError, OptionError, shown, Vocabulary } from "../../index.ts";
import { type TextUnit, unitsOf } from "../text-units.ts";

/** A text, or one that is cut into units already. */
export type NGramText = string | readonly string[];

const UNKNOWN = "<unk>";

/** How special tokens are written in texts that are cut already, in contexts, and as a unit. */
const named: ReadonlyMap<string, "padding" | "unknown" | "begin" | "end"> = new Map([
  ["<pad>", "padding"],
  [UNKNOWN, "unknown"],
  ["<s>", "begin"],
  ["</s>", "end"],
]);

/**
 * A context's units, special tokens among them; none where it is empty.
 * @param name what errors call it, such as "the context"
 * @throws DataError for what is no text, nor a list of units
 */
export function cutContext(who: string, name: string, text: unknown, of: TextUnit): readonly string[] {
  if (typeof text === "string") return unitsOf(text, of);
  if (Array.isArray(text) && text.every((unit) => typeof unit === "string" && unit !== "")) return text;
  throw new DataError(`${who}: ${name} is ${shown(text)}, expected a text, or a list of ${of}`);
}

/** A text's units, at least one. @throws DataError also for special tokens but the unknown one */
export function cutText(who: string, name: string, text: unknown, of: TextUnit): readonly string[] {
  const units = cutContext(who, name, text, of);
  if (units.length === 0) throw new DataError(`${who}: ${name} is ${shown(text)}, which has no ${of}; leave it out`);
  const special = units.find((unit) => named.has(unit) && unit !== UNKNOWN);
  if (special !== undefined)
    throw new DataError(`${who}: ${name} has ${shown(special)}, which the model puts there itself; leave it out`);
  return units;
}

/** Each text's units. One text is a list of one. @throws DataError naming the row */
export function cutTexts(who: string, texts: unknown, of: TextUnit): (readonly string[])[] {
  if (typeof texts === "string") return [cutText(who, "the text", texts, of)];
  if (!Array.isArray(texts)) throw new DataError(`${who}: the texts are ${shown(texts)}, expected a text or a list`);
  if (texts.length === 0) throw new DataError(`${who}: there are no texts`);
  return texts.map((text, row) => cutText(who, `row ${row}`, text, of));
}

/** The vocabulary of texts; what they have as unknown has no word of its own. @throws DataError, OptionError */
export function vocabularyOf(
  rows: readonly (readonly string[])[],
  options: { readonly minCount: number; readonly maxSize?: number | undefined; readonly sentences: boolean },
): Vocabulary {
  const { minCount, maxSize, sentences } = options;
  const known = rows.map((units) => (units.includes(UNKNOWN) ? units.filter((unit) => unit !== UNKNOWN) : units));
  return Vocabulary.fromTexts(known, {
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

/** The tokens around sentences; none of a stream. @throws OptionError where the vocabulary does not have them */
export function specialOf(who: string, { special }: Vocabulary, sentences: boolean) {
  const { begin, end } = special;
  if (!sentences) return { begin: undefined, end: undefined };
  if (begin !== undefined && end !== undefined) return { begin, end };
  throw new OptionError(
    `${who}: the vocabulary has ${shown(Object.keys(special))}, and sentences need a begin and an end token`,
  );
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
