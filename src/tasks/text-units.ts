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
