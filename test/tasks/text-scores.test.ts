/** Edit distance and BLEU against values computed by hand. */
import { expect, test } from "vitest";
import { bleu, editDistance, textScores } from "../../src/tasks/write/text-scores.ts";

test.each([
  ["", "", 0],
  ["", "abc", 3],
  ["abc", "", 3],
  ["kitten", "sitting", 3], // k -> s, e -> i, + g
  ["flaw", "lawn", 2], // - f, + n
  ["삼백이십일", "삼백일", 2],
])("from %j to %j: %i edits", (a, b, edits) => {
  expect(editDistance([...a], [...b])).toBe(edits);
});

const cut = (text: string) => text.split(" ");

test("the clipped precision of the paper's first example is 2/7", () => {
  // Section 2.1: "the" is there seven times, and counts as often as in the reference, twice. Of its own orders 2 to 4 none is right.
  expect(bleu([cut("the the the the the the the")], [cut("the cat is on the mat")])).toBe(0);
  // One word: order 1 alone, 1/1; c = 1, r = 6.
  expect(bleu([["the"]], [cut("the cat is on the mat")])).toBeCloseTo(Math.exp(1 - 6), 12);
});

test("orders, clipping and the brevity penalty, by hand", () => {
  const written = cut("the cat sat on the the mat");
  const reference = cut("the cat sat on the mat today friend");
  // p1: the 2 of 3, cat, sat, on, mat: 6/7. p2: the cat, cat sat, sat on, on the, the mat: 5/6, but not "the the".
  // p3: the cat sat, cat sat on, sat on the: 3/5. p4: the cat sat on, cat sat on the: 2/4. c = 7, r = 8.
  const expected = Math.exp(1 - 8 / 7) * ((6 / 7) * (5 / 6) * (3 / 5) * (2 / 4)) ** (1 / 4);
  expect(bleu([written], [reference])).toBeCloseTo(expected, 12);
  // Longer than the reference: no penalty. p1 5/6, p2 4/5, p3 3/4, p4 2/3.
  expect(bleu([cut("a b c d e f")], [cut("a b c d e")])).toBeCloseTo((2 / 6) ** (1 / 4), 12);
});

test("counts of a corpus are added up before they are divided", () => {
  const written = [cut("a b c d"), cut("x y")];
  const references = [cut("a b c d"), cut("x z")];
  // p1 (4 + 1)/(4 + 2), p2 (3 + 0)/(3 + 1), p3 2/2, p4 1/1; lengths are alike.
  expect(bleu(written, references)).toBeCloseTo(((5 / 6) * (3 / 4)) ** (1 / 4), 12);
});

test("texts that are right have 1, those that share nothing 0, and nothing written 0", () => {
  expect(bleu([["a"], cut("b c")], [["a"], cut("b c")])).toBe(1);
  expect(bleu([cut("a b c d e")], [cut("f g h i j")])).toBe(0);
  expect(bleu([[]], [cut("a b")])).toBe(0);
});

test("exact matches and the character error rate of all texts together", () => {
  const scores = textScores(["321", "12", ""], ["321", "123", "7"], (text) => [...text]);
  expect(scores.exact).toBeCloseTo(1 / 3, 12);
  expect(scores.characterErrorRate).toBeCloseTo(2 / 7, 12);
  // p1 5/5, p2 3/3, p3 1/1; c = 5, r = 7.
  expect(scores.bleu).toBeCloseTo(Math.exp(1 - 7 / 5), 12);
});
