import { type Bytes, checkOptions, DataError, FileFormatError, OptionError, shown, shownNames } from "../../index.ts";
import { type ClassReport, classReport } from "../classify/class-report.ts";
import { byRow, labelOf, labelsOf } from "../classify/labels.ts";
import { cellOf, type TaskRow } from "../columns.ts";
import { largest, type Numbered, numbered, softmax } from "../rows.ts";
import { NGramModel } from "./ngram-model.ts";
import {
  checkNGramOptions,
  type NGramOptions,
  ngramOptionNames,
  readJsonFile,
  writeJsonFile,
} from "./ngram-options.ts";
import { cutText, type NGramText, vocabularyOf } from "./ngram-text.ts";

export interface NGramClassifierOptions extends NGramOptions {
  /** The column with the text, or its units; default "text". */
  readonly text?: string;
  /** The column with the class: a string, a number, true or false; default "label". */
  readonly label?: string;
}

export interface NGramPrediction {
  /** The likeliest class. */
  readonly label: string;
  /** Of each class; they sum up to 1. */
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

/** What errors and files call it. */
const KIND = "n-gram classifier";
const FILE = { task: KIND, version: 1 } as const;

/**
 * A classifier of texts to compare others with: one {@link NGramModel} for each class, all of one vocabulary, and by Bayes' rule
 * P(class given text) ∝ P(text given class) P(class), where P(class) is its share of the training rows. With n of 1 and smoothing
 * "addK" it is the multinomial naive Bayes classifier.
 */
export class NGramClassifier {
  /** The classes, numbers in their order and names by the alphabet. */
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
  static fit(rows: readonly TaskRow[], options: NGramClassifierOptions = {}): NGramClassifier {
    checkOptions(KIND, options, ["text", "label", ...ngramOptionNames]);
    const { text = "text", label = "label", ...ngramOptions } = options;
    const { minCount, maxSize, of, vocabulary: given } = checkNGramOptions(KIND, ngramOptions);
    for (const [option, column] of Object.entries({ text, label }))
      if (typeof column !== "string" || column === "")
        throw new OptionError(`${KIND}: ${option} is ${shown(column)}, expected the name of a column`);
    const all = numbered(KIND, rows);
    const texts = all.map((row) => cutText(KIND, `${row.at}: ${text}`, cellOf(row.row, text), of));
    const { labels } = labelsOf(
      all.flatMap((row) => byRow.of(row, label)),
      "row",
    );
    const vocabulary = given ?? vocabularyOf(texts, { minCount, maxSize, sentences: true });
    const { minCount: _, maxSize: __, ...same } = ngramOptions;
    return new NGramClassifier(
      { text, label },
      labels.map((one) => {
        const own = texts.filter((_, i) => labelOf(all[i]!, label) === one);
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
    if (typeof texts === "string") return this.#predict("the text", texts);
    return numbered(KIND, texts).map(({ row, at }) => this.#predict(at, row));
  }

  /** Accuracy, precision, recall, F1 and confusions on rows that have a class. @throws DataError as `fit` */
  evaluate(rows: readonly TaskRow[]): ClassReport {
    const all = numbered(KIND, rows);
    const truth = all.map((row) => this.#classOf(row));
    const { text } = this.#columns;
    const said = all.map(({ row, at }) =>
      this.labels.indexOf(this.#predict(`${at}: ${text}`, cellOf(row, text)).label),
    );
    return classReport(this.labels, truth, said);
  }

  #classOf(row: Numbered<TaskRow>): number {
    const label = labelOf(row, this.#columns.label);
    const found = this.labels.indexOf(label);
    if (found >= 0) return found;
    throw new DataError(
      `${row.at}: ${this.#columns.label} is ${shown(label)}, which was not there in training; the classes are ${shownNames(this.labels)}`,
    );
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
    const damaged = (what: string) => new FileFormatError(`the file of an ${KIND} is damaged: ${what}`);
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

  #predict(name: string, text: unknown): NGramPrediction {
    const units = cutText(KIND, name, text, this.#classes[0]!.model.of);
    const scores = this.#classes.map(({ prior, model }) => Math.log(prior) + model.logProbability(units));
    // Without smoothing a text may be impossible in every class: then the classes' shares are all that is known.
    const isPossible = scores.some((score) => score > -Infinity);
    const probabilities = isPossible ? softmax(scores) : this.#classes.map(({ prior }) => prior);
    return {
      label: this.labels[largest(probabilities)]!,
      probabilities: Object.fromEntries(this.labels.map((label, i) => [label, probabilities[i]!])),
    };
  }
}
