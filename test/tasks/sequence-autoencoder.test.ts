/** A sequence to a vector and back: symbols and numbers. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime } from "../../src/index.ts";
import { areaUnderCurve, SequenceAutoencoder } from "../../src/tasks/index.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

/** Made-up words of one to three syllables. */
function words(count: number, seed = 1) {
  const random = new RandomStream(seed, "words");
  const pick = (parts: readonly string[]) => parts[Math.floor(random.next() * parts.length)]!;
  return Array.from({ length: count }, () => ({
    name: Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => pick(["ba", "ko", "mi", "tu"])).join(""),
  }));
}

/** Waves of two numbers at each of 6 steps, of any phase and height; the second number is 100 times the first, later. */
function waves(count: number, seed = 1) {
  const random = new RandomStream(seed, "waves");
  return Array.from({ length: count }, () => {
    const [phase, height] = [random.next() * 6, 1 + random.next()];
    const at = (t: number) => height * Math.sin(t + phase);
    return { wave: Array.from({ length: 6 }, (_, t) => [at(t), 100 * at(t + 1)]) };
  });
}

const small = { hiddenSize: 24, embeddingDim: 8, vectorSize: 8 } as const;
/** Trains one that knows little, quickly. */
const quick = (rows: readonly object[], options: object = {}) =>
  SequenceAutoencoder.fit(runtime, rows, { ...small, hiddenSize: 8, epochs: 2, ...options });

test("symbols: words come back, and words of other syllables have the larger error", async () => {
  const learn = { noise: 0, optimizer: { name: "adam", lr: 0.01 }, patience: 8 } as const;
  const options = { ...small, hiddenSize: 32, vectorSize: 16, ...learn };
  const task = await SequenceAutoencoder.fit(runtime, words(400), options);
  const { loss, accuracy, exact } = await task.evaluate(words(60, 2));
  expect(loss).toBeLessThan(0.1);
  expect(accuracy).toBeGreaterThan(0.97);
  expect(exact).toBeGreaterThan(0.9);
  const rows = words(40, 3);
  const back = await task.reconstruct(rows);
  // What is exact one step at a time is exact as a whole.
  const same = back.filter((text, i) => text === rows[i]!.name).length;
  expect(same / rows.length).toBeCloseTo((await task.evaluate(rows)).exact!, 10);
  const vectors = await task.encode([{ name: "bakomi" }, { name: "tu" }]);
  expect(vectors.map(({ length }) => length)).toEqual([16, 16]);
  const ends = await task.reconstruct([{ name: "bakomi" }, { name: "tu" }]);
  expect(ends[1]).toBe("tu");
  expect(await task.decode(vectors)).toEqual(ends);
  expect(await task.decode([...vectors[0]!], { length: 4 })).toBe((ends[0] as string).slice(0, 4));
  const between = await task.interpolate({ name: "bakomi" }, { name: "tu" }, { steps: 4 });
  expect(between).toHaveLength(4);
  expect([between[0], between[3]]).toEqual(ends);
  const odd = words(40, 4).map(({ name }) => ({ name: [...name].reverse().join("") }));
  const score = areaUnderCurve(await task.errors(rows), await task.errors(odd));
  expect(score).toBeGreaterThan(0.95);
  task.dispose();
});

test("numbers: waves come back in their own units, and what is no wave has the larger error", async () => {
  const options = { ...small, vectorSize: 3, noise: 0.02, optimizer: { name: "adam", lr: 0.02 } } as const;
  const task = await SequenceAutoencoder.fit(runtime, waves(300), options);
  const { loss, r2, exact } = await task.evaluate(waves(60, 2));
  expect(exact).toBeUndefined();
  expect(r2).toBeGreaterThan(0.9);
  const rows = waves(20, 3);
  const back = (await task.reconstruct(rows)) as number[][][];
  const [low, high] = [0, 1].map((c) => {
    const squares = rows.flatMap(({ wave }, i) => wave.map((step, t) => (back[i]![t]![c]! - step[c]!) ** 2));
    return squares.reduce((a, b) => a + b) / squares.length;
  }) as [number, number];
  expect(low).toBeLessThan(0.2);
  expect(high).toBeLessThan(0.2 * 100 ** 2);
  // Both features go from about -2 to 2, and from -200 to 200: the error is that of the scaled ones.
  const errors = await task.errors(rows);
  const mean = errors.reduce((a, b) => a + b) / errors.length;
  expect(mean / ((low / 4 ** 2 + high / 400 ** 2) / 2)).toBeCloseTo(1, 1);
  expect(loss).toBeLessThan(0.02);
  const odd = waves(60, 4).map(({ wave }) => ({ wave: wave.toReversed() }));
  expect(areaUnderCurve(await task.errors(waves(60, 5)), await task.errors(odd))).toBeGreaterThan(0.95);
  const between = (await task.interpolate(rows[0]!, rows[1]!)) as number[][][];
  expect(between.map(({ length }) => length)).toEqual([6, 6, 6, 6, 6]);
  between[0]!.flat().forEach((value, i) => {
    expect(value).toBeCloseTo(back[0]!.flat()[i]!, 3);
  });
  task.dispose();
});

test("noise is in what the encoder reads in training, and nowhere else", async () => {
  const rows = waves(60);
  const losses = async (options: object) => {
    const first: number[] = [];
    const fit = quick(rows, { validation: rows, ...options });
    for await (const { loss, validation } of fit) first.push(validation ? validation.loss : loss);
    const task = await fit;
    expect(await task.errors(rows)).toEqual(await task.errors(rows));
    task.dispose();
    return first;
  };
  const [without, with1, again] = [
    await losses({ noise: 0 }),
    await losses({ noise: 0.5 }),
    await losses({ noise: 0.5 }),
  ];
  expect(with1).toEqual(again);
  expect(with1[0]).not.toBe(without[0]);
  // Where every symbol is unknown to the encoder, the vector cannot say which of two rows it was: ln 2 nats of three symbols.
  const two = Array.from({ length: 20 }, (_, i) => ({ t: i % 2 ? ["a", "b"] : ["b", "a"] }));
  const lastLoss = async (noise: number) => {
    let last = Number.NaN;
    const learn = { optimizer: { name: "adam", lr: 0.03 }, validation: 0, batch: 20, epochs: 100, noise };
    const fit = quick(two, learn);
    for await (const { loss } of fit) last = loss;
    (await fit).dispose();
    return last;
  };
  expect(await lastLoss(0)).toBeLessThan(0.1);
  expect(await lastLoss(1)).toBeGreaterThan(Math.LN2 / 3 - 1e-3);
});

test.each([
  { cell: "gru", numLayers: 2, reverse: true },
  { cell: "slstm", bidirectional: false, dropout: 0.1 },
  { cell: "rnn", scaling: "standard" },
])("other layers: %o", async (options) => {
  const rows = [1, 2, 3, 4].map((n) => ({ values: Array.from({ length: n }, (_, t) => n + t), other: "x" }));
  const task = await quick(rows, { column: "values", ...options });
  const back = (await task.reconstruct(rows)) as number[][];
  expect(back.map(({ length }) => length)).toEqual([1, 2, 3, 4]);
  expect(back.flat().every(Number.isFinite)).toBe(true);
  const vector = await task.encode(rows[2]!);
  await expect(task.decode(vector)).rejects.toThrow(/had 1 to 4 steps.*give a length/);
  const three = (await task.decode(vector, { length: 3 })) as number[];
  three.forEach((value, t) => {
    expect(value).toBeCloseTo(back[2]![t]!, 4);
  });
  const between = await task.interpolate(rows[0]!, rows[2]!, { steps: 3 });
  expect(between.map(({ length }) => length)).toEqual([1, 2, 3]);
  const tokens = await quick([{ t: ["a", "b"] }, { t: ["b"] }], options);
  expect(Array.isArray(await tokens.decode(await tokens.encode({ t: ["b", "a"] })))).toBe(true);
  task.dispose();
  tokens.dispose();
});

test("reverse: what is decoded is in the order of the row", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({ t: i % 2 ? ["a", "b", "c"] : ["c", "c", "b", "d"] }));
  const learn = { ...small, reverse: true, noise: 0, optimizer: { name: "adam", lr: 0.03 } } as const;
  const task = await SequenceAutoencoder.fit(runtime, rows, learn);
  expect(await task.reconstruct(rows.slice(0, 2))).toEqual([
    ["c", "c", "b", "d"],
    ["a", "b", "c"],
  ]);
  task.dispose();
});

test.each([
  ["symbols", words(90)],
  ["numbers", waves(90)],
])("%s: a file has all of it, and training goes on as without it", async (_, rows) => {
  const options = { validation: 0, dropout: 0.2, seed: 3 };
  const [one, other] = [await quick(rows, options), await quick(rows, options)];
  const bytes = await one.save();
  expect(await other.save()).toEqual(bytes);
  const loaded = await SequenceAutoencoder.load(runtime, bytes);
  expect(await loaded.save()).toEqual(bytes);
  expect(loaded.steps).toBe(one.steps);
  expect(await loaded.encode(rows.slice(0, 9))).toEqual(await one.encode(rows.slice(0, 9)));
  expect(await loaded.reconstruct(rows.slice(0, 9))).toEqual(await one.reconstruct(rows.slice(0, 9)));
  const lossesOf = async (task: SequenceAutoencoder) => {
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
  const task = await quick(words(60));
  const rows = words(70, 3);
  const [vectors, errors] = [await task.encode(rows), await task.errors(rows)];
  for (const i of [0, 17, 69]) {
    const vector = await task.encode(rows[i]!);
    vector.forEach((value, e) => {
      expect(value).toBeCloseTo(vectors[i]![e]!, 5);
    });
    expect((await task.errors([rows[i]!]))[0]).toBeCloseTo(errors[i]!, 5);
    expect(await task.decode(vector)).toEqual((await task.reconstruct([rows[i]!]))[0]);
  }
  const { loss } = await task.evaluate(rows);
  const symbols = rows.map(({ name }) => name.length + 1);
  const sum = errors.reduce((total, error, i) => total + error * symbols[i]!, 0);
  expect(loss).toBeCloseTo(sum / symbols.reduce((a, b) => a + b), 6);
  task.dispose();
});

test("the column is guessed: texts with spaces by words, others by characters", async () => {
  const kindsOf = async (rows: readonly object[], options: object = {}) => {
    const task = await quick(rows, { epochs: 1, ...options });
    const { kinds } = task.columns;
    task.dispose();
    return kinds;
  };
  expect(
    await kindsOf([
      { t: "a b", n: 1 },
      { t: "b", n: 2 },
    ]),
  ).toEqual({ t: "words" });
  expect(await kindsOf([{ t: "ab" }, { t: "ba" }])).toEqual({ t: "characters" });
  expect(await kindsOf([{ t: "한글" }, { t: "글" }], { column: { t: "jamo" } })).toEqual({ t: "jamo" });
  expect(await kindsOf([{ t: "ab", n: [1, 2] }], { column: "n" })).toEqual({ n: "series" });
});

const rows = [{ t: "a b" }, { t: "b c" }];
test.each<[string, readonly object[], object, RegExp]>([
  ["no rows", [], {}, /rows are \[\], expected a list of at least one/],
  ["a missing column", [...rows, { u: "x" }], { column: "t" }, /^row 2 has no column "t"/],
  ["a column that is missing later", [...rows, { u: "x" }], {}, /^row 2 has no column "t", but u$/],
  ["several columns", [{ t: "a b", u: "b c" }], {}, /several columns, t \(words\), u \(words\); say which one/],
  ["no sequence", [{ n: 1 }, { n: 2 }], {}, /no column of texts, tokens or numbers in steps, but n \(number\)/],
  ["a kind without steps", rows, { column: { t: "category" } }, /expected one column and its kind, of words/],
  ["two kinds", rows, { column: { t: "words", u: "words" } }, /expected one column and its kind/],
  ["an empty text", [...rows, { t: " " }], {}, /^row 2: t is empty: " " has no words; leave the row out/],
  ["no text", [...rows, { t: 5 }], {}, /^row 2: t is 5, expected a text/],
  ["NaN", [{ n: [1, 2] }, { n: [1, Number.NaN] }], {}, /^row 1: n\[1\] is NaN, expected a finite number/],
  ["widths", [{ n: [[1, 2]] }, { n: [[1]] }], {}, /^row 1: n\[0\] has 1 numbers, expected 2/],
  ["an empty series", [{ n: [1] }, { n: [] }], {}, /^row 1: n is \[\], expected a list of numbers/],
  ["an unknown option", rows, { vectorSiz: 3 }, /unknown option "vectorSiz"/],
  ["an unknown cell", rows, { cell: "lstn" }, /cell is "lstn", expected one of lstm, gru/],
  ["a vector of nothing", rows, { vectorSize: 0 }, /vectorSize is 0/],
  ["too much noise", rows, { noise: 1.5 }, /noise is 1.5, expected a finite number in \[0, 1\]/],
  ["noise below 0", [{ n: [1] }], { noise: -1 }, /noise is -1/],
  ["an unknown scaling", [{ n: [1] }], { scaling: "max" }, /to is "max", expected "standard" or "range"/],
  ["no switch", rows, { reverse: 1 }, /reverse is 1, expected true or false/],
])("%s: refused before anything runs", async (_, given, options, message) => {
  const { bytes } = runtime.memory();
  await expect(SequenceAutoencoder.fit(runtime, given, options)).rejects.toThrow(message);
  expect(runtime.memory().bytes).toBe(bytes);
});

test("what is asked of a task is checked", async () => {
  const task = await quick(rows);
  await expect(task.encode([{ t: "a" }, { t: "q q" }])).rejects.toThrow(/^row 1: the model knows none of the 2 units/);
  await expect(task.reconstruct([{ u: "a" }])).rejects.toThrow(/^row 0 has no column "t", but u$/);
  expect((await task.errors([{ t: "q q" }]))[0]).toBeGreaterThan(0);
  await expect(task.decode([[1, 2]])).rejects.toThrow(/^decode: vector 0 is \[1, 2\], expected 8 finite numbers/);
  await expect(task.decode(new Float32Array(8).fill(Number.NaN))).rejects.toThrow(/expected 8 finite numbers/);
  await expect(task.decode(new Float32Array(8), { length: 0 })).rejects.toThrow(/decode: length is 0/);
  await expect(task.interpolate(rows[0]!, rows[1]!, { steps: 1 })).rejects.toThrow(/steps is 1/);
  task.dispose();
});

test("files of other kinds, and damaged ones, are refused", async () => {
  const task = await quick(rows);
  const bytes = await task.save();
  await expect(SequenceAutoencoder.load(runtime, bytes.slice(0, 50))).rejects.toThrow(/truncated|safetensors/);
  const text = new TextDecoder("latin1").decode(bytes);
  const changed = (from: string, to: string) => {
    expect(text).toContain(from);
    return Uint8Array.from(text.replace(from, to.padEnd(from.length)), (character) => character.charCodeAt(0));
  };
  const load = (from: string, to: string) => SequenceAutoencoder.load(runtime, changed(from, to));
  await expect(load("sequence autoencoder", "sequence classifier")).rejects.toThrow(/is of a sequence classifier/);
  await expect(load('\\"reverse\\":false', '\\"reverse\\":1')).rejects.toThrow(/damaged: setting: reverse is 1/);
  await expect(load('\\"kind\\":\\"words\\"', '\\"kind\\":\\"wards\\"')).rejects.toThrow(/damaged: a column is/);
  await expect(load('\\"longest\\":2', '\\"longest\\":0')).rejects.toThrow(/damaged: setting: longest is 0/);
  task.dispose();
});

test("the twins train it too", async () => {
  using cpu = await Runtime.open({ backend: "cpu" });
  const options = { ...small, hiddenSize: 4, epochs: 1, validation: 0 } as const;
  const one = await SequenceAutoencoder.fit(cpu, words(20), options);
  const other = await SequenceAutoencoder.fit(runtime, words(20), options);
  const [a, b] = [await one.encode({ name: "bako" }), await other.encode({ name: "bako" })];
  a.forEach((value, e) => {
    expect(value).toBeCloseTo(b[e]!, 4);
  });
  expect((await one.evaluate(words(5))).loss).toBeCloseTo((await other.evaluate(words(5))).loss, 4);
  other.dispose();
});

test("areaUnderCurve: the share of pairs in which the anomaly has the larger score, ties half", () => {
  expect(areaUnderCurve([1, 2, 3], [2, 4])).toBe(0.75);
  expect(areaUnderCurve([1, 1], [1, 1, 1])).toBe(0.5);
  expect(areaUnderCurve(Float32Array.of(0, 1), [5])).toBe(1);
  expect(areaUnderCurve([5], [0, Number.NEGATIVE_INFINITY])).toBe(0);
  expect(() => areaUnderCurve([], [1])).toThrow(/scores of normal rows are \[\], expected at least one number/);
  expect(() => areaUnderCurve([1], [0, Number.NaN])).toThrow(/score 1 of the anomalous rows is NaN/);
});
