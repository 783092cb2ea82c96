/** Language models: probabilities of texts of characters, words and Hangul letters, and texts that they write. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime } from "../../src/index.ts";
import { LanguageModel, NGramModel, type Progress, taskCells, textUnits, unitsOf } from "../../src/tasks/index.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

/** Sentences of a small grammar, English and Korean, made up; half of them begin with 나는 or "i". */
function sentences(count: number, seed = 1): string[] {
  const random = new RandomStream(seed, "sentences");
  const pick = <T>(all: readonly T[]) => all[Math.floor(random.next() * all.length)]!;
  return Array.from({ length: count }, () => {
    const [who, what, did] = [pick(["나는", "너는"]), pick(["밥을", "빵을", "학교에"]), pick(["먹었다", "샀다"])];
    return random.next() < 0.5
      ? `${who} ${what === "학교에" ? "학교에 갔다" : `${what} ${did}`}.`
      : pick(["i am kind", "you are kind"]);
  });
}
const stream = sentences(120).join("\n");

const adam = { name: "adam", lr: 0.02 } as const;
const small = { embeddingDim: 12, hiddenSize: 24, dropout: 0, optimizer: adam } as const;
/** One that knows little, quickly. */
const quick = (texts: string | readonly string[], options: object = {}) =>
  LanguageModel.fit(runtime, texts, {
    ...small,
    epochs: 2,
    ...(typeof texts === "string" && { batch: 4, window: 16 }),
    ...options,
  });

async function written(model: LanguageModel, options: Parameters<LanguageModel["generate"]>[0]): Promise<string> {
  let text = "";
  for await (const piece of model.generate(options)) text += piece;
  return text;
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

test.each(textUnits)("%s: sentences are learned, and each ends where it ends", async (of) => {
  const fit = LanguageModel.fit(runtime, sentences(500), { ...small, of, epochs: of === "jamo" ? 18 : 6 });
  const ends: Progress[] = [];
  let next = await fit.next();
  for (; !next.done; next = await fit.next()) if (next.value.validation) ends.push(next.value);
  const model = next.value;
  expect(model).toMatchObject({ of, sentences: true });
  const held = sentences(200, 2);
  const report = await model.evaluate(held);
  // English: 1 bit of two and 1 of the language; Korean: who, what, and for two of three what was done; and little that is not known.
  const bits = 1 + 0.5 * 1 + 0.5 * (1 + Math.log2(3) + 2 / 3);
  const perSentence = -report.logProbability / Math.LN2 / held.length;
  expect(perSentence).toBeGreaterThan(bits - 0.25);
  expect(perSentence).toBeLessThan(bits + 0.4);
  expect(report.units).toBe(sum(held.map((text) => unitsOf(text, of).length + 1)));
  expect(report.characters).toBe(sum(held.map((text) => text.length + 1)));
  expect(report.unknown).toBe(0);
  expect(report.perplexity).toBeCloseTo(2 ** ((perSentence * held.length) / report.units), 5);
  expect(await model.perplexity(held)).toBe(report.perplexity);
  expect(await model.bitsPerCharacter(held)).toBeCloseTo((perSentence * held.length) / report.characters, 6);
  expect(ends.at(-1)!.validation!.metrics.perplexity).toBeCloseTo(Math.exp(ends.at(-1)!.validation!.loss), 3);
  const known = new Set(sentences(500));
  let right = 0;
  for (let seed = 0; seed < 20; seed++) right += Number(known.has(await written(model, { seed })));
  expect(right).toBeGreaterThan(15);
  model.dispose();
});

test.each(textUnits)("%s: one text is learned as a stream, and goes on after its prompt", async (of) => {
  const text = "나는 배가 고파서 밥을 먹었다. Then i went to bed. ".repeat(60);
  const options = { ...small, of, batch: 4, window: 16, epochs: 6 } as const;
  const model = await LanguageModel.fit(runtime, text, options);
  expect(model.sentences).toBe(false);
  const { perplexity, units, characters, bitsPerCharacter, logProbability } = await model.evaluate(text);
  expect(perplexity).toBeLessThan(1.2);
  expect(units).toBe(unitsOf(text, of).length);
  expect(characters).toBe(text.length);
  expect(bitsPerCharacter).toBeCloseTo(-logProbability / Math.LN2 / text.length, 8);
  const pieces: string[] = [];
  for await (const piece of model.generate({ prompt: "나는 배가", length: 70, temperature: 0 })) pieces.push(piece);
  expect(pieces.length).toBeGreaterThan(1);
  const all = `나는 배가${pieces.join("")}`;
  expect(text.startsWith(all)).toBe(true);
  const asked = unitsOf(all, of).length - unitsOf("나는 배가", of).length;
  expect(asked).toBe(70);
  model.dispose();
});

test.each([
  ["sentences", sentences(100)],
  ["a stream", stream],
])("%s: what is said of each unit is what the network says, and sums up to what evaluate says", async (_, texts) => {
  const model = await quick(texts, { numLayers: 2, of: "jamo" });
  const text = sentences(24, 5).join(" "); // more than one window of every kind
  const { units, logProbability } = await model.probability(text);
  expect(units.length).toBeGreaterThan(256);
  const report = await model.evaluate(typeof texts === "string" ? text : [text]);
  expect(units.length).toBe(report.units);
  expect(Math.abs(logProbability / report.logProbability - 1)).toBeLessThan(1e-5);
  expect(sum(units.map(({ probability }) => Math.log(probability)))).toBeCloseTo(logProbability, 3);
  const { begin, end } = model.vocabulary.special;
  const tokens = model.vocabulary.encode(unitsOf(text, "jamo"), { end: end !== undefined });
  const x = { shape: [tokens.length, 1], data: Int32Array.of(begin!, ...tokens.subarray(0, -1)) };
  const { logits, ...after } = await runtime.predict(model.model, x);
  const V = model.vocabulary.size;
  for (const t of [0, 63, 64, 65, 200, tokens.length - 1]) {
    const row = [...logits.data.subarray(t * V, (t + 1) * V)];
    const probability = Math.exp(row[tokens[t]!]!) / sum(row.map(Math.exp));
    expect(units[t]!.probability).toBeCloseTo(probability, 5);
    expect(units[t]!.unit).toBe(model.vocabulary.symbols[tokens[t]!]);
  }
  const { states, units: named } = await model.states(text);
  expect(named).toEqual(unitsOf(text, "jamo"));
  expect(Object.keys(states).sort()).toEqual(["c", "h"]);
  const whole = await runtime.predict(model.model, {
    shape: [named.length + 1, 1],
    data: Int32Array.of(begin!, ...tokens.subarray(0, named.length)),
  });
  expect(after["state.h"]!.shape).toEqual([2, 1, 24]);
  for (const [name, { shape, data }] of Object.entries(states)) {
    expect(shape).toEqual([named.length, 2, 24]);
    const last = [...data.subarray(-48)];
    last.forEach((value, i) => {
      expect(value).toBeCloseTo(whole[`state.${name}`]!.data[i]!, 5);
    });
  }
  // A shorter text has the same states, as far as it goes.
  const some = await model.states(text.slice(0, 5));
  const { h } = some.states;
  h!.data.forEach((value, i) => {
    expect(value).toBeCloseTo(states.h!.data[i]!, 5);
  });
  model.dispose();
});

test.each(textUnits)("%s: measures are those of an NGramModel with the same vocabulary", async (of) => {
  for (const [texts, held] of [
    [sentences(100), sentences(20, 3)],
    [stream, "나는 밥을 먹었다. you are new"],
  ] as const) {
    const model = await quick(texts, { of, epochs: 1 });
    const counted = NGramModel.fit(texts, { of, n: 2, vocabulary: model.vocabulary });
    const report = await model.evaluate(held);
    // Bits are measured over the same characters, and perplexity over the same units.
    const perUnit = Math.log2(counted.perplexity(held));
    expect(counted.bitsPerCharacter(held) / perUnit).toBeCloseTo(report.units / report.characters, 10);
    expect(report.bitsPerCharacter / Math.log2(report.perplexity)).toBeCloseTo(report.units / report.characters, 10);
    // All that may be written, together, is certain.
    const { next } = await model.complete("", { k: 1000, length: 0 });
    expect(next.length).toBe(model.vocabulary.size - 2);
    expect(sum(next.map(({ probability }) => probability))).toBeCloseTo(1, 4);
    model.dispose();
  }
});

test("the likeliest next units, and whole texts", async () => {
  const model = await LanguageModel.fit(runtime, sentences(500), { ...small, of: "words", epochs: 8 });
  const { next, continuations } = await model.complete("i am ", { k: 3 });
  expect(next[0]!.unit).toBe("kind");
  expect(next.length).toBe(3);
  expect(continuations[0]!.text).toBe("i am kind");
  expect(continuations.length).toBe(3);
  const { logProbability, units } = await model.probability("i am kind");
  // The unknown token has next to none of the probability here, so both are the same.
  expect(continuations[0]!.logProbability).toBeCloseTo(
    logProbability - sum(units.slice(0, 2).map(({ probability }) => Math.log(probability))),
    2,
  );
  const end = await model.complete("i am kind ", { k: 1, length: 0 });
  expect(end.next[0]).toMatchObject({ unit: "</s>" });
  expect(end.continuations).toEqual([]);
  const all = await model.complete("", { k: 1000, length: 1 });
  expect(sum(all.next.map(({ probability }) => probability))).toBeCloseTo(1, 4);
  expect(all.next.map(({ unit }) => unit)).not.toContain("<unk>");
  expect(all.next.length).toBe(model.vocabulary.size - 2);
  expect(all.continuations.length).toBe(all.next.length);
  // Where a word is begun: those that begin so, also with the letters of a syllable that is not whole.
  const begun = await model.complete("나는 ㅎ", { k: 3 });
  expect(begun.next.map(({ unit }) => unit)).toEqual(["학교에"]);
  expect(begun.continuations[0]!.text).toBe("나는 학교에 갔다.");
  expect((await model.complete("나는 학ㄱ", { length: 0 })).next.map(({ unit }) => unit)).toEqual(["학교에"]);
  const started = await model.complete("y", { k: 2, length: 4 });
  expect(started.continuations.map(({ text }) => text)).toEqual(["you are kind"]);
  expect((await model.complete("나는 qu", {})).next).toEqual([]);
  const whole = await model.probability("나는 학교에");
  expect(begun.next[0]!.probability).toBeCloseTo(whole.units[1]!.probability, 3);
  model.dispose();
});

test("of letters and characters a text goes on where it stopped", async () => {
  for (const of of ["jamo", "characters"] as const) {
    const model = await LanguageModel.fit(runtime, sentences(400), { ...small, of, epochs: 8 });
    const prefix = of === "jamo" ? "나는 하" : "나는 학";
    const { next, continuations } = await model.complete(prefix, { k: 2 });
    expect(next[0]!.unit).toBe(of === "jamo" ? "ᆨ" : "교");
    expect(continuations[0]!.text).toBe("나는 학교에 갔다.");
    const rest = await written(model, { prompt: prefix, temperature: 0 });
    expect((prefix + rest).normalize("NFC")).toBe("나는 학교에 갔다.");
    model.dispose();
  }
});

test("unknown units are never written, and count with the unknown token's probability", async () => {
  // Every second word is there once.
  const texts = Array.from({ length: 200 }, (_, i) => `the word${i} was the other${i}`);
  const model = await quick(texts, { of: "words", minCount: 2 });
  expect([...model.vocabulary.symbols]).toEqual(["<unk>", "<s>", "</s>", "the", "was"]);
  const { units } = await model.probability("the new was the next");
  expect(units.map(({ unit }) => unit)).toEqual(["the", "<unk>", "was", "the", "<unk>", "</s>"]);
  expect(units[1]!.probability).toBeGreaterThan(0.5);
  expect((await model.evaluate(["the new was the next"])).unknown).toBeCloseTo(2 / 5, 10);
  for (let seed = 0; seed < 10; seed++)
    expect(await written(model, { seed, prompt: "the", length: 20, temperature: 2 })).toMatch(/^( the| was)*$/);
  expect((await model.complete("the ", { length: 0 })).next.map(({ unit }) => unit)).not.toContain("<unk>");
  await expect(written(model, { prompt: "what else" })).rejects.toThrow(/knows none of the 2 words of "what else"/);
  await expect(model.complete("what ")).rejects.toThrow(/knows none of the 1 words/);
  expect(await written(model, { prompt: "what was" })).not.toBeUndefined();
  model.dispose();
});

test("writing: seeds, limits, and a signal", async () => {
  const model = await quick(stream);
  const of = (options: object) => written(model, { length: 40, ...options });
  expect(await of({ seed: 3 })).toBe(await of({ seed: 3 }));
  expect(await of({ seed: 3 })).not.toBe(await of({ seed: 4 }));
  expect([...(await of({ length: 33, temperature: 2 }))].length).toBe(33);
  expect(await of({ topK: 1, seed: 5 })).toBe(await of({ temperature: 0 }));
  expect(await of({ topP: 1e-6, seed: 6 })).toBe(await of({ temperature: 0 }));
  const greedy = await of({ prompt: "나", temperature: 0, length: 1 });
  expect((await model.complete("나", { length: 0 })).next[0]!.unit).toBe(greedy);
  const stop = new AbortController();
  let count = 0;
  for await (const piece of model.generate({ length: 1000, signal: stop.signal })) {
    count += [...piece].length;
    stop.abort();
  }
  expect(count).toBeLessThan(100);
  await expect(of({ lenght: 3 })).rejects.toThrow(/unknown option "lenght"/);
  await expect(of({ temperature: -1 })).rejects.toThrow(/temperature/);
  await expect(model.complete("나", { k: 0 })).rejects.toThrow(/k is 0/);
  await expect(of({ prompt: 5 })).rejects.toThrow(/generate: prompt is 5, expected a text/);
  await expect(model.complete(["나"] as never)).rejects.toThrow(/complete: the text is \["나"\], expected a text/);
  model.dispose();
});

test("writing after more training is writing of the new weights", async () => {
  const others = runtime.memory().models.length;
  const model = await quick(stream, { epochs: 1 });
  const before = await model.complete("나", { k: 1, length: 3 });
  await written(model, { length: 5 });
  await model.fit(stream, { epochs: 3 });
  const after = await model.complete("나", { k: 1, length: 3 });
  expect(after.next[0]!.probability).not.toBe(before.next[0]!.probability);
  const copy = await LanguageModel.load(runtime, await model.save());
  expect(await copy.complete("나", { k: 1, length: 3 })).toEqual(after);
  expect(await written(model, { seed: 2 })).toBe(await written(copy, { seed: 2 }));
  model.dispose();
  copy.dispose();
  expect(runtime.memory().models.length).toBe(others);
});

test.each(taskCells)("%s: trains, writes and has states", async (cell) => {
  const model = await quick(stream, { cell, hiddenSize: 8, numLayers: 2, epochs: 1 });
  expect([...(await written(model, { length: 9 }))].length).toBe(9);
  const { states } = await model.states("나는 밥을");
  expect(states.h!.shape).toEqual([5, 2, 8]);
  expect((await model.probability("나는 밥을")).logProbability).toBeLessThan(0);
  model.dispose();
});

test("tied weights are one matrix", async () => {
  const model = await quick(sentences(60), { tieWeights: true, embeddingDim: undefined });
  expect(model.model.embedding.embeddingDim).toBe(24);
  expect(model.model.head.weight).toBe(model.model.embedding.weight);
  const loaded = await LanguageModel.load(runtime, await model.save());
  expect(loaded.model.head.weight).toBe(loaded.model.embedding.weight);
  expect(await loaded.probability("나는")).toEqual(await model.probability("나는"));
  model.dispose();
  loaded.dispose();
});

test("on the twins it learns, too", async () => {
  const twins = await Runtime.open({ backend: "cpu" });
  const model = await LanguageModel.fit(twins, "가나다 ".repeat(20), {
    ...{
      embeddingDim: 4,
      hiddenSize: 6,
      dropout: 0,
      batch: 2,
      window: 8,
      epochs: 12,
      optimizer: { name: "adam", lr: 0.05 },
    },
    validation: 0,
  });
  expect(await written(model, { prompt: "가", length: 4, temperature: 0 })).toBe("나다 가");
  expect(await model.perplexity("가나다 가나다 가나다")).toBeLessThan(2);
  twins.dispose();
});
