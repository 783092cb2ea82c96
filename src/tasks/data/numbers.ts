import { checkCount, DataError, shown } from "../../index.ts";
import { checkLanguage, type Language, makeRows, type TextDataOptions } from "./draw.ts";

export interface NumberInWords {
  /** Without separators: `"321"`. */
  readonly digits: string;
  readonly words: string;
}

/** The largest number that is written in words. */
const LARGEST_IN_WORDS = 1e12;

const englishOnes = (
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
  "eighteen nineteen"
).split(" ");
const englishTens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const englishGroups = ["", "thousand", "million", "billion", "trillion"];
const koreanDigits = [..."영일이삼사오육칠팔구"];
const koreanTens = ["", "십", "백", "천"];
const koreanGroups = ["", "만", "억", "조"];

/** Groups of digits, the lowest first: thousands in English, ten thousands in Korean. */
function groupsOf(n: number, base: number): number[] {
  return n < base ? [n] : [n % base, ...groupsOf(Math.floor(n / base), base)];
}

function englishBelow1000(n: number): string[] {
  if (n >= 100) return [englishOnes[Math.floor(n / 100)]!, "hundred", ...englishBelow1000(n % 100)];
  if (n === 0) return [];
  if (n < 20) return [englishOnes[n]!];
  const tens = englishTens[Math.floor(n / 10) - 2]!;
  return [n % 10 === 0 ? tens : `${tens}-${englishOnes[n % 10]}`];
}

/** 1 is written as a digit only in the ones: 백십일. */
function koreanBelow10000(n: number): string {
  const places = groupsOf(n, 10).map((digit, place) => {
    if (digit === 0) return "";
    return (digit === 1 && place > 0 ? "" : koreanDigits[digit]!) + koreanTens[place];
  });
  return places.reverse().join("");
}

/**
 * A number in words: `three hundred twenty-one`, without "and"; `삼백이십일`, with spaces between ten thousands (만, 억, 조)
 * as the Korean orthography (한글 맞춤법, article 44) has it. At the beginning 일만 is 만.
 *
 * @param n a whole number from 0 to 10^12
 * @throws OptionError for another number or language
 */
export function numberToWords(n: number, language: Language): string {
  const isEnglish = checkLanguage("numberToWords", language) === "en";
  checkCount("numberToWords", "n", n, 0, LARGEST_IN_WORDS);
  if (n === 0) return isEnglish ? "zero" : "영";
  const groups = groupsOf(n, isEnglish ? 1000 : 10000).map((group, place) => {
    if (group === 0) return "";
    if (isEnglish) return [...englishBelow1000(group), englishGroups[place]].filter(Boolean).join(" ");
    return n < 20000 && place === 1 ? "만" : koreanBelow10000(group) + koreanGroups[place];
  });
  return groups.reverse().filter(Boolean).join(" ");
}

/** Adds up units: a number times the unit that follows it, and all so far times a unit that groups. */
function readUnits(units: readonly string[], values: ReadonlyMap<string, number>, groupBase: number): number {
  let [total, group, digit] = [0, 0, 0];
  for (const unit of units) {
    const value = values.get(unit) ?? Number.NaN;
    if (value >= groupBase) {
      total += (group + digit || 1) * value;
      [group, digit] = [0, 0];
    } else if (unit === "hundred" || koreanTens.includes(unit)) {
      group += (digit || 1) * value;
      digit = 0;
    } else digit += value;
  }
  return total + group + digit;
}

const englishValues = new Map<string, number>([
  ...englishOnes.map((word, n): [string, number] => [word, n]),
  ...englishTens.map((word, n): [string, number] => [word, 10 * (n + 2)]),
  ["hundred", 100],
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
  ["trillion", 1e12],
]);
const koreanValues = new Map<string, number>([
  ...koreanDigits.map((word, n): [string, number] => [word, n]),
  ["십", 10],
  ["백", 100],
  ["천", 1e3],
  ["만", 1e4],
  ["억", 1e8],
  ["조", 1e12],
]);

/**
 * What `numberToWords` made words of. Spaces may be left out in Korean, and 일 may stand before a unit (일백, 일만); in
 * English "and", capitals and spaces in place of hyphens are read, too.
 *
 * @returns a whole number from 0 to 10^12
 * @throws DataError for words that are no such number
 * @throws OptionError for another language
 */
export function wordsToNumber(words: string, language: Language): number {
  const isEnglish = checkLanguage("wordsToNumber", language) === "en";
  const unitsOf = (text: string) =>
    isEnglish
      ? text
          .toLowerCase()
          .split(/[\s-]+/)
          .filter((word) => word !== "" && word !== "and")
      : [...text.replace(/\s/g, "")];
  const units = typeof words === "string" ? unitsOf(words) : [];
  const n = isEnglish ? readUnits(units, englishValues, 1000) : readUnits(units, koreanValues, 10000);
  // Only what is written again in the same way was a number: not "two three", not "".
  const spelled = (all: readonly string[]) => all.join(" ").replace(/일 (?=[십백천만])/g, "");
  if (Number.isNaN(n) || n > LARGEST_IN_WORDS || spelled(unitsOf(numberToWords(n, language))) !== spelled(units))
    throw new DataError(
      `wordsToNumber: ${shown(words)} is no number in words from 0 to 10^12 (language "${language}")`,
    );
  return n;
}

export interface NumbersInWordsOptions extends TextDataOptions {
  /** The largest number, from 9 to 10^12, which is the default. */
  readonly max?: number;
}

/**
 * Numbers from 0 to `max` in digits and in words. Every number of digits is as likely as another, so that small numbers
 * are not rare; rows may repeat.
 *
 * @throws OptionError for an unknown option or language, or a count, seed or max out of range
 */
export function numbersInWords(options: NumbersInWordsOptions): NumberInWords[] {
  const language = checkLanguage("numbersInWords", options?.language ?? "en");
  const max = checkCount("numbersInWords", "max", options?.max ?? LARGEST_IN_WORDS, 9, LARGEST_IN_WORDS);
  return makeRows("numbersInWords", options, ["language", "max"], (draw) => {
    const next = () => {
      const length = 1 + draw.below(String(max).length);
      const digits = Array.from({ length }, (_, place) =>
        place === 0 && length > 1 ? 1 + draw.below(9) : draw.below(10),
      );
      return digits.join("");
    };
    let digits = next();
    while (Number(digits) > max) digits = next();
    return { digits, words: numberToWords(Number(digits), language) };
  });
}
