import { type Bytes, checkOptions, DataError, FileFormatError, OptionError, shown, shownNames } from "../index.ts";
import { NGramModel } from "./ngram-model.ts";
import {
  checkNGramOptions,
  type NGramOptions,
  ngramOptionNames,
  readJsonFile,
  writeJsonFile,
} from "./ngram-options.ts";
import { cutText, type NGramText, vocabularyOf } from "./ngram-text.ts";

/** A record of data. */
export type NGramRow = Readonly<Record<string, unknown>>;

export interface NGramClassifierOptions extends NGramOptions {
  /** The column with the text, or its units; default "text". */
  readonly text?: string;
  /** The column with the class: text, a whole number or a truth value, which is its name as text. Default "label". */
  readonly label?: string;
}

export interface NGramPrediction {
  /** The likeliest class. */
  readonly label: string;
  /** Of that class. */
  readonly probability: number;
  /** Of each class by its label; they sum up to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
}

interface ClassOfTexts {
  readonly label: string;
  /** The share of the training rows. */
  readonly prior: number;
  /** How many rows that is. */
  readonly count: number;
  readonly model: NGramModel;
}

interface Columns {
  readonly text: string;
  readonly label: string;
}

const FILE = { task: "NGramClassifier", version: 1 } as const;

/**
 * A classifier of texts to compare others with: one {@link NGramModel} for each class, all of one vocabulary, and by Bayes' rule
 * P(class given text) ∝ P(text given class) P(class), where P(class) is its share of the training rows. With n of 1 and smoothing
 * "addK" it is the multinomial naive Bayes classifier.
 */
export class NGramClassifier {
  /** The labels, in the order of their UTF-16 code units. */
  readonly labels: readonly string[];
  readonly #columns: Columns;
  readonly #classes: readonly ClassOfTexts[];

  private constructor(columns: Columns, models: readonly Omit<ClassOfTexts, "prior">[]) {
    const rows = models.reduce((sum, { count }) => sum + count, 0);
    this.labels = models.map(({ label }) => label);
    this.#columns = columns;
    this.#classes = models.map((one) => ({ ...one, prior: one.count / rows }));
  }

  /**
   * Counts the texts of each class.
   * @param rows plain objects
   * @throws OptionError; DataError naming the row without a text or a label, for a label that is there only once, and for fewer than
   *   two classes
   */
  static fit(rows: readonly NGramRow[], options: NGramClassifierOptions = {}): NGramClassifier {
    const who = "NGramClassifier.fit";
    checkOptions(who, options, ["text", "label", ...ngramOptionNames]);
    const { text = "text", label = "label", ...ngramOptions } = options;
    const { minCount, maxSize, of, vocabulary: given } = checkNGramOptions(who, ngramOptions);
    const columns = checkColumns(who, { text, label });
    const read = readRows(who, rows, columns);
    const texts = read.map((row) => cutText(who, row.where, row.text, of));
    const byLabel = new Map<string, number[]>();
    for (const [i, { label: one }] of read.entries()) {
      const list = byLabel.get(one);
      if (list) list.push(i);
      else byLabel.set(one, [i]);
    }
    if (byLabel.size < 2)
      throw new DataError(
        `${who}: all rows have ${label} ${shown(read[0]!.label)}, and a classifier needs two classes`,
      );
    for (const [one, [i, ...others]] of byLabel)
      if (others.length === 0)
        throw new DataError(
          `${who}: ${label} ${shown(one)} is in row ${i} only, expected at least two rows of each class; leave it out, or mend its label`,
        );
    const vocabulary = given ?? vocabularyOf(texts, { minCount, maxSize, sentences: true });
    const { minCount: _, maxSize: __, ...same } = ngramOptions;
    const labels = [...byLabel.keys()].sort();
    return new NGramClassifier(
      columns,
      labels.map((one) => {
        const own = byLabel.get(one)!.map((i) => texts[i]!);
        return { label: one, count: own.length, model: NGramModel.fit(own, { ...same, vocabulary }) };
      }),
    );
  }

  /**
   * The class of a text, or of each text of a list.
   * @throws DataError naming the row that is no text or has no unit
   */
  predict(text: string): NGramPrediction;
  predict(texts: readonly NGramText[]): NGramPrediction[];
  predict(texts: string | readonly NGramText[]): NGramPrediction | NGramPrediction[] {
    const who = "NGramClassifier.predict";
    if (typeof texts === "string") return this.#predict(who, "the text", texts);
    if (!Array.isArray(texts)) throw new DataError(`${who}: the texts are ${shown(texts)}, expected a text or a list`);
    return texts.map((text, row) => this.#predict(who, `row ${row}`, text));
  }

  /**
   * How well rows are classified.
   * @throws DataError for no rows, and naming the row without a text or a label, or with a label that was not in training
   */
  evaluate(rows: readonly NGramRow[]): { readonly accuracy: number; readonly count: number } {
    const who = "NGramClassifier.evaluate";
    let right = 0;
    const read = readRows(who, rows, this.#columns);
    for (const { where, text, label } of read) {
      if (!this.labels.includes(label))
        throw new DataError(`${who}: ${where} has label ${shown(label)}, expected one of ${shownNames(this.labels)}`);
      if (this.#predict(who, where, text).label === label) right++;
    }
    return { accuracy: right / read.length, count: read.length };
  }

  /** The classifier as the bytes of a file: JSON, UTF-8. */
  save(): Bytes {
    const classes = this.#classes.map(({ label, count, model }, i) => {
      const { vocabulary, ...json } = model.toJSON();
      return { label, count, model: i === 0 ? { ...json, vocabulary } : json };
    });
    return writeJsonFile(FILE, { columns: this.#columns, classes });
  }

  /** The inverse of `save`: the same probabilities. @throws FileFormatError for any other file */
  static load(bytes: Uint8Array | ArrayBuffer): NGramClassifier {
    const { columns, classes } = readJsonFile(bytes, FILE);
    const damaged = (what: string) => new FileFormatError(`the file of an NGramClassifier is damaged: ${what}`);
    const { text, label } = (columns ?? {}) as Columns;
    if (typeof text !== "string" || typeof label !== "string") throw damaged(`columns are ${shown(columns)}`);
    if (!Array.isArray(classes) || classes.length < 2) throw damaged(`classes are ${shown(classes)}`);
    const shared = classes[0]?.model?.vocabulary;
    const models = classes.map((one) => {
      if (typeof one?.label !== "string" || !Number.isSafeInteger(one.count) || one.count < 1)
        throw damaged(`a class has label ${shown(one?.label)} and ${shown(one?.count)} rows`);
      const model = NGramModel.fromJSON({ ...one.model, vocabulary: shared });
      return { label: one.label as string, count: one.count as number, model };
    });
    return new NGramClassifier({ text, label }, models);
  }

  #predict(who: string, name: string, text: unknown): NGramPrediction {
    const units = cutText(who, name, text, this.#classes[0]!.model.of);
    const logs = this.#classes.map(({ prior, model }) => Math.log(prior) + model.logProbability(units));
    const most = Math.max(...logs);
    // Without smoothing a text may be impossible in every class: then the classes' shares are all that is known.
    const weights = this.#classes.map(({ prior }, i) => (most === -Infinity ? prior : Math.exp(logs[i]! - most)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const probabilities = weights.map((weight) => weight / total);
    const likeliest = probabilities.indexOf(Math.max(...probabilities));
    return {
      label: this.labels[likeliest]!,
      probability: probabilities[likeliest]!,
      probabilities: Object.fromEntries(this.labels.map((label, i) => [label, probabilities[i]!])),
    };
  }
}

function checkColumns(who: string, { text, label }: Columns): Columns {
  for (const [option, column] of Object.entries({ text, label }))
    if (typeof column !== "string" || column === "")
      throw new OptionError(`${who}: ${option} is ${shown(column)}, expected the name of a column`);
  return { text, label };
}

/** Each row's text and label. @throws DataError naming the row, and what it has */
function readRows(who: string, rows: readonly NGramRow[], columns: Columns) {
  if (!Array.isArray(rows) || rows.length === 0)
    throw new DataError(`${who}: the rows are ${shown(rows)}, expected a list of at least one`);
  return rows.map((row: NGramRow, i) => {
    const where = `row ${i}`;
    if (typeof row !== "object" || row === null)
      throw new DataError(
        `${who}: ${where} is ${shown(row)}, expected an object with ${Object.values(columns).join(", ")}`,
      );
    for (const column of Object.values(columns))
      if (row[column] === undefined || row[column] === null || row[column] === "")
        throw new DataError(
          `${who}: ${where} has no ${shown(column)}, its columns are ${shownNames(Object.keys(row))}; leave it out, or name another column`,
        );
    const label = row[columns.label];
    if (typeof label !== "string" && typeof label !== "boolean" && !Number.isSafeInteger(label))
      throw new DataError(`${who}: ${where} has ${columns.label} ${shown(label)}, expected text or a whole number`);
    return { where, text: row[columns.text], label: String(label) };
  });
}
