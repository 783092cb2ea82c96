/** The data sets, and what is asked of a task on each. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readRows } from "../../src/cli/task/read-rows.ts";
import { addingProblem, datesInWords, numbersInWords, pronounAtDistance } from "../../src/tasks/data/index.ts";
import { apart, type Measured, type Problem, problem } from "./problems.ts";
import { above, all, below, near, type Reach, shown } from "./reach.ts";

/** A row of the table. */
export interface Entry {
  readonly name: string;
  /** A file of the data set, by its path in the folder of data sets; none where the data is made up. */
  readonly needs?: string;
  readonly reach: Reach;
  /** Mostly one; where there are several, `join` makes one result of theirs. */
  problems(seed: number): Promise<Problem[]> | Problem[];
  join?(measured: readonly Measured[]): Measured;
  /** Whether n-grams are counted beside it. */
  readonly withCounts?: boolean;
}

/** Whether the sum of the two marked numbers is above 1: chance is a half. */
const additions = (length: number, count: number, seed: number) =>
  addingProblem({ count, length, seed }).map(({ values, target }) => ({ values, label: target > 1 }));

const names = "zero one two three four five six seven eight nine".split(" ");

/** Days that are written as "the 3rd of May 2021" and "이천이십일년 오월 삼일": of several wordings only one can be foretold. */
const inOneWording = (language: "en" | "ko") =>
  datesInWords({ count: 20_000, language })
    .filter(({ words }) => (language === "en" ? words.startsWith("the ") : !/\d/.test(words)))
    .slice(0, 4000);

/** @param folder of the data sets */
export function entriesOf(folder: string): Entry[] {
  const at = (...path: string[]) => join(folder, ...path);
  const rowsOf = async (...path: string[]) => (await readRows(at(...path))).rows;
  const linesOf = (path: string, encoding: BufferEncoding = "utf8") =>
    readFileSync(at(path), encoding).trim().split("\n");

  /** A file for each label, one sentence a line. */
  const polarity = () =>
    ["neg", "pos"].flatMap((label) =>
      linesOf(`sentence_polarity/rt-polarity.${label}`, "latin1").map((text) => ({ text, label })),
    );

  /** 8×8 images of digits, and the digit. */
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

  const classify: Entry[] = [
    {
      name: "digits8x8, 8 rows",
      needs: "digits8x8/digits.csv.gz",
      reach: all(above("accuracy", 0.97), near("accuracy", 0.01)),
      problems(seed) {
        const rows = digits().map(({ rows: series, digit }) => ({ rows: series, label: digit }));
        return [problem("classify", apart(rows, 0.2, seed), {}, seed)];
      },
    },
    {
      name: "sentence_polarity, words",
      needs: "sentence_polarity/rt-polarity.neg",
      reach: near("accuracy", 0.01),
      withCounts: true,
      problems: (seed: number) => [
        problem("classify", apart(polarity(), 0.1, seed), { columns: { text: "words" } }, seed),
      ],
    },
    ...(
      [
        ["words and 4 letters of their ends", { columns: { text: "words" }, affixes: 4 }],
        ["jamo and 2 to 6 of them at once", { columns: { text: "jamo" }, ngrams: [2, 3, 4, 5, 6], pooling: "mean" }],
      ] as const
    ).map(([how, settings]) => ({
      name: `nsmc, ${how}`,
      needs: "nsmc/train.tsv",
      reach: all(near("accuracy", 0.01), above("accuracy", "ngrams")),
      withCounts: true,
      async problems(seed: number) {
        const [training, held] = [await rowsOf("nsmc", "train.tsv"), await rowsOf("nsmc", "test.tsv")];
        return [problem("classify", { training, held }, settings, seed)];
      },
    })),
  ];

  const tag: Entry[] = (
    [
      ["UD_English-Atis", "en_atis-ud", "train", all(above("accuracy", 0.96), near("accuracy", 0.003))],
      ["UD_English-ESLSpok", "en_eslspok-ud", "train", near("accuracy", 0.003)],
      ["UD_Korean-GSD", "ko_gsd-ud", "dev", near("accuracy", 0.005)],
    ] as const
  ).map(([set, stem, from, reach]) => ({
    name: set,
    needs: `${set}/${stem}-test.conllu`,
    reach,
    async problems(seed) {
      const [training, held] = [await rowsOf(set, `${stem}-${from}.conllu`), await rowsOf(set, `${stem}-test.conllu`)];
      return [problem("tag", { training, held }, {}, seed)];
    },
  }));

  const language: Entry[] = [
    {
      name: "names_makemore",
      needs: "names_makemore/names.txt",
      reach: near("bits", 1.02),
      withCounts: true,
      problems(seed) {
        const texts = linesOf("names_makemore/names.txt") as unknown as object[];
        return [problem("language", apart(texts, 0.1, seed), {}, seed)];
      },
    },
    {
      name: "tinyshakespeare",
      needs: "tinyshakespeare/input.txt",
      reach: near("bits", 1.02),
      withCounts: true,
      problems(seed) {
        // The last tenth is measured on, and the tenth before it ends the training.
        const text = readFileSync(at("tinyshakespeare", "input.txt"), "utf8");
        const [first, last] = [0.81, 0.9].map((share) => text.indexOf("\n", Math.floor(text.length * share)) + 1);
        const parts = [text.slice(0, first), text.slice(first, last), text.slice(last)];
        const [training, validation, held] = parts.map((part) => [part] as unknown as object[]);
        const settings = { epochs: 3, seed };
        return [{ task: "language", settings, training: training!, validation: validation!, held: held! }];
      },
    },
  ];

  const translate: Entry[] = [
    ...(["en", "ko"] as const).flatMap((language) => {
      const numbers = () => numbersInWords({ count: 6000, max: 99_999, language });
      const dates = () => datesInWords({ count: 4000, language });
      const pairs = [
        [`numbers, ${language} words → digits`, () => numbers().map((row) => [row.words, row.digits])],
        [`numbers, digits → ${language} words`, () => numbers().map((row) => [row.digits, row.words])],
        [`dates, ${language} words → ISO`, () => dates().map((row) => [row.words, row.iso])],
        [`dates, ISO → ${language} words`, () => inOneWording(language).map((row) => [row.iso, row.words])],
      ] as [string, () => [string, string][]][];
      return pairs.map(([name, of]) => ({
        name,
        reach: above("exact", 0.98),
        problems(seed: number) {
          // Different values: one that was trained on is not measured on.
          const rows = [...new Map(of())].map(([source, target]) => ({ source, target }));
          const settings = { sourceUnit: "characters", targetUnit: "characters" };
          return [problem("translate", apart(rows, 0.1, seed), settings, seed)];
        },
      }));
    }),
    {
      name: "kor-eng, its training pairs, beam 4",
      needs: "kor-eng/kor.txt",
      reach: above("bleu", 0.9),
      problems(seed) {
        const rows = linesOf("kor-eng/kor.txt")
          .map((line) => line.split("\t"))
          .map(([target, source]) => ({ source: source!, target: target! }));
        const settings = { sourceUnit: "characters", targetUnit: "words", minCount: 1, epochs: 60, seed };
        return [{ task: "translate", settings, training: rows, validation: [], held: rows, beam: 4 }];
      },
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
    reach: all(below("mase", "naive"), below("mase", "seasonalNaive"), above("coverage", 0.7), below("coverage", 0.9)),
    async problems(seed: number): Promise<Problem[]> {
      const rows = (await rowsOf("timeseries", `${file}.csv`)) as readonly Readonly<Record<string, number>>[];
      // El Niño's file has a year in each row and a month in each column.
      const values = column ? rows.map((row) => row[column]!) : rows.flatMap((row) => Object.values(row).slice(1));
      const steps = values.map((value) => ({ value }));
      const cut = Math.floor(steps.length * 0.8);
      const parts = { training: steps.slice(0, cut), validation: [], held: steps.slice(cut) };
      return [{ task: "forecast", settings: { ...settings, seed }, ...parts }];
    },
  }));

  const images: Entry[] = [
    {
      name: "digits8x8, the digit's word",
      needs: "digits8x8/digits.csv.gz",
      reach: above("exact", 0.96),
      problems(seed) {
        const rows = digits().map(({ image, digit }) => ({ image, caption: names[digit]! }));
        return [problem("caption", apart(rows, 0.2, seed), { unit: "characters" }, seed)];
      },
    },
    {
      name: "digits8x8, a digit never trained on",
      needs: "digits8x8/digits.csv.gz",
      reach: above("digits with AUC ≥ 0.9", 7),
      problems: (seed) =>
        names.map((_, digit) => {
          const rows = digits().map((one) => ({ row: { rows: one.rows }, isOdd: one.digit === digit }));
          const [known, odd] = [false, true].map((isOdd) =>
            rows.flatMap((one) => (one.isOdd === isOdd ? [one.row] : [])),
          );
          return problem("autoencode", { ...apart(known!, 0.2, seed), odd: odd! }, {}, seed);
        }),
      join(measured) {
        const areas = measured.map(({ auc }) => auc!);
        return {
          "digits with AUC ≥ 0.9": areas.filter((area) => area >= 0.9).length,
          "least AUC": Math.min(...areas),
          updates: measured.reduce((sum, { updates }) => sum + updates!, 0),
        };
      },
    },
  ];

  const own = { bidirectional: false, pooling: "last", dropout: 0 };
  const memory: Entry[] = ["lstm", "gru", "rnn"].flatMap((cell) => [
    ...[10, 50, 150].map((distance) => ({
      name: `he or she after ${distance} words, ${cell}`,
      reach: cell === "rnn" ? shown("accuracy") : above("accuracy", 0.95),
      problems(seed: number) {
        // Texts have all distances: from the short ones a model learns what to keep, and then to keep it longer.
        const count = Math.ceil(4000 / (distance + 1));
        const rowsAt = (d: number) => pronounAtDistance({ count, distance: d, seed: 1000 * seed + d });
        const training = Array.from({ length: distance + 1 }, (_, d) => rowsAt(d)).flat();
        const held = pronounAtDistance({ count: 400, distance, seed: 1000 * seed + 999 });
        const settings = { ...own, columns: { words: "tokens" }, cell, epochs: 10, patience: 10 };
        return [problem("classify", { training, held }, settings, seed)];
      },
    })),
    ...[100, 400].map((length) => ({
      name: `adding problem, T ${length}, ${cell}`,
      reach: cell === "rnn" ? shown("accuracy") : above("accuracy", 0.95),
      problems(seed: number) {
        const settings = { ...own, cell, epochs: 10, patience: 10 };
        if (length < 400) return [problem("classify", apart(additions(length, 5000, seed), 0.1, seed), settings, seed)];
        // As the distances above: series of 50 lengths.
        const lengths = Array.from({ length: 50 }, (_, i) => ((i + 1) * length) / 50);
        const training = lengths.flatMap((T) => additions(T, 100, 1000 * seed + T));
        // The first hundred are among those to train on.
        const held = additions(length, 600, 1000 * seed + length).slice(100);
        return [problem("classify", { training, held }, settings, seed)];
      },
    })),
  ]);

  return [...classify, ...tag, ...language, ...memory, ...images, ...series, ...translate];
}
