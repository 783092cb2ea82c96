/** scripts/tasks-on-data.ts: what a reach means, the rows that PyTorch gets, and that docs/tasks/on-data.md has the table of its results. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { entriesOf } from "../../scripts/tasks-on-data/entries.ts";
import { exported, problem } from "../../scripts/tasks-on-data/problems.ts";
import { above, all, below, near } from "../../scripts/tasks-on-data/reach.ts";
import { tableOf } from "../../scripts/tasks-on-data/table.ts";

test("a reach compares with a number, with counting, and with PyTorch", () => {
  const ours = { accuracy: 0.9, ngrams: 0.8, bits: 2 };
  expect(above("accuracy", 0.9).holds({ ours })).toBe(true);
  expect(above("accuracy", "ngrams").holds({ ours })).toBe(true);
  expect(below("accuracy", "ngrams").holds({ ours })).toBe(false);
  expect(near("accuracy", 0.01).holds({ ours, both: { ours, pytorch: { accuracy: 0.909 } } })).toBe(true);
  expect(near("accuracy", 0.01).holds({ ours, both: { ours, pytorch: { accuracy: 0.911 } } })).toBe(false);
  expect(near("bits", 1.02).holds({ ours, both: { ours, pytorch: { bits: 1.97 } } })).toBe(true);
  expect(near("bits", 1.02).holds({ ours, both: { ours, pytorch: { bits: 1.95 } } })).toBe(false);
  const both = all(above("accuracy", 0.95), near("accuracy", 0.01));
  expect(both.holds({ ours })).toBe(false);
  expect(near("accuracy", 0.01).holds({ ours })).toBeUndefined();
});

test("rows for PyTorch are divided as the task divides them, and their texts are cut", () => {
  const training = Array.from({ length: 40 }, (_, i) => ({ text: `It is ${i}.`, label: i % 2 }));
  const parts = { training, held: [{ text: "Is it?", label: 1 }] };
  const made = problem("classify", parts, { columns: { text: "words" } }, 3);
  expect(made.settings).toEqual({ columns: { text: "words" }, seed: 3 });
  expect([made.training.length, made.validation.length]).toEqual([36, 4]);
  expect(new Set([...made.training, ...made.validation])).toEqual(new Set(training));
  const { held, validation } = exported(made) as { held: object[]; validation: object[] };
  expect(held).toEqual([{ text: ["Is", "it", "?"], label: 1 }]);
  expect(validation[0]).toEqual({ text: ["It", "is", expect.stringMatching(/^\d+$/), "."], label: expect.any(Number) });
});

test("the table has the mean of each side, and compares the seeds that both have", () => {
  const [entry] = entriesOf(".").filter(({ name }) => name === "names_makemore");
  const line = (by: string, seed: number, bits: number) =>
    JSON.stringify({ name: "names_makemore", seed, by, bits, fiveGram: 3, updates: 10, seconds: 4 });
  const lines = [line("webgpu-rnn", 0, 9), line("webgpu-rnn", 0, 2), line("pytorch", 0, 2), line("pytorch", 1, 1)];
  expect(tableOf([entry!], lines.join("\n")).split("\n").at(-1)).toBe(
    "| names_makemore | bits | **2** (2) | **1.5** (2, 1) | fiveGram 3 | 4 | 4 | PyTorch's bits × 1.02 | yes |",
  );
});

test("the page has the table of the results", () => {
  const table = tableOf(entriesOf("."), readFileSync("bench/results/2026-11-22-tasks.jsonl", "utf8"));
  expect(readFileSync("docs/tasks/on-data.md", "utf8")).toContain(table);
});
