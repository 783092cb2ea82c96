import { OptionError, shown } from "../index.ts";

/** What a text is cut into: Unicode code points, words, or the letters of Hangul syllables. */
export const textUnits = ["characters", "words", "jamo"] as const;
export type TextUnit = (typeof textUnits)[number];

/** Stands in front of a letter that was not part of a syllable in the text, so that it stays alone. It shows as nothing. */
const ALONE = "\u034F";

// The arithmetic of Hangul syllables: The Unicode Standard, section 3.12.
const [SYLLABLE, INITIAL, MEDIAL, FINAL] = [0xac00, 0x1100, 0x1161, 0x11a7];
const [INITIALS, MEDIALS, FINALS] = [19, 21, 28];

/** A code point as what it is written with: two or three letters for a syllable. */
function lettersOf(character: string): string[] {
  const code = character.codePointAt(0)!;
  const index = code - SYLLABLE;
  if (index >= 0 && index < INITIALS * MEDIALS * FINALS) {
    const letters = [
      INITIAL + Math.floor(index / (MEDIALS * FINALS)),
      MEDIAL + (Math.floor(index / FINALS) % MEDIALS),
      FINAL + (index % FINALS),
    ];
    if (letters[2] === FINAL) letters.pop();
    return letters.map((letter) => String.fromCodePoint(letter));
  }
  const isLetter = code >= 0x1100 && code <= 0x11ff;
  return isLetter || character === ALONE ? [ALONE, character] : [character];
}

/** The number of a letter among `count` from `first` on; undefined for others. */
function numberOf(letter: string | undefined, first: number, count: number): number | undefined {
  const number = (letter?.codePointAt(0) ?? 0) - first;
  return number >= 0 && number < count ? number : undefined;
}

/** The inverse of `lettersOf`, of a whole text. Letters that make no syllable stay as they are. */
function syllablesOf(letters: readonly string[]): string {
  let text = "";
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i]!;
    if (letter === ALONE) {
      text += letters[++i] ?? "";
      continue;
    }
    const initial = numberOf(letter, INITIAL, INITIALS);
    const medial = numberOf(letters[i + 1], MEDIAL, MEDIALS);
    if (initial === undefined || medial === undefined) {
      text += letter;
      continue;
    }
    i++;
    const final = numberOf(letters[i + 1], FINAL + 1, FINALS - 1);
    if (final !== undefined) i++;
    const index = (initial * MEDIALS + medial) * FINALS + (final === undefined ? 0 : final + 1);
    text += String.fromCodePoint(SYLLABLE + index);
  }
  return text;
}

/** How many letters, from the first on, make a text that no letter behind them changes. */
function settledLetters(letters: readonly string[]): number {
  for (let i = 0; i < letters.length; ) {
    let next = i + 1;
    if (letters[i] === ALONE) next++;
    else if (numberOf(letters[i], INITIAL, INITIALS) !== undefined) {
      if (next === letters.length) return i;
      if (numberOf(letters[next], MEDIAL, MEDIALS) !== undefined) {
        next++;
        if (next === letters.length) return i;
        if (numberOf(letters[next], FINAL + 1, FINALS - 1) !== undefined) next++;
      }
    }
    if (next > letters.length) return i;
    i = next;
  }
  return letters.length;
}

let segmenter: Intl.Segmenter | undefined;

/** Words and punctuation marks, in order; no spaces. */
function wordsOf(text: string): string[] {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "word" });
  return Array.from(segmenter.segment(text), ({ segment }) => segment).filter((word) => word.trim() !== "");
}

/** Words with spaces between them, but for those that punctuation does not want. */
function sentenceOf(words: readonly string[]): string {
  let text = "";
  for (const [i, word] of words.entries()) {
    const isJoined = i === 0 || /^[\p{Pe}\p{Pf}.,!?;:…%]/u.test(word) || /[\p{Ps}\p{Pi}]$/u.test(words[i - 1]!);
    text += isJoined ? word : ` ${word}`;
  }
  return text;
}

/**
 * A text as units. Words are those of `Intl.Segmenter`, with punctuation marks as words by themselves and without spaces; "jamo" are
 * the letters of Hangul syllables, in Unicode's conjoining form, and other characters as they are.
 * @throws OptionError for another unit
 */
export function unitsOf(text: string, unit: TextUnit): string[] {
  if (unit === "words") return wordsOf(text);
  if (unit === "characters") return [...text];
  if (unit === "jamo") return [...text].flatMap(lettersOf);
  throw new OptionError(`the unit of texts is ${shown(unit)}, expected ${textUnits.map(shown).join(", ")}`);
}

/**
 * Units as a text. Of characters and jamo this is the text that they came from; between words there is a space where English and
 * Korean have one.
 */
export function textOf(units: readonly string[], unit: TextUnit): string {
  if (unit === "words") return sentenceOf(units);
  return unit === "jamo" ? syllablesOf(units) : units.join("");
}

/** Units as text, while they come: what was given never changes, so of jamo a syllable is held back until it is whole. */
export class TextBuilder {
  readonly #unit: TextUnit;
  /** Letters of a syllable that is not whole. */
  #held: readonly string[] = [];
  /** The word before. */
  #word: string | undefined;
  #hasSpace: boolean;

  /** @param before the text that stands before the first unit */
  constructor(unit: TextUnit, before = "") {
    this.#unit = unit;
    this.#word = unit === "words" ? wordsOf(before).at(-1) : undefined;
    this.#hasSpace = /\s$/u.test(before);
  }

  /** The text that is certain with these units. */
  add(units: readonly string[]): string {
    if (units.length === 0) return "";
    if (this.#unit === "words") return this.#addWords(units);
    const all = [...this.#held, ...units];
    const settled = this.#unit === "jamo" ? settledLetters(all) : all.length;
    this.#held = all.slice(settled);
    return textOf(all.slice(0, settled), this.#unit);
  }

  #addWords(words: readonly string[]): string {
    const before = this.#word === undefined ? [] : [this.#word];
    const text = sentenceOf([...before, ...words]).slice(this.#word?.length ?? 0);
    const isAfterSpace = this.#hasSpace;
    this.#word = words.at(-1);
    this.#hasSpace = false;
    return isAfterSpace ? text.trimStart() : text;
  }

  /** What was held back. */
  end(): string {
    const rest = textOf(this.#held, this.#unit);
    this.#held = [];
    return rest;
  }
}
