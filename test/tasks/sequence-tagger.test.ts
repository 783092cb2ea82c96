/** Many to many, aligned: a class for each word or frame, of whole rows and of streams. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime, readTraining } from "../../src/index.ts";
import { taggedSentences } from "../../src/tasks/data/index.ts";
import { SequenceClassifier, SequenceTagger, type SequenceTaggerOptions } from "../../src/tasks/index.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

const small = { embeddingDim: 12, hiddenSize: 16, dropout: 0 } as const;
const fast = { name: "adam", lr: 0.02 } as const;

/** Trains one that knows little, quickly. */
const quick = (rows: readonly object[], options: object = {}) =>
  SequenceTagger.fit(runtime, rows, { ...small, epochs: 2, ...options });

test.each(["en", "ko"] as const)("%s: learns what words are, by those around them too", async (language) => {
  const options = { ...small, optimizer: fast, epochs: 6 };
  const tagger = await SequenceTagger.fit(runtime, taggedSentences({ count: 500, language }), options);
  const rows = taggedSentences({ count: 200, seed: 1, language });
  const { accuracy, rowAccuracy, classes, confusion, labels } = await tagger.evaluate(rows);
  expect(accuracy).toBeGreaterThan(0.98);
  expect(rowAccuracy).toBeGreaterThan(0.9);
  expect(rowAccuracy).toBeLessThanOrEqual(accuracy);
  expect(labels).toEqual(tagger.labels);
  const steps = rows.reduce((sum, { words }) => sum + words.length, 0);
  expect(confusion.flat().reduce((a, b) => a + b)).toBe(steps);
  for (const { f1, count } of Object.values(classes)) if (count > 0) expect(f1).toBeGreaterThan(0.8);
  const said = await tagger.predict(rows);
  const isRight = said.map((steps, i) => steps.every(({ label }, t) => label === rows[i]!.tags[t]));
  expect(isRight.filter(Boolean).length / rows.length).toBeCloseTo(rowAccuracy, 10);
  expect(said[0]!.map(({ unit }) => unit)).toEqual(rows[0]!.words);
  for (const { probabilities, label } of said[0]!) {
    const all = Object.values(probabilities);
    expect(all.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(probabilities[label]).toBe(Math.max(...all));
  }
  tagger.dispose();
});

/** Made-up words of which the ending is the class, as that of "quickly". */
function endings(count: number, seed = 0) {
  const random = new RandomStream(seed, "endings");
  const pick = (from: string) => from[Math.floor(random.next() * from.length)]!;
  return Array.from({ length: count }, () => {
    const tags = Array.from({ length: 5 }, () => (random.next() < 0.5 ? "ADV" : "NOUN"));
    const stem = () => Array.from({ length: 4 }, () => pick("bdfgklmnprst") + pick("aeiou")).join("");
    return { words: tags.map((tag) => stem() + (tag === "ADV" ? "ly" : "er")), tags };
  });
}

test("affixes: words that were never seen are told by their endings, and only with them", async () => {
  const accuracyOf = async (affixes: number) => {
    const tagger = await quick(endings(100), { affixes, epochs: 10, optimizer: fast });
    const { accuracy } = await tagger.evaluate(endings(100, 1));
    const loaded = await SequenceTagger.load(runtime, await tagger.save());
    expect((await loaded.evaluate(endings(100, 1))).accuracy).toBe(accuracy);
    tagger.dispose();
    loaded.dispose();
    return accuracy;
  };
  expect(await accuracyOf(2)).toBeGreaterThan(0.95);
  expect(await accuracyOf(0)).toBeLessThan(0.65);
});

/** Frames whose class is whether the sum of all so far is above 0, in two columns. */
function frames(count: number, seed = 0) {
  const random = new RandomStream(seed, "frames");
  return Array.from({ length: count }, (_, i) => {
    const given = Array.from({ length: 6 + (i % 3) }, () => [10 * (random.next() - 0.5), 1]);
    let sum = 0;
    const tags = given.map(([x]) => {
      sum += x!;
      return sum > 0;
    });
    return { frames: given, sign: random.next() < 0.5 ? "+" : "-", tags };
  });
}

test("frames: a stream says step by step what predict says of the whole row", async () => {
  const options = { ...small, bidirectional: false, epochs: 25, optimizer: fast, validation: 0 } as const;
  const tagger = await SequenceTagger.fit(runtime, frames(300), options);
  const rows = frames(60, 1);
  expect((await tagger.evaluate(rows)).accuracy).toBeGreaterThan(0.93);
  const stream = await tagger.stream();
  for (const row of rows.slice(0, 3)) {
    const whole = await tagger.predict(row);
    expect(whole.map((step) => "unit" in step)).toEqual(row.tags.map(() => false));
    for (const [t, frame] of row.frames.entries()) {
      const { label, probabilities } = await stream.push({ frames: frame, sign: row.sign });
      expect(label).toBe(whole[t]!.label);
      expect(probabilities.true).toBeCloseTo(whole[t]!.probabilities.true!, 5);
    }
    stream.reset();
  }
  // Without the reset the sequence would go on.
  const [row] = rows;
  const first = await stream.push({ frames: row!.frames[0]!, sign: row!.sign });
  const second = await stream.push({ frames: row!.frames[0]!, sign: row!.sign });
  expect(second.probabilities.true).not.toBeCloseTo(first.probabilities.true!, 5);
  await expect(stream.push({ frames: [1, 2, 3], sign: "+" })).rejects.toThrow(
    /^step 2: frames\[0\] has 3 numbers, expected 2$/,
  );
  await expect(stream.push({ frames: [1, 2] })).rejects.toThrow(/^step 2 has no column "sign", but frames$/);
  await expect(stream.push("+" as never)).rejects.toThrow(/^step 2 is "\+", expected an object with frames, sign$/);
  const third = await stream.push({ frames: row!.frames[0]!, sign: row!.sign });
  stream.reset();
  for (let t = 0; t < 2; t++) await stream.push({ frames: row!.frames[0]!, sign: row!.sign });
  const again = await stream.push({ frames: row!.frames[0]!, sign: row!.sign });
  expect(again).toEqual(third);
  stream.dispose();
  await expect(stream.push({ frames: [1, 2], sign: "+" })).rejects.toThrow(/disposed/);
  tagger.dispose();
});

test("words: a stream takes one at a time, of lists and of texts", async () => {
  const rows = endings(30);
  const texts = rows.map(({ words, tags }) => ({ words: words.join(" "), tags }));
  const ofLists = await quick(rows, { bidirectional: false });
  const ofTexts = await quick(texts, { bidirectional: false });
  expect(ofTexts.columns.kinds).toEqual({ words: "words" });
  const [fromLists, fromTexts] = [await ofLists.stream(), await ofTexts.stream({ on: "wasm" })];
  await expect(ofLists.stream({ streams: 2 } as object)).rejects.toThrow(/stream: unknown option "streams"/);
  for (const word of rows[0]!.words) {
    const said = await fromTexts.push({ words: word });
    expect(await fromLists.push({ words: word })).toEqual(said);
  }
  await expect(fromTexts.push({ words: "two words" })).rejects.toThrow(/which are 2 steps; push them one by one/);
  for (const task of [ofLists, ofTexts]) task.dispose();
});

test("a tagger of both directions has no stream, and says what has", async () => {
  const tagger = await quick(endings(20));
  await expect(tagger.stream()).rejects.toThrow(/train one with bidirectional: false, or predict what there is/);
  tagger.dispose();
});

test("a file has all of it: the same predictions, and training goes on as without it", async () => {
  const rows = taggedSentences({ count: 60 });
  const options = { dropout: 0.3, classWeights: "balanced", validation: 0 } as const;
  const [one, other] = [await quick(rows, options), await quick(rows, options)];
  const bytes = await one.save();
  expect(await other.save()).toEqual(bytes);
  const loaded = await SequenceTagger.load(runtime, bytes);
  expect(await loaded.save()).toEqual(bytes);
  expect(await loaded.predict(rows.slice(0, 9))).toEqual(await one.predict(rows.slice(0, 9)));
  const lossesOf = async (task: SequenceTagger) => {
    const losses: number[] = [];
    for await (const { loss } of task.fit(rows, { epochs: 2, validation: 0 })) losses.push(loss);
    return losses;
  };
  const expected = await lossesOf(other);
  expect(await lossesOf(loaded)).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(2);
  const third = await quick(rows, { ...options, seed: 1 });
  expect(await third.save()).not.toEqual(bytes);
  for (const task of [one, other, loaded, third]) task.dispose();
});

test("one row says what many say, and the beginning of a sentence has tags as well", async () => {
  const rows = taggedSentences({ count: 70 });
  const tagger = await quick(rows);
  const all = await tagger.predict(rows);
  for (const i of [0, 17, 69]) {
    const said = await tagger.predict(rows[i]!);
    expect(said.map(({ label }) => label)).toEqual(all[i]!.map(({ label }) => label));
    for (const [t, { probabilities }] of said.entries())
      expect(probabilities.NOUN).toBeCloseTo(all[i]![t]!.probabilities.NOUN!, 5);
  }
  const typed = await tagger.predict({ words: rows[0]!.words.slice(0, 2) });
  expect(typed.map(({ unit }) => unit)).toEqual(rows[0]!.words.slice(0, 2));
  tagger.dispose();
});

test("a class of one step is one of them: long lists of tags end like that", async () => {
  const tagger = await quick([...endings(20), { words: ["oh"], tags: ["INTJ"] }], { validation: 0 });
  expect(tagger.labels).toEqual(["ADV", "INTJ", "NOUN"]);
  tagger.dispose();
});

test("the float64 twins say what WebAssembly says", async () => {
  const twins = await Runtime.open({ backend: "cpu" });
  const tiny = { embeddingDim: 4, hiddenSize: 3, epochs: 1, validation: 0, affixes: 1 };
  const rows = endings(8);
  const tagger = await SequenceTagger.fit(twins, rows, tiny);
  const other = await SequenceTagger.load(runtime, await tagger.save());
  const [exact, said] = [await tagger.predict(rows), await other.predict(rows)];
  for (const [i, steps] of exact.entries())
    for (const [t, { probabilities }] of steps.entries())
      expect(said[i]![t]!.probabilities.ADV).toBeCloseTo(probabilities.ADV!, 5);
  other.dispose();
  twins.dispose();
});

const row = { words: ["a", "b"], tags: ["x", "y"] };
const rows = [row, row];
test.each<[string, readonly object[], SequenceTaggerOptions, RegExp]>([
  ["no rows", [], {}, /rows are \[\], expected a list of at least one/],
  ["a missing column", [...rows, { tags: ["x"] }], {}, /^row 2 has no column "words", but tags$/],
  [
    "a missing list",
    [...rows, { words: ["a"] }],
    {},
    /^row 2: tags is undefined, expected a list with the class of each step/,
  ],
  ["one class for all steps", [...rows, { words: ["a"], tags: "x" }], {}, /^row 2: tags is "x", expected a list/],
  ["an empty list", [...rows, { words: ["a"], tags: [] }], {}, /^row 2: tags is \[\], expected a list/],
  ["a step without class", [...rows, { words: ["a", "b"], tags: ["x", null] }], {}, /^row 2: tags\[1\] is null/],
  [
    "another number of classes",
    [...rows, { words: ["a"], tags: ["x", "y"] }],
    {},
    /^row 2: tags has 2 classes, and the row has 1 steps; give one for each$/,
  ],
  ["one class", [{ words: ["a", "b"], tags: [1, 1] }], {}, /all 2 steps have the class "1"/],
  ["an empty row", [...rows, { words: [], tags: ["x"] }], {}, /^row 2: words is \[\], expected a list of strings/],
  ["an empty word", [...rows, { words: [""], tags: ["x"] }], {}, /^row 2: words is \[""\], expected a list of strings/],
  [
    "NaN",
    [
      { n: [1, Number.NaN], tags: ["x", "y"] },
      { n: [1, 2], tags: ["x", "y"] },
    ],
    {},
    /^row 0: n\[1\] is NaN, expected a finite number/,
  ],
  [
    "widths",
    [
      { n: [[1], [2]], tags: ["x", "y"] },
      { n: [[1], [2, 3]], tags: ["x", "y"] },
    ],
    {},
    /^row 1: n\[1\] has 2 numbers, expected 1/,
  ],
  ["an unknown option", rows, { hidden: 3 } as object, /sequence tagger: unknown option "hidden"/],
  ["rows that are cut", rows, { maxLength: 5 } as object, /unknown option "maxLength"/],
  ["n-grams, which a stream has not", rows, { ngrams: [3] } as object, /unknown option "ngrams"/],
  ["affixes that are words", rows, { affixes: 9 }, /affixes is 9, expected a whole number from 0 to 8/],
  ["an unknown cell", rows, { cell: "lstn" }, /cell is "lstn", expected one of lstm, gru/],
  ["weights of other classes", rows, { classWeights: { z: 2 } }, /unknown option "z"/],
])("%s: refused before anything runs", async (_, given, options, message) => {
  const { bytes } = runtime.memory();
  await expect(SequenceTagger.fit(runtime, given, options)).rejects.toThrow(message);
  expect(runtime.memory().bytes).toBe(bytes);
});

test("predict refuses what it cannot read, evaluate what has an unknown class", async () => {
  const tagger = await quick(rows);
  await expect(tagger.predict([row, { words: ["q", "r"] }])).rejects.toThrow(
    /^row 1: the model knows none of the 2 units/,
  );
  await expect(tagger.predict({ text: "a" })).rejects.toThrow(/^row 0 has no column "words", but text$/);
  await expect(tagger.predict([])).rejects.toThrow(/expected a list of at least one/);
  await expect(tagger.evaluate([{ words: ["a"], tags: ["z"] }])).rejects.toThrow(
    /^row 0: tags\[0\]: tags is "z", which was not there in training; the classes are x, y$/,
  );
  tagger.dispose();
});

test("files of other tasks, and damaged ones, are refused", async () => {
  const tagger = await quick(rows);
  const bytes = await tagger.save();
  await expect(SequenceClassifier.load(runtime, bytes)).rejects.toThrow(
    /is of a sequence tagger, not of a sequence classifier/,
  );
  const { metadata } = readTraining(bytes, "the file");
  expect(metadata).toMatchObject({ setting: { labels: ["x", "y"], weights: null } });
  const text = new TextDecoder("latin1").decode(bytes);
  const changed = (from: string, to: string) => {
    const at = text.indexOf(from);
    expect(at).toBeGreaterThan(0);
    expect(to.length).toBe(from.length);
    const copy = bytes.slice();
    for (let i = 0; i < to.length; i++) copy[at + i] = to.charCodeAt(i);
    return copy;
  };
  for (const [from, to] of [
    ["hiddenSize", "hiddenSizf"],
    ["bidirectional", "bidirectionel"],
    ['\\"last\\"', '\\"lost\\"'],
    ["embeddingDim", "embeddingDin"],
  ])
    await expect(SequenceTagger.load(runtime, changed(from!, to!)), from).rejects.toThrow(
      /the file of a sequence tagger is damaged/,
    );
  tagger.dispose();
});
