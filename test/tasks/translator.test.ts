/** Many to many, unaligned: texts of texts, by greedy and beam search. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime, type StateDict } from "../../src/index.ts";
import { inputOf } from "../../src/tasks/columns.ts";
import {
  SequenceClassifier,
  type TaskFitOptions,
  type TaskRow,
  Translator,
  type TranslatorOptions,
} from "../../src/tasks/index.ts";
import { softmax } from "../../src/tasks/rows.ts";
import { drawnTruth, shareAt } from "../../src/tasks/write/teacher-forcing.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

/** Texts of a, b and c: an a is written as one letter, a b as two others, a c not at all. */
function pairs(count: number, seed = 1) {
  const random = new RandomStream(seed, "pairs");
  return Array.from({ length: count }, () => {
    const letters = Array.from(
      { length: 1 + Math.floor(random.next() * 5) },
      () => "abc"[Math.floor(random.next() * 3)]!,
    );
    const source = `${letters.join("")}.`;
    return { source, target: source.replaceAll("a", "x").replaceAll("b", "yz").replaceAll("c", "") };
  });
}

const small = { embeddingDim: 8, hiddenSize: 24, dropout: 0, optimizer: { name: "adam", lr: 0.01 } } as const;
const quick = (rows: readonly object[], options: TranslatorOptions & TaskFitOptions<TaskRow> = {}) =>
  Translator.fit(runtime, rows, { ...small, hiddenSize: 8, epochs: 2, validation: 0, ...options });

test.each([
  ["additive", {}],
  ["multiplicative", { cell: "gru" }],
  ["none", { bidirectional: false }],
  ["additive", { teacherForcing: { from: 1, to: 0.7, steps: 200 } }],
] as const)("attention %s, %o: learns to write more and fewer letters than it read", async (attention, options) => {
  const accuracies: number[] = [];
  const fit = Translator.fit(runtime, pairs(500), {
    ...small,
    hiddenSize: 40,
    ...options,
    attention,
    epochs: 25,
    patience: 8,
  });
  for await (const { validation } of fit) if (validation) accuracies.push(validation.metrics.accuracy!);
  expect(Math.max(...accuracies)).toBeGreaterThan(0.97);
  const translator = await fit;
  const { exact, characterErrorRate, bleu, loss } = await translator.evaluate(pairs(100, 2));
  expect(exact).toBeGreaterThan(0.9);
  expect(characterErrorRate).toBeLessThan(0.05);
  expect(bleu).toBeGreaterThan(0.9);
  expect(loss).toBeLessThan(0.2);
  const found = await translator.translate("abcb.");
  expect(found).toMatchObject({ text: "xyzyz.", targetUnits: [..."xyzyz."], sourceUnits: [..."abcb."] });
  expect(found.attention === undefined).toBe(attention === "none");
  if (found.attention) {
    expect(found.attention.map((row) => row.length)).toEqual(new Array(6).fill(5));
    for (const row of found.attention) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  }
  const better = await translator.evaluate(pairs(100, 2), { beam: 4 });
  expect(better.exact).toBeGreaterThan(0.9);
  translator.dispose();
});

/** Logarithms of the probabilities of the unit after each of some beginnings, by the model itself. */
async function scores(translator: Translator, source: string, before: readonly number[]) {
  const row = translator.columns.encode({ row: { source }, at: "row" });
  const x: StateDict = {
    [inputOf("source")]: { shape: [source.length, 1], data: Int32Array.from(row.lists[0] as Int32Array) },
    lengths: { shape: [1], data: Int32Array.of(source.length) },
    before: { shape: [before.length, 1], data: Int32Array.from(before) },
  };
  const { logits } = await runtime.predict(translator.model, x);
  const V = logits.shape[2]!;
  return before.map((_, t) => softmax([...logits.data.subarray(t * V, (t + 1) * V)]).map(Math.log));
}

test.each(["additive", "none"] as const)(
  "attention %s: a beam that is wide enough finds all texts, in their order",
  async (attention) => {
    const translator = await quick(pairs(120), { attention });
    // The vocabulary: <pad>, <unk>, <s>, </s>, and the letters by their number.
    const [begin, end, length] = [2, 3, 3];
    const letters = [4, 5, 6, 7];
    const source = "abb.";
    const all: { tokens: number[]; logP: number }[] = [];
    const grow = async (tokens: number[], logP: number): Promise<void> => {
      if (tokens.at(-1) === end || tokens.length === length) {
        all.push({ tokens, logP });
        return;
      }
      const next = (await scores(translator, source, [begin, ...tokens])).at(-1)!;
      for (const token of [end, ...letters]) await grow([...tokens, token], logP + next[token]!);
    };
    await grow([], 0);
    expect(all.length).toBe(1 + 4 + 16 * 5);
    for (const lengthPenalty of [0, 1, -0.5]) {
      const score = ({ tokens, logP }: { tokens: number[]; logP: number }) => logP / tokens.length ** lengthPenalty;
      all.sort((a, b) => score(b) - score(a));
      const options = { beam: 85, nBest: 85, length, lengthPenalty };
      const { alternatives, ...best } = await translator.translate(source, options);
      const found = [best, ...alternatives!];
      expect(found.length).toBe(85);
      for (const [i, { logProbability, targetUnits }] of found.entries()) {
        expect(logProbability).toBeCloseTo(all[i]!.logP, 4);
        expect(targetUnits.length).toBe(all[i]!.tokens.filter((token) => token !== end).length);
      }
      expect(new Set(found.map(({ targetUnits, logProbability }) => `${targetUnits} ${logProbability}`)).size).toBe(85);
    }
    translator.dispose();
  },
);

test("greedy search takes the likeliest unit each time, over several calls of the device", async () => {
  const translator = await quick(pairs(120), { epochs: 1 });
  const { logProbability, targetUnits, attention } = await translator.translate("abcab.", { length: 20 });
  let [tokens, total] = [[2], 0];
  for (let t = 0; t < 20 && tokens.at(-1) !== 3; t++) {
    const next = (await scores(translator, "abcab.", tokens)).at(-1)!;
    const token = next.reduce((best, x, v) => (v >= 3 && x > next[best]! ? v : best), 3);
    tokens = [...tokens, token];
    total += next[token]!;
  }
  const ended = tokens.at(-1) === 3;
  expect(targetUnits.length).toBe(tokens.length - 1 - (ended ? 1 : 0));
  expect(logProbability).toBeCloseTo(total, 4);
  expect(attention!.length).toBe(targetUnits.length);
  const shorter = await translator.translate("abcab.", { length: 2 });
  expect(shorter.targetUnits).toEqual(targetUnits.slice(0, 2));
  translator.dispose();
});

test("one text says what many say, in both searches; probabilities are those of the loss", async () => {
  const translator = await Translator.fit(runtime, pairs(300), { ...small, epochs: 8, validation: 0 });
  const texts = pairs(70, 3).map(({ source }) => source);
  for (const options of [{}, { beam: 3, nBest: 2 }]) {
    const all = await translator.translate(texts, options);
    for (const i of [0, 33, 69]) {
      const one = await translator.translate(texts[i]!, options);
      expect(one.text).toBe(all[i]!.text);
      expect(one.logProbability).toBeCloseTo(all[i]!.logProbability, 4);
      expect(one.alternatives?.map(({ text }) => text)).toEqual(all[i]!.alternatives?.map(({ text }) => text));
    }
  }
  const { text, targetUnits, logProbability } = await translator.translate("ab.");
  const { loss } = await translator.evaluate([{ source: "ab.", target: text }]);
  expect(-loss * (targetUnits.length + 1)).toBeCloseTo(logProbability, 4);
  translator.dispose();
});

test("a file holds all of it: the same translations, and training goes on as it would have", async () => {
  const rows = pairs(80);
  const options = { dropout: 0.2, teacherForcing: { from: 1, to: 0.5, steps: 8 } } as const;
  const [one, other] = [await quick(rows, options), await quick(rows, options)];
  const loaded = await Translator.load(runtime, await one.save());
  const texts = rows.slice(0, 5).map(({ source }) => source);
  const said = await one.translate(texts, { beam: 2 });
  expect(await other.translate(texts, { beam: 2 })).toEqual(said); // two of one seed are alike
  expect(await loaded.translate(texts, { beam: 2 })).toEqual(said);
  expect(loaded.steps).toBe(one.steps);
  const lossesOf = async (task: Translator) => {
    const losses: number[] = [];
    for await (const { loss } of task.fit(rows, { epochs: 3, validation: 0 })) losses.push(loss);
    return losses;
  };
  const expected = await lossesOf(other);
  expect(await lossesOf(loaded)).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(4);
  const others = await quick(rows, { ...options, seed: 1 });
  expect(await others.translate(texts, { beam: 2 })).not.toEqual(said);
  for (const task of [one, other, loaded, others]) task.dispose();
});

test("nothing stays on the device, and weights that were trained on are those that translate", async () => {
  const { bytes } = runtime.memory();
  const translator = await quick(pairs(60), { epochs: 1 });
  const before = await translator.translate("ab.");
  await translator.fit(pairs(60), { epochs: 1, validation: 0 });
  expect((await translator.translate("ab.")).logProbability).not.toBe(before.logProbability);
  await translator.translate("ab.", { beam: 3 });
  translator.dispose();
  expect(runtime.memory().bytes).toBe(bytes);
});

test("the share of the truth goes in a straight line, and is what is drawn", () => {
  expect([0, 5, 10, 99].map((step) => shareAt({ from: 1, to: 0.5, steps: 10 }, step))).toEqual([1, 0.75, 0.5, 0.5]);
  expect(shareAt(0.3, 7)).toBe(0.3);
  const before = { shape: [50, 40], data: new Int32Array(2000) };
  const { data } = drawnTruth(before, 0.3, 0, 0);
  expect([...data.subarray(0, 40)]).toEqual(new Array(40).fill(1));
  const share = [...data.subarray(40)].reduce((a, b) => a + b, 0) / 1960;
  expect(Math.abs(share - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / 1960));
  expect(drawnTruth(before, 0.3, 0, 0).data).toEqual(data);
  expect(drawnTruth(before, 0.3, 0, 1).data).not.toEqual(data);
});

test("where the truth is not given, the model reads what it says after the true units", async () => {
  const translator = await quick(pairs(60));
  const { model } = translator;
  const x = {
    [inputOf("source")]: { shape: [4, 1], data: Int32Array.of(2, 3, 4, 5) },
    lengths: { shape: [1], data: Int32Array.of(4) },
  };
  const before = { shape: [4, 1], data: Int32Array.of(2, 4, 5, 6) };
  const logits = async (tokens: object) => (await runtime.predict(model, { ...x, ...tokens } as StateDict)).logits!;
  const first = await logits({ before });
  const V = first.shape[2]!;
  const said = [0, 1, 2].map((t) => {
    const row = first.data.subarray(t * V, (t + 1) * V);
    return row.indexOf(Math.max(...row));
  });
  const mixed = { shape: [4, 1], data: Int32Array.of(2, said[0]!, 5, said[2]!) };
  const isTrue = { shape: [4, 1], data: Int32Array.of(1, 0, 1, 0) };
  expect((await logits({ before, isTrue })).data).toEqual((await logits({ before: mixed })).data);
  expect((await logits({ before, isTrue })).data).not.toEqual(first.data);
  const all = { shape: [4, 1], data: Int32Array.of(1, 1, 1, 1) };
  expect((await logits({ before, isTrue: all })).data).toEqual(first.data);
  translator.dispose();
});

test("units are words for sentences, and what the options say", async () => {
  const sentences = Array.from({ length: 30 }, (_, i) => ({
    en: `the old man ${i % 2 ? "saw" : "heard"} a small dog.`,
    ko: `할아버지가 작은 개를 ${i % 2 ? "보았다" : "들었다"}.`,
  }));
  const options = { source: "en", target: "ko", targetUnit: "jamo" } as const;
  const translator = await Translator.fit(runtime, sentences, { ...small, ...options, epochs: 80, validation: 0 });
  const { text, sourceUnits, targetUnits } = await translator.translate("the old man heard a small dog.");
  expect(sourceUnits).toEqual(["the", "old", "man", "heard", "a", "small", "dog", "."]);
  expect(text).toBe("할아버지가 작은 개를 들었다.");
  expect(targetUnits.slice(0, 3)).toEqual([..."할".normalize("NFD")]);
  const { exact, bleu } = await translator.evaluate(sentences);
  expect([exact, bleu]).toEqual([1, 1]);
  translator.dispose();
});

const good = { source: "ab", target: "xy" };
test.each<[string, readonly object[], object, RegExp]>([
  ["no rows", [], {}, /rows are \[\], expected a list of at least one/],
  ["a missing source", [good, { target: "x" }], {}, /^row 1 has no column "source", but target$/],
  ["a missing target", [good, { source: "x" }], {}, /^row 1 has no column "target", but source$/],
  ["an empty source", [good, { source: "", target: "x" }], {}, /^row 1: source is empty: "" has no characters/],
  ["an empty target", [good, { source: "x", target: "" }], {}, /^row 1: target is empty: "" has no characters/],
  ["numbers", [good, { source: 5, target: "x" }], {}, /^row 1: source is 5, expected a text/],
  ["no object", [good, null as never], {}, /^row 1 has no column "source", but null/],
  ["an unknown option", [good], { atention: "none" }, /unknown option "atention"/],
  ["unknown attention", [good], { attention: "soft" }, /attention is "soft", expected one of none, additive, multi/],
  ["an unknown unit", [good], { sourceUnit: "letters" }, /sourceUnit is "letters", expected one of characters, words/],
  ["an unknown unit", [good], { targetUnit: "letters" }, /targetUnit is "letters", expected one of characters, words/],
  ["a share above 1", [good], { teacherForcing: 2 }, /teacherForcing is 2, expected a finite number in \[0, 1\]/],
  ["a share of nothing", [good], { teacherForcing: { from: 1, to: 0 } }, /teacherForcing: steps is undefined/],
  ["validation rows", [good], { validation: [{ source: "a" }] }, /^validation row 0 has no column "target"/],
])("%s: refused before anything runs", async (_, rows, options, message) => {
  const { bytes } = runtime.memory();
  await expect(Translator.fit(runtime, rows, options)).rejects.toThrow(message);
  expect(runtime.memory().bytes).toBe(bytes);
});

test("translate refuses what it cannot read, and options that make no sense", async () => {
  const translator = await quick(pairs(60), { epochs: 1 });
  const refused: [unknown, object, RegExp][] = [
    ["", {}, /^text 0: source is empty/],
    [["ab.", "QQ"], {}, /^text 1: the model knows none of the 2 units of its text/],
    [[], {}, /texts are \[\], expected a list of at least one/],
    [[5], {}, /^text 0: source is 5, expected a text/],
    ["ab.", { bean: 2 }, /unknown option "bean"/],
    ["ab.", { beam: 0 }, /beam is 0/],
    ["ab.", { beam: 2, nBest: 3 }, /nBest is 3, only 2 hypotheses are kept/],
    ["ab.", { length: 0 }, /length is 0/],
    ["ab.", { lengthPenalty: 9 }, /lengthPenalty is 9/],
  ];
  for (const [texts, options, message] of refused)
    await expect(translator.translate(texts as string, options)).rejects.toThrow(message);
  await expect(translator.evaluate([{ source: "a" }])).rejects.toThrow(/^row 0 has no column "target"/);
  await expect(translator.evaluate(pairs(3), { nBest: 1 } as never)).rejects.toThrow(/unknown option "nBest"/);
  translator.dispose();
});

test("weights that are no numbers are told, and not a text", async () => {
  const translator = await quick(pairs(40), { epochs: 1 });
  const weights = await runtime.stateDict(translator.model);
  const bias = weights["decoder.head.bias"]!;
  runtime.loadStateDict(translator.model, {
    ...weights,
    "decoder.head.bias": { ...bias, data: new Float32Array(bias.data.length).fill(Number.NaN) },
  });
  for (const beam of [1, 2])
    await expect(translator.translate("ab.", { beam, length: 3 })).rejects.toThrow(/no text has a probability above 0/);
  translator.dispose();
});

test("files of other kinds, and damaged ones, are refused", async () => {
  const translator = await quick(pairs(40), { epochs: 1 });
  const bytes = await translator.save();
  await expect(SequenceClassifier.load(runtime, bytes)).rejects.toThrow(
    /is of a translator, not of a sequence classifier/,
  );
  const text = new TextDecoder("latin1").decode(bytes);
  for (const [from, to, message] of [
    ['\\"attention\\":\\"additive\\"', '\\"attention\\":\\"addition\\"', /attention is "addition"/],
    ['\\"longest\\":', '\\"longes_\\":', /unknown option "longes_"/],
    ['\\"unit\\":\\"characters\\"', '\\"unit\\":\\"characterz\\"', /unit is "characterz"/],
    ['\\"begin\\"', '\\"begim\\"', /special is/],
  ] as const) {
    expect(text).toContain(from);
    const changed = Uint8Array.from(text.replaceAll(from, to), (character) => character.charCodeAt(0));
    await expect(Translator.load(runtime, changed)).rejects.toThrow(message);
  }
  translator.dispose();
});

test("the twins train and search it too", async () => {
  using cpu = await Runtime.open({ backend: "cpu" });
  const options = { ...small, hiddenSize: 4, embeddingDim: 4, epochs: 1, validation: 0 };
  const [a, b] = await Promise.all([cpu, runtime].map((on) => Translator.fit(on, pairs(20), options)));
  for (const search of [{ length: 4 }, { beam: 2, length: 4 }]) {
    const [one, other] = [await a!.translate("ab.", search), await b!.translate("ab.", search)];
    expect(one.text).toBe(other.text);
    expect(one.logProbability).toBeCloseTo(other.logProbability, 3);
  }
  b!.dispose();
});
