/** Every task through the program: on made-up rows, what it says, and how good that is. */
import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { cliTasks } from "../../src/cli/task/tasks.ts";
import { commandLine, temporaryFolder } from "../support/command-line.ts";

const { at } = temporaryFolder();
const on = ["--backend", "wasm", "--threads", "1"];
const quick = [...on, "--epochs", "1", "--hidden-size", "8"];
const linesOf = (text: string) => text.trim().split("\n");

const tasks: Readonly<
  Record<string, { options?: string[]; says: string[]; lines: RegExp; keys: string[]; measured: RegExp }>
> = {
  classify: {
    says: ["The room was cold."],
    lines: /^\w+ +\d+\.\d % {2}\w+ +\d+\.\d % {2}\w+ +\d+\.\d %\n$/,
    keys: ["label", "probabilities", "known"],
    measured: /^accuracy [\d.]+ % of 20 rows, macro F1 [\d.]+\n\nclass +count +precision +recall +F1\n/,
  },
  tag: {
    says: ["we book a room."],
    lines: /^we\/[A-Z]+\S* book\/[A-Z]+\S* a\/[A-Z]+\S* room\/[A-Z]+\S* \.\/[A-Z]+\S*\n$/,
    keys: ["steps"],
    measured: /^accuracy [\d.]+ % of \d+ steps, macro F1 [\d.]+; [\d.]+ % of 20 rows without a mistake\n/,
  },
  translate: {
    says: ["three hundred"],
    lines: /^\d*\n$/,
    keys: ["text", "targetUnits", "logProbability", "sourceUnits", "attention"],
    measured: /^[\d.]+ % of 20 texts are right to the last character; loss [\d.]+\n\nexact +[\d.]+ % {2}[█░]{20}\nBLEU/,
  },
  caption: {
    says: [`[${Array.from({ length: 64 }, (_, i) => i % 2)}]`],
    lines: /^[a-z ]*\n$/,
    keys: ["text", "targetUnits", "logProbability"],
    measured: /^[\d.]+ % of 20 texts are right to the last character; loss [\d.]+\n/,
  },
  forecast: {
    says: [],
    lines: /^step +low +median +high\n( +[1-7]( +\d+\.\d+){3} +├─*●─*┤\n){7}$/,
    keys: ["step", "target", "median", "low", "high", "quantiles"],
    measured:
      /^1 forecasts of 7 steps, each with what was known then\n\nmethod +MAE +RMSE +MASE +in interval +MAE as a bar\nforecaster +\d/,
  },
  autoencode: {
    says: ["three hundred twenty"],
    lines: /^three hundred twenty {2}→ {2}[a-z -]* {3}error \d+\.\d{4}\n$/,
    keys: ["reconstruction", "error"],
    measured: /^loss [\d.]+; [\d.]+ % of the symbols are right, [\d.]+ % of 20 rows come back without a mistake\n/,
  },
  language: {
    says: ["The s"],
    lines: /^(The s.*\n){5}next: "." +\d+\.\d %/,
    keys: ["text", "next", "continuations"],
    measured: /^\d+ characters and ends of sentences, \d+ characters, 0\.0 % unknown\n[\d.]+ bits for each character\n/,
  },
  ngram: {
    options: ["--n", "2"],
    says: ["The"],
    lines: /^next +probability +count\n("\w+" +\d+\.\d % +\d+ +[█░]{20}\n){5}$/,
    keys: ["text", "next"],
    measured:
      /^\d+ words and ends of sentences, [\d.]+ bits for each character\n\n +perplexity +bits a unit\nthis model/,
  },
};

test("there is one of each task", () => {
  expect(Object.keys(tasks).sort()).toEqual(cliTasks.map(({ name }) => name).sort());
});

test.each(Object.entries(tasks))(
  "%s --demo, predict, evaluate",
  async (name, { options = quick, says, lines, keys, measured }) => {
    const path = at("model");
    const trained = await commandLine("train", "--task", name, "--demo", ...options, "--out", path);
    expect(trained).toMatchObject({ code: 0, stderr: "" });
    expect(trained.stdout).toMatch(/^\d[\d,]+ rows \(made up\): /m);
    expect(trained.stdout).toMatch(/^(trained \d+ steps|counted); saved to /m);
    // One line for an epoch.
    expect(trained.stdout.match(/^epoch 1\/1: /gm)?.length).toBe(name === "ngram" ? undefined : 1);

    const said = await commandLine("predict", path, ...says, ...on);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(said.stdout).toMatch(lines);
    const records = await commandLine("predict", path, ...says, "--json", ...on);
    expect(Object.keys(JSON.parse(linesOf(records.stdout)[0]!))).toEqual(keys);

    const { rows } = cliTasks.find((one) => one.name === name)!.demo();
    await writeFile(
      at("rows.jsonl"),
      rows
        .slice(0, 20)
        .map((row) => JSON.stringify(row))
        .join("\n"),
    );
    // A forecast reads two weeks, and is compared with the third.
    if (name === "forecast")
      await writeFile(
        at("rows.jsonl"),
        rows
          .slice(0, 21)
          .map((row) => JSON.stringify(row))
          .join("\n"),
      );
    const report = await commandLine("evaluate", path, at("rows.jsonl"), ...on);
    expect(report).toMatchObject({ code: 0, stderr: "" });
    expect(report.stdout).toMatch(measured);
    const record = await commandLine("evaluate", path, at("rows.jsonl"), "--json", ...on);
    expect(linesOf(record.stdout).map((line) => typeof JSON.parse(line))).toEqual(["object"]);
    expect((await readFile(path)).length).toBeGreaterThan(100);
  },
);
