/** Parts of units that are read beside them: n-grams of letters. */
import { afterAll, expect, test } from "vitest";
import { Runtime } from "../../src/index.ts";
import { FeedForward, SequenceClassifier } from "../../src/tasks/index.ts";
import { partsOf } from "../../src/tasks/unit-parts.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

const small = {
  embeddingDim: 8,
  hiddenSize: 8,
  dropout: 0,
  validation: 0,
  optimizer: { name: "adam", lr: 0.02 },
} as const;

test("an n-gram is a unit and those before it, at the beginning of a text fewer", () => {
  expect(partsOf(["a", "b", "c", "d"], { ngram: 3 })).toEqual(["a", "ab", "abc", "bcd"]);
  expect(partsOf(["a", "b"], {})).toEqual(["a", "b"]);
  expect(partsOf(["나가", "a"], { affix: { end: "last", length: 3 } })).toEqual(["\u1161\u1100\u1161", "a"]);
});

test("n-grams tell texts of the same letters apart, and a file has them", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({ text: i % 2 ? "abc" : "bac", label: i % 2 ? "x" : "y" }));
  const accuracyOf = async (ngrams: readonly number[]) => {
    // It sees the last letter alone, which is the same in all.
    const options = { ...small, columns: { text: "characters" }, ngrams, window: 1, epochs: 20 } as const;
    const network = await FeedForward.fit(runtime, rows, options);
    const loaded = await FeedForward.load(runtime, await network.save());
    expect(await loaded.predict(rows.slice(0, 2))).toEqual(await network.predict(rows.slice(0, 2)));
    const { accuracy } = await loaded.evaluate(rows);
    for (const one of [network, loaded]) one.dispose();
    return accuracy;
  };
  expect(await accuracyOf([])).toBe(0.5);
  expect(await accuracyOf([3])).toBe(1);
});

test("what is known of a text are its letters, and a damaged file is refused", async () => {
  const rows = Array.from({ length: 20 }, (_, i) => ({ text: i % 2 ? "나가" : "다라", label: i % 2 ? "x" : "y" }));
  const options = { ...small, columns: { text: "jamo" }, ngrams: [2, 4], epochs: 1 } as const;
  const classifier = await SequenceClassifier.fit(runtime, rows, options);
  const said = await classifier.predict([{ text: "가라" }, { text: "각" }]);
  expect(said.map(({ known }) => known)).toEqual([1, 2 / 3]);
  await expect(classifier.predict({ text: "z" })).rejects.toThrow(/the model knows none of the 1 units/);
  const { steps } = await classifier.explain({ text: "나가" });
  expect(steps.map(({ unit }) => unit)).toEqual([..."나가".normalize("NFD")]);
  const file = new TextDecoder("latin1").decode(await classifier.save());
  expect(file).toContain('\\"ngram\\":4');
  for (const other of ['\\"ngram\\":1', '\\"ngram\\":9']) {
    const bytes = Uint8Array.from(file.replace('\\"ngram\\":4', other), (character) => character.charCodeAt(0));
    await expect(SequenceClassifier.load(runtime, bytes)).rejects.toThrow(/damaged: a column is/);
  }
  classifier.dispose();
});

test("rare n-grams are unknown ones, by minCount all that are rarer", async () => {
  const rows = Array.from({ length: 12 }, (_, i) => ({ text: i % 2 ? "ab" : `c${i}`, label: i % 2 ? "x" : "y" }));
  const sizesOf = async (options: object) => {
    const columns = { text: "characters" } as const;
    const task = await SequenceClassifier.fit(runtime, rows, { ...small, columns, ngrams: [2], epochs: 1, ...options });
    const sizes = task.columns.sizes.map(({ tokens }) => tokens);
    task.dispose();
    return sizes;
  };
  // Padding, unknown, three letters and six digits; of pairs a, ab and c are there more than once, and seven once.
  expect(await sizesOf({})).toEqual([2 + 3 + 6, 2 + 3]);
  expect(await sizesOf({ minCount: 1 })).toEqual([2 + 3 + 6, 2 + 3 + 7]);
});
