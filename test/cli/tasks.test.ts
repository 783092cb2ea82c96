/** train --task, predict and evaluate, through the program. */
import { readFile, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import { reviews } from "../../src/tasks/data/index.ts";
import { commandLine, temporaryFolder } from "../support/command-line.ts";

const { at } = temporaryFolder();
const quick = ["--backend", "wasm", "--threads", "1", "--epochs", "2", "--hidden-size", "8", "--embedding-dim", "8"];

const rows = Array.from({ length: 200 }, (_, i) => {
  const [isGood, isNot] = [i % 2 === 0, i % 3 === 0];
  return {
    text: `the day was ${isNot ? "not " : ""}${isGood ? "warm" : "cold"}`,
    label: isGood !== isNot ? "good" : "bad",
  };
});
const csv = (list: readonly Record<string, unknown>[]) =>
  [
    Object.keys(list[0]!).join(","),
    ...list.map((row) =>
      Object.values(row)
        .map((v) => `"${v}"`)
        .join(","),
    ),
  ].join("\n");

test("classify: a CSV file becomes a model, which predicts and is measured", async () => {
  await writeFile(at("rows.csv"), csv(rows));
  const options = [...quick, "--epochs", "12", "--lr", "0.02", "--out", at("m.safetensors")];
  const trained = await commandLine("train", "--task", "classify", at("rows.csv"), ...options);
  expect(trained.stderr).toBe("");
  expect(trained.stdout).toMatch(/200 rows \(csv\): label is the class, of text \(words\)\n/);
  expect(trained.stdout).toMatch(/epoch 12\/12: loss [\d.]+, held out: loss [\d.]+, accuracy [\d.]+; 0:00 left/);
  expect(trained.stdout).toMatch(/try: npx webgpu-rnn evaluate \S+ \S+rows\.csv/);

  const on = ["--backend", "wasm", "--threads", "1"];
  const said = await commandLine("predict", at("m.safetensors"), "the day was not cold", ...on);
  expect(said).toMatchObject({ code: 0, stderr: "" });
  expect(said.stdout).toMatch(/^good \d+\.\d %\s+bad \d+\.\d %\n$/);
  const records = await commandLine("predict", at("m.safetensors"), at("rows.csv"), "--json", ...on);
  expect(
    records.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).label),
  ).toEqual(rows.map(({ label }) => label));

  const measured = await commandLine("evaluate", at("m.safetensors"), at("rows.csv"), ...on);
  expect(measured.stdout).toContain("accuracy 100.0 % of 200 rows, macro F1 1.000");
  expect(measured.stdout).toMatch(/^good +\d+ +1\.000 +1\.000 +1\.000 +█{20}$/m);
  const report = JSON.parse(
    (await commandLine("evaluate", at("m.safetensors"), at("rows.csv"), "--json", ...on)).stdout,
  );
  expect(report).toMatchObject({ accuracy: 1, labels: ["bad", "good"] });
});

test("predict answers standard input line by line", async () => {
  await writeFile(at("rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  await commandLine("train", "--task", "classify", at("rows.jsonl"), ...quick, "--out", at("m.safetensors"));
  const input = vi
    .spyOn(process, "stdin", "get")
    .mockReturnValue(Readable.from(["the day was warm\n\n", '{"text":"the day was cold"}\n']) as never);
  const on = ["--json", "--backend", "wasm"];
  const { stdout } = await commandLine("predict", at("m.safetensors"), "-", ...on);
  input.mockReturnValue(Readable.from(["the day was warm\n", "\n", "xyz\n"]) as never);
  const unknown = await commandLine("predict", at("m.safetensors"), "-", ...on);
  expect(unknown).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("standard input, line 3: the model knows"),
  });
  const text = await commandLine("predict", at("m.safetensors"), "the day was cold", "xyz", ...on);
  expect(text).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"xyz": the model knows none of the 1 units'),
  });
  input.mockRestore();
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => Object.keys(JSON.parse(line).probabilities)),
  ).toEqual([
    ["bad", "good"],
    ["bad", "good"],
  ]);
});

test("--demo trains on the package's own rows, and tells it as records", async () => {
  const { stdout, code } = await commandLine(
    "train",
    "--task",
    "classify",
    "--demo",
    ...quick,
    "--epochs",
    "1",
    "--json",
    "--out",
    at("m.safetensors"),
  );
  expect(code).toBe(0);
  const records = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(records[0]).toMatchObject({ type: "start", out: at("m.safetensors") });
  expect(records.at(-1)).toMatchObject({
    type: "end",
    interrupted: false,
    bytes: (await readFile(at("m.safetensors"))).length,
  });
  expect(records.find(({ type }) => type === "validation")).toMatchObject({ epoch: 1, epochs: 1 });
  expect(reviews({ count: 1 })).toHaveLength(1);
});

test.each<[string, readonly string[], string | undefined, number, RegExp]>([
  ["no data", [], undefined, 2, /--task classify takes one file with rows, or --demo/],
  ["data and --demo", ["rows.csv", "--demo"], "text,label\na,b", 2, /--task classify takes one file/],
  [
    "an option of character models",
    ["rows.csv", "--window", "8"],
    "text,label\na,b",
    2,
    /--window is no option of --task classify/,
  ],
  [
    "a column that is none",
    ["rows.csv", "--column", "text"],
    "text,label\na,b",
    2,
    /--column text: expected NAME=KIND with one of characters, words/,
  ],
  [
    "a missing class",
    ["rows.csv", "--label", "stars"],
    "text,label\na,b\na,b",
    1,
    /row 0: stars is undefined, expected the row's class/,
  ],
  ["rows of unequal width", ["rows.csv"], "text,label\na,b\na", 1, /rows\.csv: .*line 3/i],
  ["no JSON", ["rows.jsonl"], '{"a":1}\n{', 1, /rows\.jsonl, line 2: is not JSON/],
  [
    "a gap in numbers",
    ["rows.csv", "--column", "n=number"],
    "n,label\n1,a\n,a\n2,b\n3,b",
    1,
    /row 1: n is NaN, expected a finite number/,
  ],
  ["no CoNLL-U", ["rows.conllu"], "the DET", 1, /rows\.conllu, line 1: "the DET" is no line of CoNLL-U/],
])("%s is refused", async (_, args, content, code, message) => {
  if (content !== undefined) await writeFile(at(args[0]!), content);
  const paths = args.map((arg) => (/^rows\./.test(arg) ? at(arg) : arg));
  const ran = await commandLine("train", "--task", "classify", ...paths, ...quick, "--out", at("m.safetensors"));
  expect(ran.stderr).toMatch(message);
  expect(ran.code).toBe(code);
});

test("a file that is no task's model is refused", async () => {
  await writeFile(at("x.safetensors"), "nothing");
  const ran = await commandLine("predict", at("x.safetensors"), "a");
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(/x\.safetensors: /);
});
