/**
 * The tasks on real data, and on made-up data that has no end: what bench/README.md says of them.
 *
 *   node scripts/run-ts.mjs scripts/tasks-on-data.ts FOLDER [--only NAME,…] [--seeds 3] [--json FILE]
 *
 * FOLDER has a folder of each data set, under the names that the data sets have (sentence_polarity's zip unpacked); what is not there is left out. Every line is printed as it
 * comes, and the table at the end. `--list` prints the names.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { readRows } from "../src/cli/task/read-rows.ts";
import { Runtime, split } from "../src/node.ts";
import { addingProblem, datesInWords, numbersInWords, pronounAtDistance } from "../src/tasks/data/index.ts";
import {
  areaUnderCurve,
  Captioner,
  Forecaster,
  LanguageModel,
  NGramClassifier,
  NGramModel,
  SequenceAutoencoder,
  SequenceClassifier,
  SequenceTagger,
  Translator,
} from "../src/tasks/index.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    seeds: { type: "string", default: "1" },
    json: { type: "string" },
    list: { type: "boolean", default: false },
  },
});
const [data = "."] = positionals;
const at = (...path: string[]) => join(data, ...path);
const runtime = await Runtime.open({ backend: "wasm" });

/** What one training comes to; `reach` in the words. */
interface Entry {
  readonly name: string;
  readonly needs?: string;
  readonly reach: string;
  run(seed: number): Promise<Readonly<Record<string, number>>>;
}

const rowsOf = async (...path: string[]) => (await readRows(at(...path))).rows;

/** Labels of the sentence polarity data set: a file each, one sentence a line (its zip, unpacked). */
const polarity = () =>
  ["neg", "pos"].flatMap((label) =>
    readFileSync(at("sentence_polarity", `rt-polarity.${label}`), "latin1")
      .trim()
      .split("\n")
      .map((text) => ({ text, label })),
  );

async function classified(rows: readonly object[], held: readonly object[], settings: object) {
  const task = await SequenceClassifier.fit(runtime, rows, settings);
  const { accuracy } = await task.evaluate(held);
  task.dispose();
  return { accuracy };
}

async function tagged(folder: string, from: string, to: string, settings: object) {
  const task = await SequenceTagger.fit(runtime, await rowsOf(folder, from), settings);
  const { accuracy, rowAccuracy } = await task.evaluate(await rowsOf(folder, to));
  task.dispose();
  return { accuracy, rowAccuracy };
}

/** Different rows, a tenth of them held out at random. */
function apart<R extends object>(rows: readonly R[], key: (row: R) => string, seed: number) {
  return split([...new Map(rows.map((row) => [key(row), row])).values()], 0.1, { seed });
}

async function translated(
  rows: readonly { readonly source: string; readonly target: string }[],
  seed: number,
  settings = {},
) {
  const { training, validation } = apart(rows, ({ source }) => source, seed);
  const task = await Translator.fit(runtime, training, { seed, ...settings });
  const { exact, characterErrorRate, bleu } = await task.evaluate(validation);
  task.dispose();
  return { exact, characterErrorRate, bleu };
}

/** Bits per character of a network and of a 5-gram, on the last tenth. */
async function written(texts: readonly string[] | string, seed: number, settings = {}) {
  const cut = Math.floor(texts.length * 0.9);
  const [training, held] = [texts.slice(0, cut), texts.slice(cut)];
  const task = await LanguageModel.fit(runtime, training, { seed, ...settings });
  const bits = await task.bitsPerCharacter(held);
  task.dispose();
  const counted = NGramModel.fit(training, { n: 5, of: "characters" });
  return { bits, fiveGram: counted.bitsPerCharacter(held) };
}

async function forecast(rows: readonly object[], settings: object) {
  const cut = Math.floor(rows.length * 0.8);
  const history = rows.slice(0, cut);
  const task = await Forecaster.fit(runtime, history, settings);
  const { methods } = await task.evaluate(rows.slice(cut), { history });
  task.dispose();
  return {
    mase: methods.forecaster!.mase,
    coverage: methods.forecaster!.coverage!,
    naive: methods.naive!.mase,
    seasonalNaive: methods.seasonalNaive!.mase,
  };
}

/** 8×8 images of digits, row by row, and the digit. */
const digits = () =>
  gunzipSync(readFileSync(at("digits8x8", "digits.csv.gz")))
    .toString()
    .trim()
    .split("\n")
    .map((line) => line.split(",").map(Number))
    .filter((numbers) => numbers.every(Number.isFinite))
    .map((numbers) => ({
      image: numbers.slice(0, 64),
      rows: Array.from({ length: 8 }, (_, row) => numbers.slice(8 * row, 8 * row + 8)),
      digit: numbers[64]!,
    }));

const names = "zero one two three four five six seven eight nine".split(" ");

const classify: Entry[] = [
  {
    name: "sentence_polarity, words",
    needs: "sentence_polarity/rt-polarity.neg",
    reach: "PyTorch − 1 point",
    run(seed) {
      const { training, validation } = split(polarity(), 0.1, { seed });
      return classified(training, validation, { columns: { text: "words" }, seed });
    },
  },
  ...(["words", "jamo"] as const).map((unit) => ({
    name: `nsmc, ${unit}`,
    needs: "nsmc/train.tsv",
    reach: "PyTorch − 1 point, above n-grams",
    async run(seed: number) {
      const [rows, held] = [await rowsOf("nsmc", "train.tsv"), await rowsOf("nsmc", "test.tsv")];
      const counted = NGramClassifier.fit(rows, { n: 1, smoothing: "addK" });
      const { accuracy: ngrams } = counted.evaluate(held);
      return { ...(await classified(rows, held, { columns: { text: unit }, seed })), ngrams };
    },
  })),
  {
    name: "digits8x8, 8 rows",
    needs: "digits8x8/digits.csv.gz",
    reach: "≥ 0.97",
    run(seed) {
      const rows = digits().map(({ rows: series, digit }) => ({ rows: series, label: digit }));
      const { training, validation } = split(rows, 0.2, { seed });
      return classified(training, validation, { seed });
    },
  },
];

const tag: Entry[] = [
  ["UD_English-Atis", "en_atis-ud", "train", "≥ 0.96, PyTorch − 0.3"],
  ["UD_English-ESLSpok", "en_eslspok-ud", "train", "PyTorch − 0.3"],
  ["UD_Korean-GSD", "ko_gsd-ud", "dev", "PyTorch − 0.5"],
].map(([folder, stem, from, reach]) => ({
  name: folder!,
  needs: `${folder}/${stem}-test.conllu`,
  reach: reach!,
  run: (seed: number) => tagged(folder!, `${stem}-${from}.conllu`, `${stem}-test.conllu`, { seed }),
}));

const translate: Entry[] = [
  ...(["en", "ko"] as const).flatMap((language) => {
    const numbers = () => numbersInWords({ count: 6000, max: 99_999, language });
    const dates = () => datesInWords({ count: 4000, language });
    return [
      {
        name: `numbers, ${language} words → digits`,
        reach: "≥ 0.98 exact",
        run: (seed: number) =>
          translated(
            numbers().map(({ words, digits: d }) => ({ source: words, target: d })),
            seed,
          ),
      },
      {
        name: `numbers, digits → ${language} words`,
        reach: "≥ 0.98 exact",
        run: (seed: number) =>
          translated(
            numbers().map(({ words, digits: d }) => ({ source: d, target: words })),
            seed,
          ),
      },
      {
        name: `dates, ${language} words → ISO`,
        reach: "≥ 0.98 exact",
        run: (seed: number) =>
          translated(
            dates().map(({ words, iso }) => ({ source: words, target: iso })),
            seed,
          ),
      },
    ];
  }),
  {
    name: "kor-eng, on training pairs, beam 4",
    needs: "kor-eng/kor.txt",
    reach: "BLEU ≥ 0.9",
    async run(seed) {
      const pairs = readFileSync(at("kor-eng", "kor.txt"), "utf8").trim().split("\n");
      const rows = pairs
        .map((line) => line.split("\t"))
        .map(([target, source]) => ({ source: source!, target: target! }));
      const task = await Translator.fit(runtime, rows, { seed, validation: 0, epochs: 60 });
      const { bleu, exact } = await task.evaluate(rows, { beam: 4 });
      task.dispose();
      return { bleu, exact };
    },
  },
];

const language: Entry[] = [
  {
    name: "names_makemore",
    needs: "names_makemore/names.txt",
    reach: "PyTorch's bits + 2 %",
    run: (seed) =>
      written(readFileSync(at("names_makemore", "names.txt"), "utf8").trim().split("\n"), seed, { epochs: 5 }),
  },
  {
    name: "tinyshakespeare",
    needs: "tinyshakespeare/input.txt",
    reach: "PyTorch's bits + 2 %",
    run: (seed) => written(readFileSync(at("tinyshakespeare", "input.txt"), "utf8"), seed, { epochs: 3 }),
  },
];

const series: Entry[] = (
  [
    ["co2", "co2", { season: 52, horizon: 26, missing: "interpolate" }],
    ["sunspots", "SUNACTIVITY", { season: 11 }],
    ["nile", "volume", { horizon: 5 }],
    ["elnino", undefined, { season: 12 }],
  ] as const
).map(([file, column, settings]) => ({
  name: file,
  needs: `timeseries/${file}.csv`,
  reach: "better than both naive ones, coverage 0.7 to 0.9",
  async run(seed: number) {
    const rows = (await rowsOf("timeseries", `${file}.csv`)) as readonly Readonly<Record<string, number>>[];
    // El Niño's file has a year in each row and a month in each column.
    const values = column ? rows.map((row) => row[column]!) : rows.flatMap((row) => Object.values(row).slice(1));
    return forecast(
      values.map((value) => ({ value })),
      { ...settings, seed },
    );
  },
}));

const images: Entry[] = [
  {
    name: "digits8x8, caption",
    needs: "digits8x8/digits.csv.gz",
    reach: "≥ 0.96 exact",
    async run(seed) {
      const rows = digits().map(({ image, digit }) => ({ image, caption: names[digit]! }));
      const { training, validation } = split(rows, 0.2, { seed });
      const task = await Captioner.fit(runtime, training, { seed, dropout: 0.3, batch: 16 });
      const { exact } = await task.evaluate(validation);
      task.dispose();
      return { exact };
    },
  },
  {
    name: "digits8x8, a digit never trained on",
    needs: "digits8x8/digits.csv.gz",
    reach: "AUC ≥ 0.9 for 7 of 10",
    async run(seed) {
      const all = digits().map(({ rows, digit }) => ({ row: { rows }, digit }));
      const areas: number[] = [];
      for (let digit = 0; digit < 10; digit++) {
        const known = all.filter((one) => one.digit !== digit).map(({ row }) => row);
        const { training, validation } = split(known, 0.2, { seed });
        const task = await SequenceAutoencoder.fit(runtime, training, { seed });
        const odd = all.filter((one) => one.digit === digit).map(({ row }) => row);
        areas.push(areaUnderCurve(await task.errors(validation), await task.errors(odd)));
        task.dispose();
      }
      return { above: areas.filter((area) => area >= 0.9).length, least: Math.min(...areas) };
    },
  },
];

const memory: Entry[] = ["lstm", "gru", "rnn"].flatMap((cell) => [
  ...[10, 50, 150].map((distance) => ({
    name: `he or she after ${distance} words, ${cell}`,
    reach: "LSTM and GRU remember, RNN forgets",
    async run(seed: number) {
      const rows = pronounAtDistance({ count: 2000, distance, seed });
      const { training, validation } = split(rows, 0.1, { seed });
      const settings = { columns: { words: "tokens" }, bidirectional: false, pooling: "last", cell, seed, dropout: 0 };
      return classified(training, validation, { ...settings, epochs: 10, patience: 10 });
    },
  })),
  ...[100, 400].map((length) => ({
    name: `adding problem, T ${length}, ${cell}`,
    reach: "LSTM and GRU learn it, RNN does not",
    async run(seed: number) {
      // Whether the sum of the two marked numbers is above 1: chance is a half.
      const rows = addingProblem({ count: 5000, length, seed }).map(({ values, target }) => ({
        values,
        label: target > 1,
      }));
      const { training, validation } = split(rows, 0.1, { seed });
      const settings = { bidirectional: false, pooling: "last", cell, seed, dropout: 0, epochs: 10, patience: 10 };
      return classified(training, validation, settings);
    },
  })),
]);

const entries = [...classify, ...tag, ...translate, ...language, ...series, ...images, ...memory];
const wanted = options.only?.split(",");
const lines: string[] = [];
for (const { name, needs, reach, run } of entries) {
  if (wanted && !wanted.some((part) => name.includes(part))) continue;
  if (options.list || (needs && !existsSync(at(needs)))) {
    console.log(options.list ? name : `${name}: left out, there is no ${at(needs!)}`);
    continue;
  }
  for (let seed = 0; seed < Number(options.seeds); seed++) {
    const began = performance.now();
    const result = await run(seed);
    const seconds = (performance.now() - began) / 1000;
    const said = Object.entries(result).map(([key, value]) => `${key} ${Number(value.toFixed(4))}`);
    console.log(`${name}, seed ${seed}: ${said.join(", ")}; ${seconds.toFixed(0)} s`);
    lines.push(`| ${name} | ${seed} | ${said.join(", ")} | ${reach} | ${seconds.toFixed(0)} |`);
    if (options.json) appendFileSync(options.json, `${JSON.stringify({ name, seed, ...result, seconds })}\n`);
  }
}
console.log(["", "| data | seed | measured | reach | seconds |", "|---|---|---|---|---|", ...lines].join("\n"));
runtime.dispose();
