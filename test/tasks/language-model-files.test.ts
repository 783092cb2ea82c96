/** Language models: what they keep apart, their files, training that goes on, and what they refuse. */
import { afterAll, expect, test } from "vitest";
import { Runtime, readSafetensors, writeSafetensors } from "../../src/index.ts";
import { LanguageModel, SequenceClassifier } from "../../src/tasks/index.ts";
import { dividedStream, encodedText, streamBatches, vocabularyOf } from "../../src/tasks/language/language-texts.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

const names = Array.from({ length: 60 }, (_, i) => `${["mi", "ji", "가", "나"][i % 4]}${["na", "ho", "람"][i % 3]}`);
const stream = "the day was kind, 나는 밥을 먹었다. ".repeat(30);
const small = { embeddingDim: 6, hiddenSize: 8, epochs: 2, dropout: 0.3, validation: 0 } as const;
const one = { ...small, batch: 4, window: 16 } as const;

test.each([
  ["sentences", names, small],
  ["a stream", stream, one],
  ["words of a stream", stream, { ...one, of: "words", minCount: 2 }],
  ["jamo, tied", names, { ...small, of: "jamo", tieWeights: true, embeddingDim: 8, cell: "gru" }],
] as const)("%s: a file has all of it, and training goes on as without it", async (_, texts, options) => {
  const train = (seed: number) => LanguageModel.fit(runtime, texts, { ...options, seed });
  const [first, other, different] = [await train(3), await train(3), await train(4)];
  const bytes = await first.save();
  expect(await other.save()).toEqual(bytes);
  expect(await different.save()).not.toEqual(bytes);
  const loaded = await LanguageModel.load(runtime, bytes);
  expect(await loaded.save()).toEqual(bytes);
  expect(loaded).toMatchObject({ of: first.of, sentences: first.sentences, steps: first.steps });
  expect(await loaded.probability("mina 나는 밥을")).toEqual(await first.probability("mina 나는 밥을"));
  expect(await loaded.evaluate(["mina", "the day"])).toEqual(await first.evaluate(["mina", "the day"]));
  const lossesOf = async (model: LanguageModel) => {
    const losses: number[] = [];
    for await (const { loss } of model.fit(texts, { epochs: 2, validation: 0 })) losses.push(loss);
    return losses;
  };
  const expected = await lossesOf(other);
  expect(await lossesOf(loaded)).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(3);
  for (const model of [first, other, loaded, different]) model.dispose();
});

test("of a stream every unit is a target once, behind the one before it, and rows begin anew with an epoch", () => {
  for (const [length, rows, window] of [
    [100, 3, 8],
    [7, 4, 8],
    [64, 4, 16],
    [9, 1, 256],
    [1, 2, 4],
  ] as const) {
    const text = Array.from({ length }, (_, i) => String.fromCodePoint(0xac00 + i)).join("");
    const vocabulary = vocabularyOf([{ row: text, at: "the text" }], "characters", { sentences: false });
    const encoded = encodedText([...text], vocabulary);
    const { begin } = vocabulary.special;
    const data = streamBatches(encoded, { rows, window });
    const batches = [...data.epoch(0)];
    expect(batches.length).toBe(data.length);
    expect(batches.map(({ resetState }) => resetState)).toEqual(batches.map((_, i) => i === 0));
    const before: number[] = new Array(rows).fill(begin);
    const seen: number[] = [];
    const perRow: number[][] = Array.from({ length: rows }, () => []);
    for (const { x, target } of batches as unknown as {
      x: { data: Int32Array; shape: number[] };
      target: { data: Int32Array };
    }[]) {
      expect(x.shape[1]).toBe(rows);
      expect(x.shape[0]).toBeLessThanOrEqual(window);
      x.data.forEach((token, i) => {
        const next = target.data[i]!;
        if (next === -100) return;
        expect(token).toBe(before[i % rows]);
        before[i % rows] = next;
        perRow[i % rows]!.push(next);
      });
    }
    seen.push(...perRow.flat());
    expect(seen).toEqual([...encoded.targets]);
  }
});

test("the end of a text is kept apart, between words", () => {
  const words = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj ".repeat(10);
  const { training, validation } = dividedStream("who", [words], 0.11, 0);
  expect(training[0]!.row + validation[0]!.row).toBe(words);
  expect(training[0]!.row.endsWith(" ")).toBe(true);
  expect(validation[0]!.row.length).toBeGreaterThan(45);
  expect(validation[0]!.row.length).toBeLessThanOrEqual(55);
  const without = dividedStream("who", ["👩".repeat(11)], 0.5, 0);
  expect([...(without.training[0]!.row + without.validation[0]!.row)]).toEqual(new Array(11).fill("👩"));
  expect(without.validation.length).toBe(1);
  expect([...without.validation[0]!.row].every((character) => character === "👩")).toBe(true);
  expect(dividedStream("who", ["a b c"], undefined, 0).validation).toEqual([]);
  expect(dividedStream("who", [words], ["held"], 0)).toEqual({
    training: [{ row: words, at: "the text" }],
    validation: [{ row: "held", at: "validation text 0" }],
  });
});

test("a validation of texts, and a vocabulary of the training part alone", async () => {
  const model = await LanguageModel.fit(runtime, stream, { ...one, validation: ["the day was new", "나는 밥을"] });
  expect(model.vocabulary.symbols).not.toContain("w!");
  const { unknown } = await model.evaluate("xyz day");
  expect(unknown).toBeCloseTo(2 / 7, 10); // x and z
  model.dispose();
  const ends = `${"a".repeat(300)}${"b".repeat(20)}`;
  const divided = await LanguageModel.fit(runtime, ends, { ...one, validation: 0.05 });
  expect([...divided.vocabulary.symbols]).toEqual(["<unk>", "<s>", "a", "b"]);
  divided.dispose();
  const held = await LanguageModel.fit(runtime, ends, { ...one, validation: 0.1 });
  expect([...held.vocabulary.symbols]).toEqual(["<unk>", "<s>", "a"]);
  held.dispose();
});

test.each<[string, unknown, object, RegExp]>([
  ["no texts", [], {}, /language model: fit: the rows are \[\], expected a list of at least one/],
  ["no text", 5, {}, /the rows are 5, expected a list of at least one/],
  ["an empty string", "", {}, /^the text is empty: "" has no characters/],
  [
    "nothing but spaces, as words",
    [...names, "  "],
    { of: "words" },
    /^row 60 is empty: " {2}" has no words; leave it out/,
  ],
  ["what is no text", [...names, 7], {}, /^row 60 is 7, expected a text/],
  ["an empty validation row", names, { validation: ["a", ""] }, /^validation row 1 is empty/],
  ["an unknown option", names, { widow: 3 }, /unknown option "widow"/],
  ["two directions", names, { bidirectional: true }, /unknown option "bidirectional"/],
  ["an unknown unit", names, { of: "letters" }, /of is "letters", expected "characters", "words", "jamo"/],
  ["an unknown cell", names, { cell: "lstn" }, /cell is "lstn"/],
  ["a window of a list", names, { window: 8 }, /window is of one text, and these are a list/],
  ["tied weights of two sizes", names, { tieWeights: true }, /embeddingDim .* hiddenSize, and they are 6 and 8/],
  ["nothing often enough", names, { minCount: 1000 }, /no words \(\d+ before minCount 1000\)|minCount 1000/],
  ["more rows than units", "abcabcabc", { batch: 32 }, /the text has 9 characters, and is cut into 32 rows \(batch\)/],
  ["no share", stream, { validation: 1 }, /validation is 1/],
  ["patience without a part to measure on", "abc ".repeat(12), { batch: 4, patience: 2 }, /patience needs rows/],
])("%s: refused before anything runs", async (_, texts, options, message) => {
  const { bytes } = runtime.memory();
  const { validation: __, ...rest } = small;
  await expect(LanguageModel.fit(runtime, texts as string, { ...rest, ...options })).rejects.toThrow(message);
  expect(runtime.memory().bytes).toBe(bytes);
});

test("training goes on with texts of the same form, in the same rows", async () => {
  const [list, text] = [await LanguageModel.fit(runtime, names, small), await LanguageModel.fit(runtime, stream, one)];
  expect(() => list.fit(stream)).toThrow(/trained on a list of texts, each with an end; give a list/);
  expect(() => text.fit(names)).toThrow(/trained on one text; give one string/);
  await expect(text.fit(stream, { batch: 8 })).rejects.toThrow(
    /batch is 8, and the states of 4 rows go on; give batch 4/,
  );
  await expect(text.fit(stream, { epoch: 8 } as object)).rejects.toThrow(/unknown option "epoch"/);
  const before = text.steps;
  await text.fit("나는 밥을 먹었다. ".repeat(20), { epochs: 1 });
  expect(text.steps).toBeGreaterThan(before);
  for (const texts of ["", [], ["a", ""], [3]])
    await expect(list.evaluate(texts as string)).rejects.toThrow(/is empty|at least one|text 0 is 3/);
  await expect(list.probability("")).rejects.toThrow(/the text is empty/);
  await expect(text.states("")).rejects.toThrow(/the text is empty/);
  list.dispose();
  text.dispose();
});

test("files of other kinds, and damaged ones, are refused", async () => {
  const model = await LanguageModel.fit(runtime, names, small);
  const rows = names.map((text, i) => ({ text, label: i % 2 }));
  const classifier = await SequenceClassifier.fit(runtime, rows, { hiddenSize: 4, epochs: 1 });
  const other = await classifier.save();
  await expect(LanguageModel.load(runtime, other)).rejects.toThrow(/of a sequence classifier, not of a language model/);
  const bytes = await model.save();
  await expect(SequenceClassifier.load(runtime, bytes)).rejects.toThrow(
    /of a language model, not of a sequence classifier/,
  );
  await expect(LanguageModel.load(runtime, bytes.slice(0, 99))).rejects.toThrow();
  const { tensors, metadata } = readSafetensors(bytes);
  const [[key, json]] = Object.entries(metadata!) as [[string, string]];
  const damaged = (change: (setting: Record<string, unknown>, all: Record<string, unknown>) => void) => {
    const content = JSON.parse(json);
    change(content.metadata.setting, content.metadata);
    return LanguageModel.load(runtime, writeSafetensors(tensors, { [key]: JSON.stringify(content) }));
  };
  (await damaged(() => {})).dispose();
  const cases: [Parameters<typeof damaged>[0], RegExp][] = [
    [(setting) => Object.assign(setting, { of: "letters" }), /language model is damaged: .*of is "letters"/],
    [(setting) => Object.assign(setting, { hiddenSize: -1 }), /damaged: .*hiddenSize is -1/],
    [(setting) => Object.assign(setting, { hiddenSize: 9 }), /damaged/],
    [(setting) => Object.assign(setting, { sentences: "yes" }), /damaged: .*sentences is "yes"/],
    [(setting) => Object.assign(setting, { sentences: false }), /damaged: the vocabulary has the special tokens/],
    [(setting) => Object.assign(setting, { more: 1 }), /damaged: .*unknown option "more"/],
    [(setting) => Object.assign(setting, { bidirectional: true }), /damaged: .*bidirectional is true/],
    [(_, all) => Object.assign(all, { setting: null }), /damaged/],
    [(_, all) => Object.assign(all, { vocabulary: { type: "words", words: ["a"] } }), /damaged/],
  ];
  for (const [change, message] of cases) await expect(damaged(change)).rejects.toThrow(message);
  model.dispose();
  classifier.dispose();
});
