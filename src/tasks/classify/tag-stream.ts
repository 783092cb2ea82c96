import { collate, DataError, type Session, shown, type TensorData } from "../../index.ts";
import { type Columns, inputOf, type TaskRow } from "../columns.ts";
import { classOf } from "./row-classifier.ts";

/** What a tagger says of a step. */
export interface TaggedStep {
  readonly label: string;
  /** Of each class; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
}

/** What a session is given at each call: one step of one stream, by column. */
export const stepInputs = (columns: Columns) =>
  Object.fromEntries(
    columns.sizes.map(({ name, tokens, numbers }) => [
      inputOf(name),
      tokens === undefined ? { shape: [1, 1, numbers!] } : { shape: [1, 1], dtype: "i32" as const },
    ]),
  );

/** Tags what comes in step by step: each step knows those before it. Made by `SequenceTagger.stream`. */
export class TagStream {
  readonly #session: Session;
  readonly #columns: Columns;
  readonly #labels: readonly string[];
  #steps = 0;

  /** @internal */
  constructor(session: Session, columns: Columns, labels: readonly string[]) {
    this.#session = session;
    this.#columns = columns;
    this.#labels = labels;
  }

  /**
   * Tags the next step.
   * @param step as a row, but with one word, token, number or vector in place of a text or a list: `{ words: "show" }`
   * @throws DataError for a step that does not fit; the stream stays as it was then
   */
  async push(step: TaskRow): Promise<TaggedStep> {
    const at = `step ${this.#steps}`;
    if (typeof step !== "object" || step === null)
      throw new DataError(
        `${at} is ${shown(step)}, expected an object with ${Object.keys(this.#columns.kinds).join(", ")}`,
      );
    const { kinds } = this.#columns;
    const row = Object.fromEntries(
      Object.entries(step).map(([name, value]) => [
        name,
        kinds[name] === "tokens" || kinds[name] === "series" ? [value] : value,
      ]),
    );
    const encoded = this.#columns.encode({ row, at });
    const { length } = encoded.lists[0]!;
    if (length !== 1) throw new DataError(`${at} is ${shown(step)}, which are ${length} steps; push them one by one`);
    this.#steps++;
    const { lengths: _, ...fields } = this.#columns.fields;
    const inputs: Readonly<Record<string, TensorData>> = collate([encoded], fields);
    const { logits } = await this.#session.run(inputs);
    return classOf(this.#labels, [...logits!.data]);
  }

  /** The next step is the first of another sequence. */
  reset(): void {
    this.#session.reset();
    this.#steps = 0;
  }

  /** Frees what the stream has on the device. */
  dispose(): void {
    this.#session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
