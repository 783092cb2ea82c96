import { checkCount, OptionError, shown } from "../index.ts";
import { unitsOf } from "./text-units.ts";

/** So many letters at the beginning or the end of each word; a Hangul syllable is two or three. */
export interface Affix {
  readonly end: "first" | "last";
  readonly length: number;
}

/** What a column reads in place of its units themselves; of both none where it reads those. */
export interface UnitPart {
  /** What is read of each word. */
  readonly affix?: Affix;
  /** How many letters are read as one at each step: its own, and those before it. */
  readonly ngram?: number;
}

/** Longer affixes are words. */
export const LONGEST_AFFIX = 8;
const [SHORTEST_NGRAM, LONGEST_NGRAM] = [2, 8];

function affixOf(word: string, { end, length }: Affix): string {
  const letters = unitsOf(word, "jamo");
  return (end === "first" ? letters.slice(0, length) : letters.slice(-length)).join("");
}

/** The parts that a column reads of its units, one for each. At the beginning of a text n-grams are shorter. */
export function partsOf(units: readonly string[], { affix, ngram }: UnitPart): readonly string[] {
  if (affix) return units.map((word) => affixOf(word, affix));
  return ngram ? units.map((_, t) => units.slice(Math.max(0, t + 1 - ngram), t + 1).join("")) : units;
}

/** Lengths of n-grams, each once. @throws OptionError */
export function checkNgrams(who: string, ngrams: unknown): readonly number[] {
  if (!Array.isArray(ngrams) || new Set(ngrams).size < ngrams.length)
    throw new OptionError(`${who}: ngrams is ${shown(ngrams)}, expected a list of different lengths, such as [3, 5]`);
  return ngrams.map((n, i) => checkCount(who, `ngrams[${i}]`, n, SHORTEST_NGRAM, LONGEST_NGRAM));
}

/** Whether a file may say this of a column. */
export function isUnitPart({ affix, ngram }: Partial<Record<keyof UnitPart, unknown>>): boolean {
  const isWithin = (n: unknown, least: number, most: number) =>
    Number.isInteger(n) && (n as number) >= least && (n as number) <= most;
  if (ngram !== undefined) return affix === undefined && isWithin(ngram, SHORTEST_NGRAM, LONGEST_NGRAM);
  if (affix === undefined) return true;
  const { end, length } = (affix ?? {}) as Partial<Affix>;
  return (end === "first" || end === "last") && isWithin(length, 1, LONGEST_AFFIX);
}
