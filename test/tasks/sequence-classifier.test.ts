/** Many to one: classes of rows of texts, numbers and categories. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime } from "../../src/index.ts";
import { type Progress, SequenceClassifier } from "../../src/tasks/index.ts";

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
