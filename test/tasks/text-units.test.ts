/** Texts as characters, words and Hangul letters, and back. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { TextBuilder, textOf, textUnits, unitsOf } from "../../src/tasks/text-units.ts";

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

test.each(textUnits)("%s: written piece by piece it is the same text", (unit) => {
  const some = fc.constantFrom(..."한글각ㅋ e\u034F,.(", "ᄒ", "ᅢ", "ᆻ", "👩‍👩‍👧", "word ", "말 ");
  fc.assert(
    fc.property(
      fc.array(fc.oneof(some, fc.string({ unit: "binary", maxLength: 2 }))),
      fc.array(fc.nat(4)),
      (parts, cuts) => {
        const units = unitsOf(parts.join(""), unit);
        const writer = new TextBuilder(unit);
        let text = "";
        let at = 0;
        for (const cut of [...cuts, units.length]) {
          text += writer.add(units.slice(at, at + cut));
          at += cut;
        }
        expect(text + writer.end()).toBe(textOf(units, unit));
      },
    ),
    { numRuns: 500 },
  );
});

test("letters that a model writes in any order are written as textOf has them", () => {
  const letters = fc.array(fc.constantFrom("ᄒ", "ᅡ", "ᆫ", "\u034F", "a"));
  fc.assert(
    fc.property(letters, (units) => {
      const writer = new TextBuilder("jamo");
      const pieces = units.map((unit) => writer.add([unit]));
      expect([...pieces, writer.end()].join("")).toBe(textOf(units, "jamo"));
    }),
    { numRuns: 500 },
  );
});

test("what is written goes on from the text before it", () => {
  const after = (before: string, ...words: string[]) => new TextBuilder("words", before).add(words);
  expect(after("the day", "was", "kind", ".")).toBe(" was kind.");
  expect(after("the day ", "was")).toBe("was");
  expect(after("", "the", "day")).toBe("the day");
  expect(after("배가 (", "고파서", ")", "밥을")).toBe("고파서) 밥을");
  const writer = new TextBuilder("jamo", "가");
  expect([writer.add(["ᄒ"]), writer.add(["ᅡ"]), writer.add(["ᆫ"]), writer.add(["a"]), writer.end()]).toEqual([
    "",
    "",
    "한",
    "a",
    "",
  ]);
});
