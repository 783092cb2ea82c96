import { collate, field, OptionError, shown, shownNames } from "../../index.ts";
import type { TaskRow } from "../columns.ts";
import { largest, numbered, softmax } from "../rows.ts";
import { Classifier, type ClassifierSetting, type Example } from "./classifier.ts";
import { byRow } from "./labels.ts";
import { influencesOf, type StepInfluence, type StepModel } from "./step-influence.ts";

/** What a classifier says of a row. */
export interface Classified {
  readonly label: string;
  /** Of each class; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Of the units of the row's texts, the share that the model knows. */
  readonly known: number;
}

/** One class for each row. */
export abstract class RowClassifier<M extends StepModel, S extends ClassifierSetting> extends Classifier<M, S> {
  protected readonly labelled = byRow;

  protected target(V: number) {
    return field.label(({ classes }: Example) => classes[0]!, V);
  }

  /**
   * Classes of rows, with their probabilities.
   * @throws DataError for a row that does not fit, or a text with nothing in it that the model knows
   */
  predict(rows: readonly TaskRow[]): Promise<Classified[]>;
  predict(row: TaskRow): Promise<Classified>;
  async predict(given: TaskRow | readonly TaskRow[]): Promise<Classified | Classified[]> {
    if (!Array.isArray(given)) return (await this.predict([given as TaskRow]))[0]!;
    const encoded = numbered(this.kind, given as readonly TaskRow[]).map((row) => this.columns.encode(row));
    const known = encoded.map((row) => this.columns.checkKnown(row));
    const scores = await this.scores(encoded);
    return scores.map(([row], i) => ({ ...classOf(this.labels, row!), known: known[i]! }));
  }

  /**
   * Which steps of a row speak for a class, and which against it.
   * @param label default the one that the model says
   */
  async explain(
    row: TaskRow,
    label?: string,
  ): Promise<{ readonly label: string; readonly steps: readonly StepInfluence[] }> {
    const of = label ?? (await this.predict(row)).label;
    const c = this.labels.indexOf(of);
    if (c < 0) throw new OptionError(`explain: ${shown(of)} is no class; there are ${shownNames(this.labels)}`);
    const [only] = numbered(this.kind, [row]);
    const x = collate([this.columns.encode(only!)], this.columns.fields);
    const influences = await influencesOf(this.runtime, this.model, x, (logits) => logits.select(c, -1));
    const units = this.columns.units(only!);
    return { label: of, steps: influences.map((step, t) => ({ ...(units && { unit: units[t]! }), ...step })) };
  }
}

/** The likeliest class by the scores of all, and the probability of each. */
export function classOf(labels: readonly string[], scores: readonly number[]): Omit<Classified, "known"> {
  const probabilities = softmax(scores);
  return {
    label: labels[largest(scores)]!,
    probabilities: Object.fromEntries(labels.map((label, c) => [label, probabilities[c]!])),
  };
}
