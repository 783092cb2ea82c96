import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Vocabulary } from "../../src/data/vocabulary.ts";
import { DataError, FileFormatError, OptionError } from "../../src/errors.ts";

describe("Vocabulary", () => {
  test("has the code points of the text in ascending order", () => {
    const vocabulary = Vocabulary.fromText("한글 cab 😀a");
    expect(vocabulary.symbols).toEqual([" ", "a", "b", "c", "글", "한", "😀"]);
    expect(vocabulary.size).toBe(7);
    expect([...vocabulary.encode("한글😀")]).toEqual([5, 4, 6]);
    expect(vocabulary.decode([6, 1, 5])).toBe("😀a한");
    expect(vocabulary.encode("")).toEqual(new Int32Array(0));
    expect(vocabulary.decode(new Int32Array(0))).toBe("");
  });

  test("decode(encode(text)) is the text, through JSON as well, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        const vocabulary = Vocabulary.fromText(text);
        const copy = Vocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary)));
        expect(copy.symbols).toEqual(vocabulary.symbols);
        expect(copy.decode(vocabulary.encode(text))).toBe(text);
        expect(vocabulary.encode(text)).toHaveLength([...text].length);
      }),
    );
  });

  test("an unknown code point is named with its position in code points", () => {
    const vocabulary = Vocabulary.fromText("ab😀");
    expect(() => vocabulary.encode("a😀é")).toThrow(DataError);
    expect(() => vocabulary.encode("a😀é")).toThrow(
      '"é" (U+00E9) at position 2 (in code points, from 0) is not among the vocabulary\'s 3 characters; take it out',
    );
  });

  test.each([3, -1, 0.5, Number.NaN])("%d is no token", (token) => {
    expect(() => Vocabulary.fromText("abc").decode([0, token])).toThrow(
      `token ${token} at position 1 is not in the vocabulary, whose tokens are 0 to 2`,
    );
  });

  test("an empty text has no vocabulary", () => {
    expect(() => Vocabulary.fromText("")).toThrow(DataError);
  });

  test("a saved vocabulary keeps its order", () => {
    const vocabulary = Vocabulary.fromJSON({ type: "characters", characters: ["b", "a"] });
    expect([...vocabulary.encode("ab")]).toEqual([1, 0]);
  });

  test.each([
    [null, 'expected { "type": "characters"'],
    [{ type: "words", characters: ["a"] }, 'has type "words"'],
    [{ type: "characters", characters: [] }, "with at least one of them"],
    [{ type: "characters", characters: ["a", "bc"] }, 'token 1 is "bc", expected one code point'],
    [{ type: "characters", characters: ["a", 3] }, "token 1 is 3"],
    [{ type: "characters", characters: ["a", "b", "a"] }, '"a" (U+0061) is there twice'],
  ])("refuses %j", (json, message) => {
    expect(() => Vocabulary.fromJSON(json)).toThrow(FileFormatError);
    expect(() => Vocabulary.fromJSON(json)).toThrow(message);
  });
});

describe("a vocabulary of many texts", () => {
  const texts = ["It's a cat. A cat!", "a dog", "It's"];
  const all = ["padding", "unknown", "begin", "end"] as const;

  test("has words by how often they are there, after the special tokens", () => {
    const words = Vocabulary.fromTexts(texts);
    expect(words.symbols).toEqual(["<pad>", "<unk>", "It's", "a", "cat", "!", ".", "A", "dog"]);
    expect(words.special).toEqual({ padding: 0, unknown: 1 });
    expect([...words.encode("a bird, a cat.")]).toEqual([3, 1, 1, 3, 4, 6]);
    expect(words.decode([3, 4, 1, 0, 0])).toBe("a cat \uFFFD");
    expect([...words.encode(["It's", "cat."])]).toEqual([2, 1]);
  });

  test("keeps what is there often enough, and as much as fits", () => {
    const symbols = (options: object) => Vocabulary.fromTexts(texts, { special: [], ...options }).symbols;
    expect(symbols({ minCount: 2 })).toEqual(["It's", "a", "cat"]);
    expect(symbols({ maxSize: 2 })).toEqual(["It's", "a"]);
    expect(Vocabulary.fromTexts(texts, { maxSize: 3 }).symbols).toEqual(["<pad>", "<unk>", "It's"]);
    expect(symbols({ lowerCase: true, minCount: 2 })).toEqual(["a", "cat", "it's"]);
    expect([...Vocabulary.fromTexts(texts, { special: [], lowerCase: true }).encode("A CAT")]).toEqual([0, 1]);
  });

  test("has characters too, and puts begin and end around a text", () => {
    const characters = Vocabulary.fromTexts(["abb😀"], { of: "characters", special: ["end", "padding", "begin"] });
    expect(characters.symbols).toEqual(["<pad>", "<s>", "</s>", "b", "a", "😀"]);
    const tokens = characters.encode("a😀", { begin: true, end: true });
    expect([...tokens]).toEqual([1, 4, 5, 2]);
    expect(characters.decode([...tokens, 4, 0])).toBe("a😀");
    expect(() => characters.encode("c")).toThrow("(U+0063) at position 0 (in code points, from 0) is not among");
    const plain = Vocabulary.fromTexts(["ab"], { special: [] });
    expect(() => plain.encode("x ab y")).toThrow(
      '"x" at position 0 (in words, from 0) is not among the vocabulary\'s 1 words',
    );
  });

  test("a text that reads like a special token is none", () => {
    const words = Vocabulary.fromTexts([["<s>", "a"]], { special: all });
    expect([...words.encode(["<s>", "<pad>"])]).toEqual([4, 1]);
    expect(words.decode([4, 5])).toBe("<s> a");
  });

  test("goes through JSON, and one of characters alone is written as it always was", () => {
    const words = Vocabulary.fromTexts(texts, { special: all, lowerCase: true });
    expect(words.toJSON()).toEqual({ type: "words", special: all, lowerCase: true, words: words.symbols.slice(4) });
    for (const vocabulary of [words, Vocabulary.fromTexts(texts, { of: "characters" })]) {
      const copy = Vocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary)));
      expect(copy).toEqual(vocabulary);
      expect([...copy.encode("It's ÄÖ")]).toEqual([...vocabulary.encode("It's ÄÖ")]);
    }
    expect(JSON.stringify(Vocabulary.fromText("ba"))).toBe('{"type":"characters","characters":["a","b"]}');
  });

  test.each([
    [{ type: "words", words: [] }, "with at least one of them"],
    [{ type: "words", words: ["a", ""] }, 'token 1 is "", expected a word'],
    [{ type: "words", words: ["a"], special: ["start"] }, 'special is ["start"], expected some of padding'],
    [{ type: "words", words: ["a"], special: ["end", "end"] }, "special is"],
    [{ type: "words", words: ["a"], lowerCase: 1 }, "lowerCase is 1"],
    [{ type: "words", words: ["a", "a"], special: ["end"] }, '"a" is there twice'],
  ])("is not read from %j", (json, message) => {
    expect(() => Vocabulary.fromJSON(json)).toThrow(FileFormatError);
    expect(() => Vocabulary.fromJSON(json)).toThrow(message);
  });

  test.each<[unknown, string]>([
    [{ of: "letters" }, 'of is "letters"'],
    [{ special: ["start"] }, 'special has "start"'],
    [{ special: "padding" }, 'special has "padding"'],
    [{ maxSize: 2 }, "maxSize is 2, expected a whole number of at least 3"],
    [{ minCount: 0 }, "minCount is 0"],
    [{ min: 1 }, 'unknown option "min"'],
  ])("is not made with %j", (options, message) => {
    const make = () => Vocabulary.fromTexts(texts, options as never);
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  });

  test("is not made of one text, of none, or for tokens that it lacks", () => {
    expect(() => Vocabulary.fromTexts("ab")).toThrow("give [text]");
    expect(() => Vocabulary.fromTexts(["a"], { minCount: 2 })).toThrow(DataError);
    expect(() => Vocabulary.fromTexts(["a"]).encode("a", { end: true })).toThrow("the vocabulary has no end token");
  });
});
