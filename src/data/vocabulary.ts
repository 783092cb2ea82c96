import {
  checkChoice,
  checkCount,
  checkOptions,
  checkSwitch,
  DataError,
  FileFormatError,
  OptionError,
  shown,
} from "../errors.ts";

/** Tokens that stand for no text. They come first, in this order, so that padding is token 0 where there is one. */
export const specialTokens = ["padding", "unknown", "begin", "end"] as const;
export type SpecialToken = (typeof specialTokens)[number];

const shownAs: Readonly<Record<SpecialToken, string>> = {
  padding: "<pad>",
  unknown: "<unk>",
  begin: "<s>",
  end: "</s>",
};

/** What a token stands for: one code point, or a word. */
type Unit = "characters" | "words";

/** A vocabulary as plain data, for a file. */
export interface VocabularyJson {
  readonly type: Unit;
  /** Special tokens that it begins with; absent when there are none. */
  readonly special?: readonly SpecialToken[];
  /** Words are looked up in lower case; absent when they are not. */
  readonly lowerCase?: true;
  /** Of type "characters": the tokens after the special ones, one code point each. */
  readonly characters?: readonly string[];
  /** Of type "words": the tokens after the special ones. */
  readonly words?: readonly string[];
}

export interface VocabularyOptions {
  /** Default "words". */
  readonly of?: Unit;
  /** Default `["padding", "unknown"]`. */
  readonly special?: readonly SpecialToken[];
  /** Leave out what the texts have less often than this; default 1. */
  readonly minCount?: number;
  /** The largest V, special tokens included: what the texts have most often is kept. Default: no limit. */
  readonly maxSize?: number;
  /** Do not tell upper case from lower case; default false. */
  readonly lowerCase?: boolean;
}

/** Special tokens around an encoded text. */
export interface EncodeOptions {
  /** Put the begin token in front; default false. */
  readonly begin?: boolean;
  /** Put the end token behind; default false. */
  readonly end?: boolean;
}

/** Words with inner apostrophes, and every other character that is no space by itself. */
const WORD = /[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}\p{N}_]+)*|[^\s\p{L}\p{M}\p{N}_]/gu;

/**
 * Texts as tokens: every Unicode code point is one, or every word. Code points work for any script and emoji; nothing is
 * normalised: a Korean syllable and the same syllable written as separate letters are different code points. A word is a run
 * of letters, digits and inner apostrophes, and each other character that is no space is a word by itself; for other rules
 * (a language without spaces, word pieces) give lists of words in place of texts.
 */
export class Vocabulary {
  /** Token i is symbols[i]; special tokens are `<pad>`, `<unk>`, `<s>` and `</s>`. */
  readonly symbols: readonly string[];
  /** Numbers of the special tokens that there are. */
  readonly special: Readonly<Partial<Record<SpecialToken, number>>>;
  readonly #unit: Unit;
  readonly #lowerCase: boolean;
  readonly #tokens: ReadonlyMap<string, number>;

  private constructor(unit: Unit, symbols: readonly string[], special: readonly SpecialToken[], lowerCase: boolean) {
    this.#unit = unit;
    this.#lowerCase = lowerCase;
    this.special = Object.fromEntries(special.map((name, token) => [name, token]));
    this.symbols = [...special.map((name) => shownAs[name]), ...symbols];
    this.#tokens = new Map(symbols.map((symbol, i) => [symbol, special.length + i]));
  }

  /**
   * The distinct code points of a text in ascending order, without special tokens.
   * @throws DataError when the text is empty
   */
  static fromText(text: string): Vocabulary {
    if (text.length === 0) throw new DataError("the text is empty: a vocabulary needs at least one character");
    const codePoint = (character: string) => character.codePointAt(0) as number;
    const characters = [...new Set(text)].sort((a, b) => codePoint(a) - codePoint(b));
    return new Vocabulary("characters", characters, [], false);
  }

  /**
   * The words (or characters) of many texts, those that they have most often first, equal ones in the order of their UTF-16
   * code units. With the unknown token every text can be encoded.
   * @param texts texts, or lists of words
   * @throws DataError when there is no word in them that is kept; OptionError
   */
  static fromTexts(texts: Iterable<string | readonly string[]>, options: VocabularyOptions = {}): Vocabulary {
    const who = "Vocabulary.fromTexts";
    checkOptions(who, options, ["of", "special", "minCount", "maxSize", "lowerCase"]);
    const { of: unit = "words", lowerCase = false, special: wanted = ["padding", "unknown"], maxSize } = options;
    checkChoice(who, "of", unit, ["words", "characters"]);
    checkSwitch(who, "lowerCase", lowerCase);
    const minCount = checkCount(who, "minCount", options.minCount ?? 1);
    const special = checkSpecial(who, wanted);
    if (typeof texts === "string") throw new OptionError(`${who}: expected a list of texts, got one; give [text]`);
    const counts = new Map<string, number>();
    for (const text of texts)
      for (const symbol of cut(text, unit, lowerCase)) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    const found = [...counts].filter(([, count]) => count >= minCount);
    found.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    if (maxSize !== undefined) found.length = Math.min(found.length, room(who, maxSize, special));
    if (found.length === 0)
      throw new DataError(`${who}: the texts have no ${unit} (${counts.size} before minCount ${minCount})`);
    const symbols = found.map(([symbol]) => symbol);
    return new Vocabulary(unit, symbols, special, lowerCase);
  }

  /** The inverse of `toJSON`.
   * @throws FileFormatError when it is not such data
   */
  static fromJSON(json: unknown): Vocabulary {
    const { type, special = [], lowerCase = false, ...lists } = (json ?? {}) as Partial<VocabularyJson>;
    const symbols = type === "words" ? lists.words : type === "characters" ? lists.characters : undefined;
    if (!type || !Array.isArray(symbols) || symbols.length === 0) {
      throw new FileFormatError(
        `a vocabulary has type ${shown(type)}, expected { "type": "characters", "characters": ["…"] } or { "type": "words", "words": ["…"] } with at least one of them`,
      );
    }
    if (!Array.isArray(special) || special.some((name, i) => !specialTokens.includes(name) || special[i - 1] === name))
      throw new FileFormatError(
        `vocabulary: special is ${shown(special)}, expected some of ${specialTokens.join(", ")}`,
      );
    if (typeof lowerCase !== "boolean")
      throw new FileFormatError(`vocabulary: lowerCase is ${shown(lowerCase)}, expected true; the file is damaged`);
    for (const [i, symbol] of symbols.entries()) {
      if (typeof symbol !== "string" || (type === "characters" ? [...symbol].length !== 1 : symbol === "")) {
        throw new FileFormatError(
          `vocabulary: token ${special.length + i} is ${shown(symbol)}, expected ${type === "characters" ? "one code point" : "a word"}; the file is damaged`,
        );
      }
    }
    const vocabulary = new Vocabulary(type, [...symbols], [...special], lowerCase);
    if (vocabulary.#tokens.size !== symbols.length) {
      const twice = symbols.find((symbol, i) => vocabulary.#tokens.get(symbol) !== special.length + i);
      throw new FileFormatError(
        `vocabulary: ${vocabulary.#shown(twice as string)} is there twice; the file is damaged`,
      );
    }
    return vocabulary;
  }

  /** V: how many tokens there are. */
  get size(): number {
    return this.symbols.length;
  }

  /**
   * A text as tokens, one for each code point or word. What the vocabulary does not have becomes the unknown token.
   * @param text a text, or a list of words
   * @throws DataError without an unknown token, naming the first code point or word that the vocabulary does not have, and its
   *   position; OptionError for a begin or end token that the vocabulary was made without
   */
  encode(text: string | readonly string[], options: EncodeOptions = {}): Int32Array {
    checkOptions("encode", options, ["begin", "end"]);
    const symbols = cut(text, this.#unit, this.#lowerCase);
    const tokens = new Int32Array(text.length + 2);
    let length = 0;
    if (options.begin) tokens[length++] = this.#specialToken("begin");
    let position = 0;
    for (const symbol of symbols) {
      const token = this.#tokens.get(symbol) ?? this.special.unknown;
      if (token === undefined) throw this.#unknown(symbol, position);
      tokens[length++] = token;
      position++;
    }
    if (options.end) tokens[length++] = this.#specialToken("end");
    // A copy, so that a text with many surrogate pairs does not keep twice its memory.
    return tokens.slice(0, length);
  }

  #specialToken(name: SpecialToken): number {
    const token = this.special[name];
    if (token !== undefined) return token;
    throw new OptionError(
      `encode: the vocabulary has no ${name} token; make it with Vocabulary.fromTexts(texts, { special: ["padding", "unknown", "begin", "end"] })`,
    );
  }

  #unknown(symbol: string, position: number): DataError {
    const where = this.#unit === "characters" ? "(in code points, from 0)" : "(in words, from 0)";
    const way =
      this.#unit === "characters"
        ? "take it out of the text, or train with a text that has it"
        : 'make the vocabulary with special: ["padding", "unknown"]';
    return new DataError(
      `${this.#shown(symbol)} at position ${position} ${where} is not among the vocabulary's ${this.size} ${this.#unit}; ${way}`,
    );
  }

  /**
   * Tokens as text: characters one after the other, words with a space between them. Padding and begin tokens are left out, an
   * unknown one is U+FFFD, and an end token ends the text.
   * @throws DataError naming the first number that is no token, and its position
   */
  decode(tokens: ArrayLike<number>): string {
    const { padding, unknown, begin, end } = this.special;
    const symbols: string[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i] as number;
      const symbol = this.symbols[token];
      if (symbol === undefined) {
        throw new DataError(
          `token ${token} at position ${i} is not in the vocabulary, whose tokens are 0 to ${this.size - 1}; ` +
            "decode with the vocabulary that the model was trained with",
        );
      }
      if (token === end) break;
      if (token !== padding && token !== begin) symbols.push(token === unknown ? "\uFFFD" : symbol);
    }
    return symbols.join(this.#unit === "words" ? " " : "");
  }

  /** The vocabulary as plain data; JSON.stringify calls this. */
  toJSON(): VocabularyJson {
    const special = specialTokens.filter((name) => name in this.special);
    return {
      type: this.#unit,
      ...(special.length > 0 && { special }),
      ...(this.#lowerCase && { lowerCase: true }),
      [this.#unit]: this.symbols.slice(special.length),
    };
  }

  /** A character or word for a message: a character with its number, as it may be invisible or look like another one. */
  #shown(symbol: string): string {
    if (this.#unit === "words") return shown(symbol);
    const codePoint = symbol.codePointAt(0) as number;
    return `${JSON.stringify(symbol)} (U+${codePoint.toString(16).toUpperCase().padStart(4, "0")})`;
  }
}

function cut(text: string | readonly string[], unit: Unit, lowerCase: boolean): Iterable<string> {
  if (typeof text !== "string") return lowerCase ? text.map((symbol) => symbol.toLowerCase()) : text;
  const cased = lowerCase ? text.toLowerCase() : text;
  return unit === "words" ? (cased.match(WORD) ?? []) : cased;
}

/** The special tokens in their own order. */
function checkSpecial(who: string, wanted: readonly SpecialToken[]): SpecialToken[] {
  const other = Array.isArray(wanted) ? wanted.find((name) => !specialTokens.includes(name)) : wanted;
  if (other !== undefined)
    throw new OptionError(`${who}: special has ${shown(other)}, expected a list of ${specialTokens.join(", ")}`);
  return specialTokens.filter((name) => wanted.includes(name));
}

/** How many symbols fit. */
const room = (who: string, maxSize: number, { length }: readonly SpecialToken[]): number =>
  checkCount(who, "maxSize", maxSize, length + 1) - length;
