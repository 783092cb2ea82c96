import { DataError, FileFormatError, shown } from "../errors.ts";

/** A vocabulary as plain data, for a file. */
export interface VocabularyJson {
  readonly type: "characters";
  /** Token i is characters[i], one code point each. */
  readonly characters: readonly string[];
}

/**
 * A vocabulary of characters: every Unicode code point of a text is a token, so any script and emoji work. Nothing is
 * normalised: a Korean syllable and the same syllable written as separate letters are different code points.
 */
export class Vocabulary {
  /** Token i is characters[i]. */
  readonly characters: readonly string[];
  readonly #tokens: ReadonlyMap<string, number>;

  private constructor(characters: readonly string[]) {
    this.characters = characters;
    this.#tokens = new Map(characters.map((character, token) => [character, token]));
  }

  /**
   * The distinct code points of a text in ascending order.
   * @throws DataError when the text is empty
   */
  static fromText(text: string): Vocabulary {
    if (text.length === 0) throw new DataError("the text is empty: a vocabulary needs at least one character");
    const codePoint = (character: string) => character.codePointAt(0) as number;
    return new Vocabulary([...new Set(text)].sort((a, b) => codePoint(a) - codePoint(b)));
  }

  /** The inverse of `toJSON`.
   * @throws FileFormatError when it is not such data
   */
  static fromJSON(json: unknown): Vocabulary {
    const { type, characters } = (json ?? {}) as Partial<VocabularyJson>;
    if (type !== "characters" || !Array.isArray(characters) || characters.length === 0) {
      throw new FileFormatError(
        `a vocabulary has type ${shown(type)}, expected { "type": "characters", "characters": ["…"] } with at least one character`,
      );
    }
    for (const [token, character] of characters.entries()) {
      if (typeof character !== "string" || [...character].length !== 1) {
        throw new FileFormatError(
          `vocabulary: token ${token} is ${shown(character)}, expected one code point; the file is damaged`,
        );
      }
    }
    const vocabulary = new Vocabulary([...characters]);
    if (vocabulary.#tokens.size !== characters.length) {
      const twice = characters.find((character, token) => vocabulary.#tokens.get(character) !== token);
      throw new FileFormatError(`vocabulary: ${describe(twice as string)} is there twice; the file is damaged`);
    }
    return vocabulary;
  }

  /** V: how many tokens there are. */
  get size(): number {
    return this.characters.length;
  }

  /**
   * A text as tokens, one for each code point.
   * @throws DataError naming the first code point that the vocabulary does not have, and its position
   */
  encode(text: string): Int32Array {
    const tokens = new Int32Array(text.length);
    let length = 0;
    for (const character of text) {
      const token = this.#tokens.get(character);
      if (token === undefined) {
        throw new DataError(
          `${describe(character)} at position ${length} (in code points, from 0) is not among the vocabulary's ${this.size} characters; ` +
            "take it out of the text, or train with a text that has it",
        );
      }
      tokens[length++] = token;
    }
    // A copy, so that a text with many surrogate pairs does not keep twice its memory.
    return length === tokens.length ? tokens : tokens.slice(0, length);
  }

  /**
   * Tokens as text.
   * @throws DataError naming the first number that is no token, and its position
   */
  decode(tokens: ArrayLike<number>): string {
    let text = "";
    for (let i = 0; i < tokens.length; i++) {
      const character = this.characters[tokens[i] as number];
      if (character === undefined) {
        throw new DataError(
          `token ${tokens[i]} at position ${i} is not in the vocabulary, whose tokens are 0 to ${this.size - 1}; ` +
            "decode with the vocabulary that the model was trained with",
        );
      }
      text += character;
    }
    return text;
  }

  /** The vocabulary as plain data; JSON.stringify calls this. */
  toJSON(): VocabularyJson {
    return { type: "characters", characters: this.characters };
  }
}

/** A character for a message: with its number, as it may be invisible or look like another one. */
function describe(character: string): string {
  const codePoint = character.codePointAt(0) as number;
  return `${JSON.stringify(character)} (U+${codePoint.toString(16).toUpperCase().padStart(4, "0")})`;
}
