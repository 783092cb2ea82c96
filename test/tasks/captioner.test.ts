/** One to many: texts about vectors. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime } from "../../src/index.ts";
import {
  Captioner,
  type CaptionerOptions,
  type TaskFitOptions,
  type TaskRow,
  Translator,
} from "../../src/tasks/index.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

const sizes = ["small", "large"];
const shapes = ["square", "bar", "dot"];

/** A picture of 4 x 4 pixels for two numbers, with noise, and what is to be seen. */
function pictures(count: number, seed = 1) {
  const random = new RandomStream(seed, "pictures");
  return Array.from({ length: count }, () => {
    const [size, shape] = [Math.floor(random.next() * 2), Math.floor(random.next() * 3)];
    const image = Array.from({ length: 16 }, (_, i) => (i % 3 === shape ? 1 + size : 0) + 0.2 * random.normal());
    return { image, caption: `there is a ${sizes[size]} ${shapes[shape]}.` };
  });
}

const small = {
  ...{ embeddingDim: 8, hiddenSize: 24, dropout: 0 },
  optimizer: { name: "adam", lr: 0.02 },
} as const;
const quick = (rows: readonly object[], options: CaptionerOptions & TaskFitOptions<TaskRow> = {}) =>
  Captioner.fit(runtime, rows, { ...small, hiddenSize: 8, epochs: 2, validation: 0, ...options });

test.each([
  { conditioning: "state" },
  { conditioning: "state", cell: "slstm", numLayers: 2 },
  { conditioning: "input", cell: "gru" },
  { conditioning: "input", unit: "characters", teacherForcing: 0.8 },
] as const)("%o: learns to say what is to be seen", async (options) => {
  const captioner = await Captioner.fit(runtime, pictures(300), { ...small, ...options, epochs: 15 });
  const held = pictures(60, 2);
  const { exact, bleu, characterErrorRate, loss } = await captioner.evaluate(held);
  expect(exact).toBeGreaterThan(0.95);
  expect(bleu).toBeGreaterThan(0.95);
  expect(characterErrorRate).toBeLessThan(0.05);
  expect(loss).toBeLessThan(0.2);
  const { text, targetUnits } = await captioner.caption(held[0]!.image);
  expect(text).toBe(held[0]!.caption);
  expect(targetUnits.join("unit" in options ? "" : " ")).toBe("unit" in options ? text : text.replace(".", " ."));
  const images = held.map(({ image }) => Float32Array.from(image));
  const all = await captioner.caption(images, { beam: 2, nBest: 2 });
  const one = await captioner.caption(images[7]!, { beam: 2, nBest: 2 });
  expect(all[7]!.text).toBe(one.text);
  expect(all[7]!.alternatives!.map((other) => other.text)).toEqual(one.alternatives!.map((other) => other.text));
  expect(one.alternatives![0]!.logProbability).toBeLessThan(one.logProbability);
  captioner.dispose();
});

test("captions are drawn as often as they are likely", async () => {
  // What is to be seen says nothing about the caption: a, b and c in shares of 6, 3 and 1.
  const rows = Array.from({ length: 200 }, (_, i) => ({ image: [i % 2, 1], caption: "aaaaaabbbc"[i % 10]! }));
  const captioner = await quick(rows, { epochs: 10 });
  const texts = ["a", "b", "c"];
  const likely = await captioner.caption([1, 1], { beam: 4, nBest: 4, lengthPenalty: 0 });
  const known = [likely, ...likely.alternatives!].filter(({ text }) => texts.includes(text));
  expect(known.length).toBe(3);
  const samples = 2000;
  const drawn = await captioner.caption([1, 1], { samples, seed: 3 });
  expect(drawn.length).toBe(samples);
  for (const { text, logProbability } of known) {
    const p = Math.exp(logProbability);
    const same = drawn.filter((one) => one.text === text);
    expect(Math.abs(same.length / samples - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / samples));
    for (const one of same) expect(one.logProbability).toBeCloseTo(logProbability, 4);
  }
  const cold = await captioner.caption([1, 1], { samples: 50, temperature: 0.05 });
  expect(new Set(cold.map(({ text }) => text))).toEqual(new Set(["a"]));
  const hot = await captioner.caption([1, 1], { samples: 200, temperature: 100, length: 1 });
  expect(new Set(hot.map(({ text }) => text))).toEqual(new Set(["", ...texts]));
  captioner.dispose();
});

test("the same seed draws the same captions, alone and among others", async () => {
  const captioner = await quick(pictures(60));
  const images = pictures(5, 4).map(({ image }) => image);
  const options = { samples: 3, temperature: 1.5, seed: 5 };
  const textsOf = (captions: readonly { readonly text: string }[]) => captions.map(({ text }) => text);
  const many = await captioner.caption(images, options);
  expect(many.map(({ length }) => length)).toEqual([3, 3, 3, 3, 3]);
  expect(textsOf(await captioner.caption(images[2]!, options))).toEqual(textsOf(many[2]!));
  expect(textsOf(await captioner.caption(images[2]!, { ...options, seed: 6 }))).not.toEqual(textsOf(many[2]!));
  captioner.dispose();
});

test.each(["state", "input"] as const)(
  "%s: a file holds all of it, and two seeds alike are alike",
  async (conditioning) => {
    const rows = pictures(60);
    const options = { dropout: 0.2, conditioning };
    const [one, other] = [await quick(rows, options), await quick(rows, options)];
    const loaded = await Captioner.load(runtime, await one.save());
    const images = rows.slice(0, 6).map(({ image }) => image);
    const said = await one.caption(images, { beam: 2 });
    expect(await other.caption(images, { beam: 2 })).toEqual(said);
    expect(await loaded.caption(images, { beam: 2 })).toEqual(said);
    const lossesOf = async (task: Captioner) => {
      const losses: number[] = [];
      for await (const { loss } of task.fit(rows, { epochs: 3, validation: 0 })) losses.push(loss);
      return losses;
    };
    const expected = await lossesOf(other);
    expect(await lossesOf(loaded)).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(4);
    for (const task of [one, other, loaded]) task.dispose();
  },
);

const good = { image: [1, 2], caption: "a b" };
test.each<[string, readonly object[], object, RegExp]>([
  ["no rows", [], {}, /rows are \[\], expected a list of at least one/],
  ["a missing image", [good, { caption: "a" }], {}, /^row 1: image is undefined, expected a list of numbers/],
  ["an empty image", [good, { image: [], caption: "a" }], {}, /^row 1: image is \[\], expected a list of numbers/],
  ["a missing caption", [good, { image: [1, 2] }], {}, /^row 1 has no column "caption", but image$/],
  ["an empty caption", [good, { image: [1, 2], caption: "" }], {}, /^row 1: caption is empty/],
  ["other widths", [good, { image: [1, 2, 3], caption: "a" }], {}, /^row 1: image has 3 numbers, expected 2/],
  ["NaN", [good, { image: [1, Number.NaN], caption: "a" }], {}, /^row 1: image\[1\] is NaN, expected a finite number/],
  [
    "rows of pixels",
    [{ image: [[1], [2]], caption: "a" }],
    {},
    /^row 0: image\[0\] is \[1\], .* images are flat lists/,
  ],
  ["an unknown option", [good], { attention: "none" }, /unknown option "attention"/],
  ["directions", [good], { bidirectional: true }, /unknown option "bidirectional"/],
  ["conditioning", [good], { conditioning: "both" }, /conditioning is "both", expected one of state, input/],
  ["an unknown unit", [good], { unit: "letters" }, /nit is "letters", expected one of characters, words, jamo/],
  ["validation rows", [good], { validation: [{ ...good, image: [1] }] }, /^validation row 0: image has 1 numbers, exp/],
])("%s: refused before anything runs", async (_, rows, options, message) => {
  const { bytes } = runtime.memory();
  await expect(Captioner.fit(runtime, rows, options)).rejects.toThrow(message);
  expect(runtime.memory().bytes).toBe(bytes);
});

test("caption refuses what it cannot read, and files that are not its own", async () => {
  const captioner = await quick(pictures(30), { epochs: 1 });
  const { image } = pictures(1)[0]!;
  const refused: [unknown, object, RegExp][] = [
    [[1, 2], {}, /^vector 0: image has 2 numbers, expected 16/],
    [[image, image.with(3, Number.NaN)], {}, /^vector 1: image\[3\] is NaN/],
    [[], {}, /vectors are \[\], expected a list of at least one/],
    [image, { samples: 2, beam: 3 }, /unknown option "beam"/],
    [image, { samples: 0 }, /samples is 0/],
    [image, { samples: 2, temperature: 0 }, /temperature is 0/],
    [image, { samples: 2, seed: -1 }, /seed is -1/],
    [image, { seed: 1 }, /unknown option "seed"/],
  ];
  for (const [vectors, options, message] of refused)
    await expect(captioner.caption(vectors as number[], options)).rejects.toThrow(message);
  const bytes = await captioner.save();
  await expect(Translator.load(runtime, bytes)).rejects.toThrow(/is of a captioner, not of a translator/);
  const text = new TextDecoder("latin1").decode(bytes);
  for (const [from, to, message] of [
    ['\\"conditioning\\":\\"input\\"', '\\"conditioning\\":\\"inpud\\"', /conditioning is "inpud"/],
    ['\\"offset\\"', '\\"ofsett\\"', /a normalizer is/],
  ] as const) {
    expect(text).toContain(from);
    const changed = Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
    await expect(Captioner.load(runtime, changed)).rejects.toThrow(message);
  }
  const { bytes: before } = runtime.memory();
  captioner.dispose();
  expect(runtime.memory().bytes).toBeLessThan(before);
});

test("the twins train and draw it too", async () => {
  using cpu = await Runtime.open({ backend: "cpu" });
  const options = { ...small, hiddenSize: 4, epochs: 1, validation: 0 };
  const [a, b] = await Promise.all([cpu, runtime].map((on) => Captioner.fit(on, pictures(20), options)));
  const { image } = pictures(1, 3)[0]!;
  const search = { samples: 3, length: 4 };
  const [one, other] = [await a!.caption(image, search), await b!.caption(image, search)];
  expect(one.map(({ text }) => text)).toEqual(other.map(({ text }) => text));
  for (const i of [0, 1, 2]) expect(one[i]!.logProbability).toBeCloseTo(other[i]!.logProbability, 3);
  b!.dispose();
});
