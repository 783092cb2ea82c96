/** Texts as characters, words and Hangul letters, and back. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { textOf, unitsOf } from "../../src/tasks/text-units.ts";

test("a Hangul syllable is two or three letters", () => {
  expect(unitsOf("한가", "jamo")).toEqual(["ᄒ", "ᅡ", "ᆫ", "ᄀ", "ᅡ"]);
  expect(unitsOf("뷁", "jamo").join("")).toBe("뷁".normalize("NFD"));
  expect(unitsOf("aㅋ1", "jamo")).toEqual(["a", "ㅋ", "1"]);
});

test("every syllable comes back, and is what Unicode's normal forms say", () => {
  for (let code = 0xac00; code <= 0xd7a3; code++) {
    const syllable = String.fromCodePoint(code);
    const letters = unitsOf(syllable, "jamo");
    expect(letters.join("")).toBe(syllable.normalize("NFD"));
    expect(textOf(letters, "jamo")).toBe(syllable);
  }
});

test("any text comes back from jamo and characters, letters that stand alone too", () => {
  const letters = fc.constantFrom(..."한글각ㅋㅠ e\u034F", "ᄒ", "ᅢ", "ᆻ", "👩‍👩‍👧");
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(letters).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(textOf(unitsOf(text, "jamo"), "jamo")).toBe(text);
      expect(textOf(unitsOf(text, "characters"), "characters")).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test("letters that a model writes and that make no syllable stay letters", () => {
  expect(textOf(["ᅡ", "ᄒ", "ᄒ", "ᅡ", "ᆫ", "ᆫ"], "jamo")).toBe("ᅡᄒ한ᆫ");
  expect(textOf(["ᄒ", "\u034F"], "jamo")).toBe("ᄒ");
});

test("words are those of the language, punctuation marks are words", () => {
  expect(unitsOf("나는 배가 고파서, 밥을 먹었다.", "words")).toEqual([
    "나는",
    "배가",
    "고파서",
    ",",
    "밥을",
    "먹었다",
    ".",
  ]);
  expect(unitsOf("It isn't (very) good!", "words")).toEqual(["It", "isn't", "(", "very", ")", "good", "!"]);
  for (const text of ["나는 배가 고파서, 밥을 먹었다.", "It isn't (very) good! 50%"])
    expect(textOf(unitsOf(text, "words"), "words")).toBe(text);
});

test("another unit is refused", () => {
  expect(() => unitsOf("a", "letters" as never)).toThrow(/"letters", expected "characters", "words", "jamo"/);
});
