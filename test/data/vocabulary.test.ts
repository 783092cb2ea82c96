import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Vocabulary } from "../../src/data/vocabulary.ts";
import { DataError, FileFormatError } from "../../src/errors.ts";

describe("Vocabulary", () => {
  test("has the code points of the text in ascending order", () => {
    const vocabulary = Vocabulary.fromText("한글 cab 😀a");
    expect(vocabulary.characters).toEqual([" ", "a", "b", "c", "글", "한", "😀"]);
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
        expect(copy.characters).toEqual(vocabulary.characters);
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
    [{ type: "characters", characters: [] }, "with at least one character"],
    [{ type: "characters", characters: ["a", "bc"] }, 'token 1 is "bc", expected one code point'],
    [{ type: "characters", characters: ["a", 3] }, "token 1 is 3"],
    [{ type: "characters", characters: ["a", "b", "a"] }, '"a" (U+0061) is there twice'],
  ])("refuses %j", (json, message) => {
    expect(() => Vocabulary.fromJSON(json)).toThrow(FileFormatError);
    expect(() => Vocabulary.fromJSON(json)).toThrow(message);
  });
});
