/** What the pages about memory compute, without a browser. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collate, field, Runtime, type TensorData } from "webgpu-rnn";
import { gates } from "webgpu-rnn/tasks";
import { askShe, type Cell, gatesOf, type Held, hiddenSize, hold, Reader } from "../../demo/pages/gates/program.ts";
import { personsOf, rowsAt, sentenceAbout, vocabularyOf } from "../../demo/pages/gates/sentences.ts";
import { type ProblemName, problemOf } from "../../demo/pages/memory/problems.ts";
import { distancesOf, example, type Race, run, type Standing } from "../../demo/pages/memory/race.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.open({ backend: "wasm" });
});
afterAll(() => runtime.dispose());

describe("the race", () => {
  async function raced(problem: ProblemName, distance: number): Promise<{ race: Race; standing: Standing }> {
    let race: Race | undefined;
    let standing: Standing = [];
    for await (const { view } of run(runtime, { problem, distance, language: "en", seed: 1 }, (kept) => {
      race = kept;
    }))
      standing = view ?? standing;
    return { race: race!, standing };
  }

  test("over a short distance, a plain RNN remembers he or she as well", async () => {
    const { race, standing } = await raced("pronoun", 10);
    expect(standing.map(({ distance }) => distance)).toEqual([3, 5, 8, 10, 15]);
    for (const { rnn, gru, lstm, chance } of standing) {
      expect(Math.min(rnn, gru, lstm)).toBeGreaterThan(0.9);
      expect(chance).toBe(0.5);
    }
    race.dispose();
  });

  test("LSTM and GRU add two numbers that are far apart, and a plain RNN does not", async () => {
    const { race, standing } = await raced("adding", 10);
    const { rnn, gru, lstm } = standing.find(({ distance }) => distance === 10)!;
    expect(Math.min(gru, lstm)).toBeGreaterThan(0.9);
    expect(rnn).toBeLessThan(0.7);
    const { steps, target, answers } = await example(race, { distance: 10, example: 1 }, runtime);
    const marked = steps.filter(({ isMarked }) => isMarked).map(({ unit }) => Number(unit));
    expect(marked).toHaveLength(2);
    expect(Math.abs(marked[0]! + marked[1]! - Number(target[0]))).toBeLessThan(0.02);
    expect(answers.find(({ cell }) => cell === "lstm")!.said[0]!.isRight).toBe(true);
    race.dispose();
  });

  test.each(["pronoun", "adding", "copy"] as const)("%s: rows of a distance are equally long", (name) => {
    const problem = problemOf(name, "en");
    for (const distance of distancesOf(20, problem).trained) {
      const rows = problem.rows(distance, 40, 3);
      expect(new Set(rows.map(({ input }) => input.length)).size).toBe(1);
      for (const { target } of rows) expect(target).toHaveLength(problem.sizes.answers);
    }
  });

  test("copy memory asks for the first letters, and the likeliest one counts", () => {
    const { rows, said, shown, isRight } = problemOf("copy", "en");
    const [{ steps, target }] = rows(5, 1, 0) as [ReturnType<typeof rows>[number]];
    expect(target.map(shown)).toEqual(steps.slice(0, 3).map(({ unit }) => unit));
    expect(steps.filter(({ unit }) => unit === "?")).toHaveLength(1);
    expect(said(Float32Array.of(-1, 2, 0, 1))).toBe(1);
    expect(isRight(1, 1) && !isRight(1, 2)).toBe(true);
  });
});

describe("gates that are held", () => {
  const vocabulary = vocabularyOf("en");
  const words = sentenceAbout("en", "Anna", 6);
  const x = () => collate([{ words }], field.tokens("words", vocabulary));

  async function valuesOf(cell: Cell, held: Held) {
    const [reader, heldReader] = [new Reader(cell, vocabulary.size), new Reader(cell, vocabulary.size)];
    runtime.initialize(reader, { seed: 3 });
    runtime.loadStateDict(heldReader, hold(await runtime.stateDict(reader), cell, held));
    const [free] = await gates(runtime, reader, x());
    const [changed] = await gates(runtime, heldReader, x());
    return { free: free!.values, changed: changed!.values, heldReader };
  }
  const all = ({ data }: TensorData) => Array.from(data);
  const first = ({ data }: TensorData) => Array.from(data.subarray(0, hiddenSize));

  test.each(["lstm", "gru"] as const)(
    "%s: a gate that is held is 0 or 1, and the others stay as they are",
    async (cell) => {
      for (const gate of gatesOf[cell].filter((name) => name !== "g" && name !== "n"))
        for (const value of [0, 1] as const) {
          const { free, changed } = await valuesOf(cell, { [gate]: value });
          for (const one of all(changed[gate]!)) expect(one).toBeCloseTo(value, 6);
          // In the first step no state has changed yet; n reads r.
          for (const other of gatesOf[cell].filter((name) => name !== gate && name !== "n"))
            expect(first(changed[other]!)).toEqual(first(free[other]!));
        }
    },
  );

  test("with f at 0, c is i * g of the last word alone", async () => {
    const { i, g, c } = (await valuesOf("lstm", { f: 0 })).changed;
    all(c!).forEach((value, k) => {
      expect(value).toBeCloseTo(i!.data[k]! * g!.data[k]!, 5);
    });
  });

  test("with z at 1, the state of a GRU stays 0, and all sentences get one answer", async () => {
    const { changed, heldReader } = await valuesOf("gru", { z: 1 });
    for (const value of all(changed.h!)) expect(value).toBeCloseTo(0, 6);
    const said = await askShe(runtime, heldReader, vocabulary, rowsAt("en", 9, 20, 1));
    for (const one of said) expect(one).toBeCloseTo(said[0]!, 5);
  });

  test("a sentence is about the person who was chosen", () => {
    expect(words).toHaveLength(9);
    expect(words.slice(0, 2)).toEqual([".", "Anna"]);
    expect(sentenceAbout("en", "my father", 6).slice(0, 2)).toEqual(["my", "father"]);
    const persons = personsOf("en");
    expect(persons).toHaveLength(16);
    expect(persons.indexOf("Henry")).toBeLessThan(8);
    expect(persons.indexOf("Anna")).toBeGreaterThanOrEqual(8);
  });
});
