/** The network without memory: what it sees of a row is its end. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime } from "../../src/index.ts";
import { FeedForward, type FeedForwardOptions, SequenceClassifier, SequenceTagger } from "../../src/tasks/index.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

const small = { embeddingDim: 6, hiddenSize: 12, dropout: 0 } as const;
const long = { ...small, epochs: 12, optimizer: { name: "adam", lr: 0.02 } } as const;

/** Tokens of which the one `back` steps before the last is the class. */
function rowsOf(count: number, back: number, seed = 0) {
  const random = new RandomStream(seed, "rows");
  return Array.from({ length: count }, () => {
    const length = back + 1 + Math.floor(random.next() * 12);
    const steps = Array.from({ length }, () => (random.next() < 0.5 ? "a" : "b"));
    return { steps, label: steps[length - 1 - back]! === "a" ? "A" : "B" };
  });
}

test.each([
  [0, 1],
  [3, 4],
  [3, 7],
])("a class %i steps back is seen in a window of %i", async (back, window) => {
  const network = await FeedForward.fit(runtime, rowsOf(400, back), { ...long, window });
  expect((await network.evaluate(rowsOf(200, back, 1))).accuracy).toBeGreaterThan(0.97);
  network.dispose();
});

test("what is before the window does nothing, which explain shows as well", async () => {
  const network = await FeedForward.fit(runtime, rowsOf(400, 4), { ...long, window: 4 });
  expect((await network.evaluate(rowsOf(200, 4, 1))).accuracy).toBeLessThan(0.65);
  const [end, before] = [
    ["a", "b", "a", "a"],
    ["a", "b", "b", "b", "a", "b", "b", "a", "b"],
  ];
  const [one, other] = await network.predict([{ steps: [...before, ...end] }, { steps: ["b", "a", ...end] }]);
  expect(other!.probabilities.A).toBeCloseTo(one!.probabilities.A!, 6);
  const { steps } = await network.explain({ steps: ["b", "a", ...end] });
  expect(steps.map(({ unit }) => unit)).toEqual(["b", "a", ...end]);
  expect(steps.slice(0, 2).map(({ gradient }) => gradient)).toEqual([0, 0]);
  for (const { gradient } of steps.slice(2)) expect(gradient).toBeGreaterThan(0);
  network.dispose();
});

test("rows shorter than the window, of numbers and a category", async () => {
  const random = new RandomStream(2, "heights");
  const rows = Array.from({ length: 300 }, (_, i) => {
    const heights = Array.from({ length: 1 + (i % 3) }, () => 100 + 10 * random.next());
    return { heights, kind: i % 2 === 0 ? "sum" : "last", label: heights.at(-1)! > 105 };
  });
  const network = await FeedForward.fit(runtime, rows, { ...long, window: 5, validation: 0 });
  expect((await network.evaluate(rows)).accuracy).toBeGreaterThan(0.93);
  const alone = await network.predict(rows[0]!);
  const together = (await network.predict(rows))[0]!;
  expect(alone.label).toBe(together.label);
  expect(alone.probabilities.true).toBeCloseTo(together.probabilities.true!, 5);
  network.dispose();
});

test("a file has all of it: the same predictions, and training goes on as without it", async () => {
  const rows = rowsOf(80, 1);
  const options = { ...small, dropout: 0.3, epochs: 2, window: 3, validation: 0 };
  const [one, other] = [await FeedForward.fit(runtime, rows, options), await FeedForward.fit(runtime, rows, options)];
  const bytes = await one.save();
  expect(await other.save()).toEqual(bytes);
  const loaded = await FeedForward.load(runtime, bytes);
  expect(await loaded.predict(rows)).toEqual(await one.predict(rows));
  const lossesOf = async (task: FeedForward) => {
    const losses: number[] = [];
    for await (const { loss } of task.fit(rows, { epochs: 2, validation: 0 })) losses.push(loss);
    return losses;
  };
  const expected = await lossesOf(other);
  expect(await lossesOf(loaded)).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(3);
  for (const load of [SequenceClassifier.load, SequenceTagger.load])
    await expect(load(runtime, bytes)).rejects.toThrow(/is of a feed-forward network, not of a sequence/);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("window");
  const damaged = bytes.slice();
  damaged[at] = "v".charCodeAt(0);
  await expect(FeedForward.load(runtime, damaged)).rejects.toThrow(
    /feed-forward network is damaged: .*unknown option "vindow"/,
  );
  for (const task of [one, other, loaded]) task.dispose();
});

test("the float64 twins train it alike", async () => {
  const twins = await Runtime.open({ backend: "cpu" });
  const tiny = { embeddingDim: 3, hiddenSize: 3, epochs: 1, validation: 0, window: 2 };
  const rows = rowsOf(12, 0);
  const [exact, same] = [await FeedForward.fit(twins, rows, tiny), await FeedForward.fit(runtime, rows, tiny)];
  const [a, b] = [await exact.predict(rows), await same.predict(rows)];
  for (const [i, { probabilities }] of a.entries()) expect(b[i]!.probabilities.A).toBeCloseTo(probabilities.A!, 5);
  same.dispose();
  twins.dispose();
});

const rows = [
  { steps: ["a"], label: "A" },
  { steps: ["a"], label: "A" },
  { steps: ["b"], label: "B" },
  { steps: ["b"], label: "B" },
];
test.each<[string, readonly object[], FeedForwardOptions, RegExp]>([
  ["a missing column", [...rows, { label: "A" }], {}, /^row 4 has no column "steps", but label$/],
  ["a class of one row", [...rows, { steps: ["a"], label: "C" }], {}, /^row 4: its class "C" is in no other row/],
  ["an empty row", [...rows, { steps: [], label: "A" }], {}, /^row 4: steps is \[\], expected a list of strings/],
  ["no window", rows, { window: 0 }, /feed-forward network: window is 0, expected a whole number of at least 1/],
  ["no units", rows, { hiddenSize: 1.5 }, /hiddenSize is 1.5, expected a whole number/],
  ["dropout of everything", rows, { dropout: 1 }, /dropout is 1, expected a finite number in \[0, 0.95\]/],
  ["an option of recurrent layers", rows, { cell: "gru" } as object, /unknown option "cell"/],
])("%s: refused before anything runs", async (_, given, options, message) => {
  const { bytes } = runtime.memory();
  await expect(FeedForward.fit(runtime, given, options)).rejects.toThrow(message);
  expect(runtime.memory().bytes).toBe(bytes);
});
