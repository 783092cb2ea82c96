/** Many to one: classes of rows of texts, numbers and categories. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime, readSafetensors } from "../../src/index.ts";
import { byAccuracy } from "../../src/tasks/classify/class-report.ts";
import { guessColumns, type Progress, SequenceClassifier } from "../../src/tasks/index.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

/** Sentences whose feeling "not" turns round. */
function sentences(count: number, seed = 1) {
  const random = new RandomStream(seed, "sentences");
  const pick = (words: readonly string[]) => words[Math.floor(random.next() * words.length)]!;
  return Array.from({ length: count }, () => {
    const [isGood, isNot] = [random.next() < 0.5, random.next() < 0.4];
    const filler = Array.from({ length: Math.floor(random.next() * 4) }, () => pick(["the", "day", "was", "very"]));
    const words = [...filler, ...(isNot ? ["not"] : []), pick(isGood ? ["warm", "kind"] : ["cold", "cruel"])];
    return { text: words.join(" "), label: isGood !== isNot ? "good" : "bad" };
  });
}

const small = { columns: { text: "words" }, embeddingDim: 8, hiddenSize: 12, dropout: 0 } as const;

test.each(["last", "mean", "max", "attention"] as const)("%s: learns what not does", async (pooling) => {
  const reports: Progress[] = [];
  const fit = SequenceClassifier.fit(runtime, sentences(400), {
    ...small,
    pooling,
    epochs: 12,
    optimizer: { name: "adam", lr: 0.02 },
  });
  let next = await fit.next();
  for (; !next.done; next = await fit.next()) reports.push(next.value);
  const classifier = next.value;
  const { accuracy, confusion, classes, labels } = await classifier.evaluate(sentences(200, 2));
  expect(labels).toEqual(["bad", "good"]);
  expect(accuracy).toBeGreaterThan(0.95);
  expect(confusion.flat().reduce((a, b) => a + b)).toBe(200);
  expect(classes.good!.count + classes.bad!.count).toBe(200);
  const said = await classifier.predict({ text: "the day was not kind", label: "" });
  expect(said.label).toBe("bad");
  expect(said.known).toBe(1);
  expect(said.probabilities.good! + said.probabilities.bad!).toBeCloseTo(1, 6);
  const ends = reports.filter(({ validation }) => validation);
  expect(ends.at(-1)!.validation!.metrics.accuracy).toBeGreaterThan(0.9);
  expect(reports.every(({ step, steps, secondsLeft }) => step <= steps && secondsLeft >= 0)).toBe(true);
  classifier.dispose();
});

/** Trains one that knows little, quickly. */
const quick = (rows: readonly object[], options: object = {}) =>
  SequenceClassifier.fit(runtime, rows, { ...small, epochs: 2, ...options });

test("between two updates it can be asked and saved, and training is as without that", async () => {
  const [rows, options] = [sentences(120), { dropout: 0.3, epochs: 2 }];
  const alone = await quick(rows, options);
  const answers: number[] = [];
  const fit = quick(rows, options);
  for await (const report of fit) {
    const { task, step } = report;
    // A report is plain numbers for who writes or sends it.
    expect(structuredClone(report)).toEqual(JSON.parse(JSON.stringify(report)));
    const { probabilities } = await task.predict({ text: "the day was not kind" });
    answers.push(probabilities.bad!);
    if (step % 3 === 0) await task.evaluate(rows.slice(0, 20));
    if (step === 4) expect((await SequenceClassifier.load(runtime, await task.save())).steps).toBeGreaterThanOrEqual(4);
  }
  const asked = await fit;
  expect(new Set(answers).size).toBeGreaterThan(2);
  expect(await asked.save()).toEqual(await alone.save());
});

test("a file has all of it: the same predictions, and training goes on as without it", async () => {
  const rows = sentences(120);
  const options = { dropout: 0.3, classWeights: { good: 2 }, validation: 0 } as const;
  const [one, other] = [await quick(rows, options), await quick(rows, options)];
  const bytes = await one.save();
  const loaded = await SequenceClassifier.load(runtime, bytes);
  expect(await loaded.save()).toEqual(bytes);
  expect(await loaded.predict(rows.slice(0, 9))).toEqual(await one.predict(rows.slice(0, 9)));
  expect(loaded.steps).toBe(one.steps);
  const lossesOf = async (task: SequenceClassifier) => {
    const losses: number[] = [];
    for await (const { loss } of task.fit(rows, { epochs: 2, validation: 0 })) losses.push(loss);
    return losses;
  };
  const expected = await lossesOf(other);
  expect(await lossesOf(loaded)).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(4);
  for (const task of [one, other, loaded]) task.dispose();
});

test("one row says what many say", async () => {
  const classifier = await quick(sentences(60));
  const rows = sentences(70, 3);
  const all = await classifier.predict(rows);
  for (const i of [0, 17, 69]) {
    const { probabilities, label } = await classifier.predict(rows[i]!);
    expect(label).toBe(all[i]!.label);
    expect(probabilities.good!).toBeCloseTo(all[i]!.probabilities.good!, 5);
  }
  classifier.dispose();
});

test.each([
  [300, undefined, 0.2],
  [1200, undefined, 0.5],
  [1200, 0.1, 0.1],
])("of %i different words, with dropout %s, the model's dropout is %d", async (words, dropout, expected) => {
  const rows = Array.from({ length: words }, (_, i) => ({
    text: `w${i} w${(i + 1) % words}`,
    label: i % 2 ? "a" : "b",
  }));
  const options = { columns: { text: "words" }, embeddingDim: 2, hiddenSize: 2, epochs: 1, batch: 600 } as const;
  const task = await SequenceClassifier.fit(runtime, rows, { ...options, ...(dropout && { dropout }), minCount: 1 });
  const again = await SequenceClassifier.load(runtime, await task.save());
  for (const one of [task, again]) {
    const { metadata } = readSafetensors(await one.save());
    expect(Object.values(metadata).join()).toContain(`"dropout":${expected}`);
    one.dispose();
  }
});

test("texts, lists, series, categories and numbers are read together", async () => {
  const random = new RandomStream(4, "rows");
  const rows = Array.from({ length: 1000 }, () => {
    const steps = 2 + Math.floor(random.next() * 4);
    const heights = Array.from({ length: steps }, () => [random.next() * 100, 5]);
    const marks = heights.map(() => (random.next() < 0.5 ? "up" : "down"));
    const [kind, price] = [random.next() < 0.5 ? "a" : "b", 1000 * random.next()];
    const total = heights.reduce((sum, [h], t) => sum + (marks[t] === "up" ? h! : -h!), 0);
    return { heights, marks, kind, price, label: kind === "a" ? total > 0 : price > 500 };
  });
  expect(guessColumns(rows, ["label"])).toEqual({
    heights: "series",
    marks: "tokens",
    kind: "category",
    price: "number",
  });
  const options = {
    hiddenSize: 24,
    dropout: 0,
    epochs: 25,
    optimizer: { name: "adam", lr: 0.02 },
    pooling: "mean",
  } as const;
  const classifier = await SequenceClassifier.fit(runtime, rows.slice(0, 900), options);
  const { accuracy, labels } = await classifier.evaluate(rows.slice(900));
  expect(labels).toEqual(["false", "true"]);
  expect(accuracy).toBeGreaterThan(0.85);
  const loaded = await SequenceClassifier.load(runtime, await classifier.save());
  expect(await loaded.predict(rows[0]!)).toEqual(await classifier.predict(rows[0]!));
  classifier.dispose();
  loaded.dispose();
});

test("explain: the word that turned it round has the influence", async () => {
  const classifier = await SequenceClassifier.fit(runtime, sentences(400), {
    ...small,
    epochs: 12,
    optimizer: { name: "adam", lr: 0.02 },
  });
  const { label, steps } = await classifier.explain({ text: "the day was not kind" });
  expect(label).toBe("bad");
  expect(steps.map(({ unit }) => unit)).toEqual(["the", "day", "was", "not", "kind"]);
  const most = steps.reduce((a, b) => (Math.abs(b.influence) > Math.abs(a.influence) ? b : a));
  expect(["not", "kind"]).toContain(most.unit);
  for (const { gradient } of steps) expect(gradient).toBeGreaterThan(0);
  const other = await classifier.explain({ text: "the day was not kind" }, "good");
  expect(other.steps[3]!.influence).not.toBe(steps[3]!.influence);
  await expect(classifier.explain({ text: "kind" }, "ugly")).rejects.toThrow(/"ugly" is no class; there are bad, good/);
  classifier.dispose();
});

test("affixes: a word that was never seen is an unknown one, of which the ending is known", async () => {
  const given = ["warmly", "kindly", "warmer", "kinder"].flatMap((text, i) =>
    Array.from({ length: 10 }, () => ({ text, label: i < 2 ? "how" : "more" })),
  );
  const options = { affixes: 2, epochs: 12, validation: 0, optimizer: { name: "adam", lr: 0.02 } };
  const classifier = await quick(given, options);
  const said = await classifier.predict([{ text: "newly" }, { text: "newer" }, { text: "kinder" }]);
  expect(said.map(({ label, known }) => [label, known])).toEqual([
    ["how", 0],
    ["more", 0],
    ["more", 1],
  ]);
  const { steps } = await classifier.explain({ text: "newly" });
  expect(steps.map(({ unit }) => unit)).toEqual(["newly"]);
  classifier.dispose();
});

test("the accuracy says which epoch is best, and the loss where it stays", () => {
  expect(byAccuracy(0.5, 0.6)).toBeLessThan(byAccuracy(0.5, 0.7));
  expect(byAccuracy(0.50001, 20)).toBeLessThan(byAccuracy(0.5, 0.1));
});

test("classes that are rare count more", async () => {
  const rows = sentences(300).filter(({ label }, i) => label === "good" || i % 12 === 0);
  const [plain, balanced] = [await quick(rows), await quick(rows, { classWeights: "balanced" })];
  const recall = async (task: SequenceClassifier) => (await task.evaluate(sentences(200, 2))).classes.bad!.recall;
  expect(await recall(balanced)).toBeGreaterThan(await recall(plain));
  plain.dispose();
  balanced.dispose();
});

test("a signal ends it with a task, a break without one", async () => {
  const stop = new AbortController();
  const fit = quick(sentences(200), { epochs: 50, signal: stop.signal });
  for await (const { step } of fit) if (step === 5) stop.abort();
  const classifier = await fit;
  expect(classifier.steps).toBeLessThan(12);
  const before = runtime.memory().models.length;
  const left = quick(sentences(200));
  for await (const _ of left) break;
  await expect(left).rejects.toThrow(/was left before its end, and there is no task/);
  expect(runtime.memory().models.length).toBe(before);
  const going = classifier.fit(sentences(50));
  await going.next();
  await expect(classifier.fit(sentences(50))).rejects.toThrow(/trains already/);
  await going.return(classifier);
  classifier.dispose();
});

const good = { text: "a b", label: "x" };
const bad = { text: "b c", label: "y" };
const rows = [good, bad, good, bad];
test.each<[string, readonly object[], object, RegExp]>([
  ["no rows", [], {}, /rows are \[\], expected a list of at least one/],
  ["a missing column", [...rows, { label: "x" }], {}, /^row 4 has no column "text", but label$/],
  ["a missing class", [...rows, { text: "a" }], {}, /^row 4: label is undefined, expected the row's class/],
  ["a class of one row", [...rows, { text: "a", label: "z" }], {}, /^row 4: its class "z" is in no other row/],
  ["one class", [good, good], {}, /all 2 rows have the class "x"/],
  [
    "an empty text",
    [...rows, { text: "  ", label: "x" }],
    {},
    /^row 4: text is empty: " {2}" has no words; leave the row out/,
  ],
  ["no text", [...rows, { text: 5, label: "x" }], {}, /^row 4: text is 5, expected a text/],
  [
    "NaN",
    [
      { n: 1, label: "x" },
      { n: Number.NaN, label: "x" },
      { n: 1, label: "y" },
      { n: 1, label: "y" },
    ],
    { columns: { n: "number" } },
    /^row 1: n is NaN, expected a finite number/,
  ],
  [
    "widths",
    [
      { n: [[1, 2]], label: "x" },
      { n: [[1, 2, 3]], label: "x" },
      { n: [[1, 2]], label: "y" },
      { n: [[1, 2]], label: "y" },
    ],
    { columns: { n: "series" } },
    /^row 1: n\[0\] has 3 numbers, expected 2/,
  ],
  [
    "steps",
    [
      { n: [1, 2], t: ["a"], label: "x" },
      { n: [1], t: ["a"], label: "x" },
      { n: [1], t: ["a"], label: "y" },
      { n: [1], t: ["a"], label: "y" },
    ],
    { columns: { n: "series", t: "tokens" } },
    /^row 0: t has 1 steps, and n has 2/,
  ],
  ["an unknown option", rows, { colums: {} }, /unknown option "colums"/],
  [
    "an unknown kind",
    rows,
    { columns: { text: "letters" } },
    /columns.text is "letters", expected one of characters, words/,
  ],
  [
    "n-grams that are no list",
    rows,
    { ngrams: 3 },
    /ngrams is 3, expected a list of different lengths, such as \[3, 5\]/,
  ],
  ["the same n-grams twice", rows, { ngrams: [3, 3] }, /ngrams is \[3, 3\], expected a list of different lengths/],
  ["n-grams of one", rows, { ngrams: [3, 1] }, /ngrams\[1\] is 1, expected a whole number from 2 to 8/],
  ["n-grams of nine", rows, { ngrams: [9] }, /ngrams\[0\] is 9, expected a whole number from 2 to 8/],
  ["an unknown cell", rows, { cell: "lstn" }, /cell is "lstn", expected one of lstm, gru/],
  ["an unknown pooling", rows, { pooling: "sum" }, /pooling is "sum", expected one of last, mean, max, attention/],
  ["weights of other classes", rows, { classWeights: { z: 2 } }, /unknown option "z"/],
  ["patience without rows to measure on", rows, { patience: 2 }, /patience needs rows to measure on/],
  ["a share of everything", rows, { validation: 1 }, /validation is 1/],
  [
    "validation rows of another class",
    rows,
    {
      validation: [
        { text: "a", label: "z" },
        { text: "a", label: "z" },
        { text: "q", label: 1 },
        { text: "q", label: 1 },
        { text: 1, label: "x" },
      ],
    },
    /^validation row 4: text is 1, expected a text/,
  ],
])("%s: refused before anything runs", async (_, given, options, message) => {
  const { bytes } = runtime.memory();
  await expect(SequenceClassifier.fit(runtime, given, options)).rejects.toThrow(message);
  expect(runtime.memory().bytes).toBe(bytes);
});

test("predict refuses what it cannot read, evaluate what has an unknown class", async () => {
  const classifier = await quick(rows);
  await expect(classifier.predict([good, { text: "q q" }])).rejects.toThrow(
    /^row 1: the model knows none of the 2 units/,
  );
  await expect(classifier.predict({ txt: "a" })).rejects.toThrow(/^row 0 has no column "text", but txt$/);
  await expect(classifier.predict([])).rejects.toThrow(/expected a list of at least one/);
  await expect(classifier.evaluate([{ text: "a", label: "z" }])).rejects.toThrow(
    /^row 0: label is "z", which was not there in training; the classes are x, y$/,
  );
  const { known } = await classifier.predict({ text: "a q" });
  expect(known).toBe(0.5);
  classifier.dispose();
});

test("files of other kinds, and damaged ones, are refused", async () => {
  const classifier = await quick(rows);
  const bytes = await classifier.save();
  await expect(SequenceClassifier.load(runtime, bytes.slice(0, 50))).rejects.toThrow(/truncated|safetensors/);
  const text = new TextDecoder("latin1").decode(bytes);
  const changed = (from: string, to: string) => {
    expect(text).toContain(from);
    return Uint8Array.from(text.replace(from, to.padEnd(from.length)), (character) => character.charCodeAt(0));
  };
  await expect(SequenceClassifier.load(runtime, changed("sequence classifier", "sequence classifies"))).rejects.toThrow(
    /is of a sequence classifies, not of a sequence classifier/,
  );
  await expect(
    SequenceClassifier.load(runtime, changed('\\"pooling\\":\\"max\\"', '\\"pooling\\":\\"mix\\"')),
  ).rejects.toThrow(/the file of a sequence classifier is damaged: .*pooling/);
  await expect(
    SequenceClassifier.load(runtime, changed('\\"kind\\":\\"words\\"', '\\"kind\\":\\"wards\\"')),
  ).rejects.toThrow(/damaged: a column is/);
  classifier.dispose();
});

test("what cannot be trained or loaded leaves nothing on the device", async () => {
  const classifier = await quick(rows);
  const text = new TextDecoder("latin1").decode(await classifier.save());
  const { bytes } = runtime.memory();
  await expect(quick(rows, { optimizer: { name: "adma" } })).rejects.toThrow(/adma/);
  expect(text).toContain('\\"hiddenSize\\":12');
  const other = text.replace('\\"hiddenSize\\":12', '\\"hiddenSize\\":13');
  const file = Uint8Array.from(other, (character) => character.charCodeAt(0));
  await expect(SequenceClassifier.load(runtime, file)).rejects.toThrow(
    /is damaged: .* has \[48,3\], the model \[52,3\]/,
  );
  expect(runtime.memory().bytes).toBe(bytes);
  classifier.dispose();
});

test("the twins train it too", async () => {
  using cpu = await Runtime.open({ backend: "cpu" });
  const classifier = await SequenceClassifier.fit(cpu, sentences(40), {
    ...small,
    hiddenSize: 4,
    epochs: 1,
    validation: 0,
  });
  const onWasm = await SequenceClassifier.fit(runtime, sentences(40), {
    ...small,
    hiddenSize: 4,
    epochs: 1,
    validation: 0,
  });
  const row = { text: "the day was not kind" };
  const [a, b] = [await classifier.predict(row), await onWasm.predict(row)];
  expect(a.probabilities.good!).toBeCloseTo(b.probabilities.good!, 4);
  onWasm.dispose();
});
