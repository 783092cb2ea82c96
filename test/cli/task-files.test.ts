/** Tasks on files through the program: columns by option, formats, standard input, gaps. */
import { readFile, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import { Forecaster, Translator } from "../../src/tasks/index.ts";
import { commandLine, temporaryFolder } from "../support/command-line.ts";

const { at } = temporaryFolder();
const on = ["--backend", "wasm", "--threads", "1"];
const learning = [...on, "--lr", "0.02", "--hidden-size", "16"];

const recordsOf = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const lineOf = (row: object) => JSON.stringify(row);

/** Writes a file, trains on it, and gives the model's path. */
async function trained(task: string, name: string, content: string, ...options: string[]): Promise<string> {
  await writeFile(at(name), content);
  const out = at("model");
  const ran = await commandLine("train", "--task", task, at(name), "--out", out, "--force", ...options);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  expect(ran.stdout).toMatch(/try: npx webgpu-rnn evaluate /);
  return out;
}

async function said(...args: string[]): Promise<string> {
  const ran = await commandLine(...args, ...on);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return ran.stdout;
}

async function fed(text: string, ...args: string[]): Promise<string> {
  const input = vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from([Buffer.from(text)]) as never);
  try {
    return await said(...args);
  } finally {
    input.mockRestore();
  }
}

const nouns = ["dog", "cat", "bird"];
const verbs = ["runs", "sleeps"];
const sentences = Array.from({ length: 60 }, (_, i) => ["the", nouns[i % 3]!, verbs[i % 2]!, "."]);
const tags = ["DET", "NOUN", "VERB", "PUNCT"];

test("tag: CoNLL-U, and a table with spaces between words and tags", async () => {
  const conllu = sentences
    .map((words) => words.map((word, i) => `${i + 1}\t${word}\t_\t${tags[i]}`).join("\n"))
    .join("\n\n");
  const options = [...learning, "--epochs", "6", "--embedding-dim", "8", "--affixes", "2"];
  const ofTree = await trained("tag", "rows.conllu", conllu, ...options);
  expect(await said("predict", ofTree, "the dog sleeps.")).toMatch(
    /^the\/DET\S* dog\/NOUN\S* sleeps\/VERB\S* \.\/PUNCT/,
  );
  expect(await said("evaluate", ofTree, at("rows.conllu"))).toMatch(
    /^accuracy 100\.0 % of 240 steps, macro F1 1\.000; 100\.0 % of 60 rows without a mistake\n/,
  );

  const csv = ["sentence,pos", ...sentences.map((words) => `${words.join(" ")},${tags.join(" ")}`)].join("\n");
  const ofTable = await trained("tag", "rows.csv", csv, "--text", "sentence", "--tags", "pos", ...options);
  expect(await said("evaluate", ofTable, at("rows.csv"))).toMatch(/^accuracy 100\.0 % of 240 steps/);
  // Line by line, as a person types.
  expect(await fed("the dog\n\nthe cat runs\n", "predict", ofTable, "-")).toMatch(
    /^the\/DET\S* dog\/NOUN\S*\nthe\/DET\S* cat\/NOUN\S* runs\/VERB\S*\n$/,
  );
});

test("classify: one column of a table by its letters, class weights, one direction, and another optimizer", async () => {
  const csv = [
    "n,said,stars",
    ...Array.from({ length: 40 }, (_, i) => `${i},${i % 4 ? "좋아요" : "나빠요"},${i % 4 ? 5 : 1}`),
  ].join("\n");
  await writeFile(at("rows.csv"), csv);
  const columns = ["--text", "said", "--of", "jamo", "--label", "stars", "--class-weights", "balanced"];
  const how = [
    "--ngrams",
    "2,3",
    "--no-bidirectional",
    "--cell",
    "mgu",
    "--optimizer",
    "rmsprop",
    "--momentum",
    "0.5",
    "--epochs",
    "8",
    "--dropout",
    "0",
  ];
  const ran = await commandLine(
    "train",
    "--task",
    "classify",
    at("rows.csv"),
    "--out",
    at("m"),
    ...columns,
    ...how,
    ...learning,
  );
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  expect(ran.stdout).toContain("40 rows (csv): stars is the class, of said (jamo)\n");
  expect(await readFile(at("m"), "latin1")).toContain('\\"ngram\\":3');
  expect(await said("predict", at("m"), "좋아", "나빠")).toMatch(/^5 .*\n1 .*\n$/);
  expect(await commandLine("train", "--task", "classify", at("rows.csv"), "--ngrams", "3,1")).toMatchObject({
    stderr: expect.stringContaining("Expected a whole number from 2 to 8."),
  });
});

test("translate: digits of a table are texts", async () => {
  const words = ["one", "two", "three", "four"];
  const rows = words.flatMap((a, i) => words.map((b, k) => `${a} ${b},0${i + 1}${k + 1}`));
  const options = [...learning, "--epochs", "60", "--batch", "4", "--embedding-dim", "8", "--validation-fraction", "0"];
  const columns = [
    "--source",
    "spoken",
    "--target",
    "number",
    "--attention",
    "multiplicative",
    "--teacher-forcing",
    "0.9",
  ];
  const model = await trained("translate", "rows.csv", ["spoken,number", ...rows].join("\n"), ...columns, ...options);
  expect(await said("predict", model, "two three")).toBe("023\n");
  const [translate, evaluate] = (["translate", "evaluate"] as const).map((name) =>
    vi.spyOn(Translator.prototype, name),
  );
  expect(await said("predict", model, "two three", "--beam", "3")).toBe("023\n");
  expect(translate).toHaveBeenLastCalledWith(["two three"], { beam: 3 });
  expect(await said("evaluate", model, at("rows.csv"), "--beam", "2")).toMatch(/^100\.0 %/);
  expect(evaluate).toHaveBeenLastCalledWith(expect.any(Array), { beam: 2 });
  expect(await said("evaluate", model, at("rows.csv"))).toMatch(
    /^100\.0 % of 16 texts are right to the last character/,
  );
});

test("caption: lists of numbers, as JSON and in a cell", async () => {
  const rows = Array.from({ length: 24 }, (_, i) => ({
    pixels: i % 2 ? [1, 0.1 * (i % 3)] : [0, 0.1 * (i % 3)],
    words: i % 2 ? "a bright one" : "a dark one",
  }));
  const columns = ["--source", "pixels", "--target", "words", "--of", "words"];
  const options = [...learning, "--epochs", "20", "--batch", "6", "--embedding-dim", "8", "--validation-fraction", "0"];
  const model = await trained("caption", "rows.jsonl", rows.map(lineOf).join("\n"), ...columns, ...options);
  expect(await said("predict", model, "1 0.1", "[0, 0.2]")).toBe("a bright one\na dark one\n");
  expect(await said("predict", model, "1 0.1", "--beam", "2")).toBe("a bright one\n");
  await writeFile(
    at("rows.csv"),
    ["pixels,words", ...rows.map((row) => `${row.pixels.join(" ")},${row.words}`)].join("\n"),
  );
  expect(await said("evaluate", model, at("rows.csv"))).toMatch(/^100\.0 % of 24 texts/);
});

const days = Array.from({ length: 90 }, (_, i) => ({
  sold: 10 + 5 * Number(i % 7 > 4) + (i % 3),
  open: Number(i % 7 > 4),
}));

test("forecast: gaps, a column that is known ahead, and its rows", async () => {
  const lines = days.map(({ sold, open }, i) => `${i},${i === 30 ? "" : sold},${open}`);
  const columns = ["--target", "sold", "--known", "open", "--season", "7", "--horizon", "3", "--window", "7"];
  const options = [...columns, ...learning, "--epochs", "2"];
  await writeFile(at("rows.csv"), ["day,sold,open", ...lines].join("\n"));
  const refused = await commandLine("train", "--task", "forecast", at("rows.csv"), "--out", at("m"), ...options);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/there are 1 gaps, the first is row 30: sold is NaN/);
  const model = await trained(
    "forecast",
    "rows.csv",
    ["day,sold,open", ...lines].join("\n"),
    ...options,
    "--missing",
    "interpolate",
  );

  const needs = await commandLine("predict", model, ...on);
  expect(needs.stderr).toMatch(
    /what is known ahead is missing: give a file with a row for each step to come, with open/,
  );
  // Only what is known ahead: from the end of the training rows.
  await writeFile(at("ahead.csv"), "open\n1\n0");
  const ahead = recordsOf(await said("predict", model, at("ahead.csv"), "--json"));
  expect(ahead.map(({ step, target }) => [step, target])).toEqual([
    [1, "sold"],
    [2, "sold"],
  ]);
  // The same with the history in front: rows without a target are those to come.
  await writeFile(at("all.csv"), ["day,sold,open", ...lines, "90,,1", "91,,0"].join("\n"));
  expect(recordsOf(await said("predict", model, at("all.csv"), "--json"))).toEqual(ahead);
  expect(await said("evaluate", model, at("rows.csv"))).toMatch(/^\d+ forecasts of 3 steps/);
});

test("forecast: several series, from all of standard input", async () => {
  const rows = ["north", "south"].flatMap((shop) => days.slice(0, 40).map(({ sold }) => ({ shop, sold })));
  const how = ["--differencing", "1", "--strategy", "recursive", "--quantiles", "0.2,0.5,0.8"];
  const options = ["--series", "shop", "--window", "8", "--horizon", "2", ...how, ...learning, "--epochs", "1"];
  const fit = vi.spyOn(Forecaster, "fit");
  const model = await trained("forecast", "rows.jsonl", rows.map(lineOf).join("\n"), ...options);
  const given = { differencing: 1, strategy: "recursive", quantiles: [0.2, 0.5, 0.8] };
  expect(fit).toHaveBeenLastCalledWith(expect.anything(), expect.any(Array), expect.objectContaining(given));
  const table = await said("predict", model);
  expect(table.split("\n").map((line) => line.split(/ +/).slice(0, 2).join(" "))).toEqual([
    "series step",
    "north 1",
    "north 2",
    "south 1",
    "south 2",
    "",
  ]);
  expect(await fed(rows.map(lineOf).join("\n"), "predict", model, "-")).toBe(table);
  const text = await commandLine("predict", model, "tomorrow", ...on);
  expect(text.code).toBe(2);
  expect(text.stderr).toMatch(/a forecaster says nothing of a text such as "tomorrow"; give a file with rows/);
});

test("autoencode: what is unusual has the largest error", async () => {
  const wave = (i: number) => Array.from({ length: 8 }, (_, t) => Math.sin((t + i) / 2));
  const rows = Array.from({ length: 60 }, (_, i) => ({ wave: wave(i % 4) }));
  const options = [...learning, "--epochs", "10", "--vector-size", "4", "--noise", "0"];
  const model = await trained(
    "autoencode",
    "rows.jsonl",
    rows.map(lineOf).join("\n"),
    "--column",
    "wave=series",
    ...options,
  );
  await writeFile(
    at("test.csv"),
    ["wave", ...[wave(0), [1, -1, 1, -1, 1, -1, 1, -1], wave(1)].map((w) => w.join(" "))].join("\n"),
  );
  const measured = await said("evaluate", model, at("test.csv"));
  expect(measured).toMatch(/% of the variance comes back\n\nerrors of the rows:\n +from +to +rows/);
  expect(measured).toMatch(/the most unusual:\nrow +error +wave\n +1 +\d+\.\d{4} +█▁█▁█▁█▁\n/);
  expect(await said("predict", model, wave(0).join(","))).toMatch(/^[▁-█]{8} {2}→ {2}[▁-█]{8} {3}error \d+\.\d{4}\n$/);
});

const story = "the dog runs. the cat sleeps. ".repeat(20);

test("language: a text file is one text, or lines that are sentences", async () => {
  const options = [...learning, "--epochs", "10", "--batch", "2", "--embedding-dim", "8"];
  const stream = await trained("language", "story.txt", story, "--window", "16", ...options);
  expect(await said("evaluate", stream, at("story.txt"))).toMatch(/^600 characters, 600 characters, 0\.0 % unknown\n/);
  expect(await said("predict", stream, "the dog r")).toMatch(/^the dog r.*\n(.+\n){4}next: "u" \d/);

  const lines = story.replaceAll(". ", ".\n");
  const list = await trained("language", "lines.txt", lines, "--sentences", "--of", "words", ...options);
  expect(await said("evaluate", list, at("lines.txt"))).toMatch(/^200 words and ends of sentences, 600 characters/);
  const table = [
    "n,story",
    ...lines
      .trim()
      .split("\n")
      .map((line, i) => `${i},${line}`),
  ].join("\n");
  await trained("language", "lines.csv", table, "--text", "story", ...options);
  expect(await said("evaluate", at("model"), at("lines.csv"), "--text", "story")).toMatch(/^600 characters and ends/);
  const without = await commandLine("evaluate", at("model"), at("lines.csv"), ...on);
  expect(without.stderr).toMatch(/row 0: text is undefined, expected a text; say which of n, story it is with --text/);
});

test("ngram: counts of a text or of sentences, in a JSON file", async () => {
  const model = await trained("ngram", "story.txt", story, "--of", "characters", "--n", "3", "--smoothing", "none");
  expect(await said("predict", model, "the d")).toMatch(/^next +probability +count\n"o" +100\.0 % +20 +█{20}\n$/);
  const list = await trained("ngram", "lines.txt", story.replaceAll(". ", ".\n"), "--sentences");
  const [{ next }] = recordsOf(await said("predict", list, "the", "--json"));
  expect(next.slice(0, 2).map(({ unit, count }: { unit: string; count: number }) => [unit, count])).toEqual([
    ["cat", 20],
    ["dog", 20],
  ]);
  expect(await said("evaluate", list, at("lines.txt"))).toMatch(
    /contexts never seen +n-grams never seen\n1 +200 +0\.0 %/,
  );
});

const texts = "text,label\na b,x\nb a,y\na a,x";

test.each<[string, string, readonly string[], number, RegExp]>([
  ["an option of another task", "classify", ["--horizon", "3"], 2, /--horizon is no option of --task classify/],
  ["epochs of what only counts", "ngram", ["--epochs", "3"], 2, /--epochs is no option of --task ngram/],
  [
    "a schedule that has to know the end",
    "classify",
    ["--schedule", "cosine"],
    2,
    /--schedule cosine needs the number/,
  ],
  ["units that are none", "language", ["--of", "bytes"], 2, /of is "bytes", expected "characters", "words", "jamo"/],
  ["a smoothing that is none", "ngram", ["--smoothing", "much"], 2, /smoothing is "much", expected "kneserNey"/],
  [
    "an attention that is none",
    "translate",
    ["--source", "text", "--target", "label", "--attention", "full"],
    2,
    /attention is "full"/,
  ],
  ["a column that is not there", "tag", ["--tags", "pos"], 1, /row 0: pos is undefined/],
  ["a text that is not there", "classify", ["--text", "title"], 1, /row 0 has no column "title", but text, label/],
  ["no numbers to forecast", "forecast", [], 2, /no column has numbers to forecast/],
  ["several columns to encode", "autoencode", [], 2, /there are several columns, text \(words\), label \(characters\)/],
  [
    "a vector that is none",
    "caption",
    ["--source", "text", "--target", "label"],
    1,
    /text\[0\] is NaN, expected a finite number/,
  ],
])("%s is refused", async (_, task, args, code, message) => {
  await writeFile(at("rows.csv"), texts);
  const ran = await commandLine("train", "--task", task, at("rows.csv"), "--out", at("m"), ...args);
  expect(ran.stderr).toMatch(message);
  expect(ran.code).toBe(code);
});

test("a file that is there already is not replaced unless --force says so", async () => {
  const model = await trained("ngram", "story.txt", story);
  const again = ["train", "--task", "ngram", at("story.txt"), "--out", model];
  const refused = await commandLine(...again);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/model: is there already and would be replaced; choose another name with --out, or/);
  expect(await commandLine(...again, "--force")).toMatchObject({ code: 0, stderr: "" });
});

test.each<[string, readonly string[], RegExp]>([
  ["an option of tasks", ["--season", "7"], /--season is an option of tasks: say which one with --task/],
  ["made-up rows", ["--demo"], /--demo is an option of tasks/],
  [
    "a cell of tasks",
    ["--cell", "mgu"],
    /--cell mgu is a cell of tasks; without --task: lstm, gru, rnn_tanh, rnn_relu/,
  ],
])("without --task %s is refused", async (_, args, message) => {
  const ran = await commandLine("train", ...args, "--out", at("m"));
  expect(ran.stderr).toMatch(message);
  expect(ran.code).toBe(2);
});

test("predict and evaluate refuse a column that the model knows, and files of no task", async () => {
  await trained("ngram", "lines.txt", story);
  const model = await trained("tag", "rows.csv", "text,tags\na b,x y\nb a,y x", ...learning, "--epochs", "1");
  const column = await commandLine("evaluate", model, at("rows.csv"), "--text", "text", ...on);
  expect(column.code).toBe(2);
  const beam = await commandLine("predict", model, "the dog", "--beam", "2", ...on);
  expect(beam.stderr).toMatch(
    /--beam is for models that write texts, translators and captioners; this is a sequence tagger/,
  );
  expect(column.stderr).toMatch(/--text is for models of texts alone; a sequence tagger knows its columns/);
  for (const [content, message] of [
    ['{"task":3,"version":1}', /m\.json: has task 3, expected the file of a task/],
    ['{"task":"n-gram', /m\.json: is no JSON, though it begins so/],
    [
      '{"task":"n-gram classifier","version":1}',
      /is a file of the task "n-gram classifier", which the command line does not have/,
    ],
  ] as const) {
    await writeFile(at("m.json"), content);
    const ran = await commandLine("predict", at("m.json"), "a");
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(message);
  }
  const input = vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from(["a b\n{\n"]) as never);
  const ran = await commandLine("predict", model, "-", ...on);
  input.mockRestore();
  expect(ran).toMatchObject({ code: 1, stdout: expect.stringMatching(/^a\/[xy]\S* b\/[xy]\S*\n$/) });
  expect(ran.stderr).toMatch(/standard input, line 2: is not JSON/);
});
