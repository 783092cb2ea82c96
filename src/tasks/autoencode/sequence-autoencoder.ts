import {
  accuracy,
  batches,
  checkCount,
  checkOptions,
  collate,
  crossEntropy,
  DataError,
  type Field,
  field,
  type Metrics,
  mse,
  OptionError,
  type Runtime,
  type SavedTraining,
  shown,
  type Tensor,
  type TensorData,
} from "../../index.ts";
import { type Column, Columns, type EncodedRow, lengthsToPadTo, type TaskRow } from "../columns.ts";
import { inBatches, type Numbered, numbered } from "../rows.ts";
import {
  fitNames,
  fitNew,
  fromFile,
  type LearningOptions,
  learningNames,
  openTask,
  picked,
  Task,
  type TaskBatches,
  type TaskFitOptions,
} from "../task.ts";
import type { TaskFit, Validation } from "../task-fit.ts";
import { AutoencoderModel, BOUNDARY, realSteps } from "./autoencoder-model.ts";
import {
  checkSetting,
  KIND,
  NAMES,
  type SequenceAutoencoderOptions,
  type Setting,
  settingOf,
} from "./autoencoder-setting.ts";
import { codedColumn, type Decoded, decoded } from "./coded-column.ts";
import { type Code, numbersOf, places, symbolsOf } from "./sequence-decoding.ts";
import { withNoise } from "./sequence-noise.ts";

/** How well sequences come back. */
export interface AutoencoderReport {
  /** Nats for each symbol, the end of the sequence among them; of numbers the mean squared error in the scaled units. */
  readonly loss: number;
  /** Of symbols: the share that is the likeliest one, given those before it. */
  readonly accuracy?: number;
  /** Of symbols: the share of sequences that `reconstruct` gives back without a mistake. */
  readonly exact?: number;
  /** Of numbers: the share of their variance that is there again (coefficient of determination); 1 is all. */
  readonly r2?: number;
}

// A vector that all steps go through is learned slowly: more passes and larger steps than other tasks have.
const EPOCHS = 30;
const OPTIMIZER = { name: "adam", lr: 5e-3 } as const;

/** A row as encoder and decoder get it. */
interface Example extends EncodedRow {
  readonly before: ArrayLike<unknown>;
  readonly target: ArrayLike<unknown>;
}

/** Options of what gives sequences. */
export interface DecodeOptions {
  /**
   * Steps of a sequence of numbers, default as many as all rows of training had; of symbols at most so many, default as many as
   * the longest row of training had.
   */
  readonly length?: number;
}

/**
 * A sequence to a vector and back: an encoder whose last state becomes a vector, and a decoder that gets the vector as its first
 * state and at every step (Sutskever et al. 2014; Srivastava et al. 2015). Trained on normal sequences, its reconstruction error
 * tells those that are not.
 */
export class SequenceAutoencoder extends Task<TaskRow, AutoencoderModel> {
  readonly columns: Columns;
  protected readonly kind = KIND;
  protected readonly metrics: Metrics;
  readonly #setting: Setting;
  readonly #column: Column;

  private constructor(runtime: Runtime, columns: Columns, setting: Setting, from: LearningOptions | SavedTraining) {
    const isText = columns.sizes[0]!.tokens !== undefined;
    const loss = isText ? crossEntropy() : numberLoss;
    super(runtime, { model: new AutoencoderModel(columns.sizes[0]!, setting), loss, from });
    this.metrics = isText ? { accuracy: accuracy() } : {};
    this.columns = columns;
    this.#column = columns.all[0]!;
    this.#setting = setting;
  }

  /**
   * Trains an autoencoder of one column of rows; by default for 30 epochs, with Adam and a learning rate of 5e-3.
   * @param rows plain objects
   * @throws OptionError; DataError naming the row, before training begins: a missing column, an empty sequence, NaN, other widths
   */
  static fit(
    runtime: Runtime,
    rows: readonly TaskRow[],
    options: SequenceAutoencoderOptions & TaskFitOptions<TaskRow> = {},
  ): TaskFit<SequenceAutoencoder> {
    return fitNew(KIND, rows, { epochs: EPOCHS, ...options }, (parts) => {
      checkOptions(KIND, options, [...NAMES, ...fitNames]);
      const { columns, setting } = settingOf(parts, options);
      const learning = { optimizer: OPTIMIZER, ...picked(options, learningNames) };
      return new SequenceAutoencoder(runtime, columns, setting, learning);
    });
  }

  /** @throws FileFormatError for what is no file of an autoencoder */
  static async load(runtime: Runtime, bytes: Uint8Array | ArrayBuffer): Promise<SequenceAutoencoder> {
    const saved = await openTask(bytes, KIND);
    return fromFile(KIND, () => {
      const { columns: json, setting } = saved.metadata as { columns: unknown; setting: Setting };
      const columns = Columns.fromJSON(json);
      codedColumn(KIND, [], columns.kinds);
      return new SequenceAutoencoder(runtime, columns, checkSetting(setting), saved);
    });
  }

  protected description() {
    return { columns: this.columns, setting: this.#setting };
  }

  /** The column that it reads. */
  get column(): string {
    return this.#column.name;
  }

  /** E: numbers that a sequence becomes. */
  get vectorSize(): number {
    return this.#setting.vectorSize;
  }

  #example(row: Numbered<TaskRow>): Example {
    const encoded = this.columns.encode(row);
    const list = Array.from(encoded.lists[0]!) as number[] | number[][];
    const inOrder = this.#setting.reverse ? list.toReversed() : list;
    if (!this.#column.vocabulary) return { ...encoded, before: places(list.length), target: inOrder };
    return { ...encoded, before: [BOUNDARY, ...inOrder], target: [...inOrder, BOUNDARY] };
  }

  /** Fields of what the decoder gets, and is to give. */
  get #decoderFields(): Readonly<Record<"before" | "target", Field<Example, Int32Array | Float32Array>>> {
    const { vocabulary } = this.#column;
    const before = (example: Example) => example.before as number[];
    const target = (example: Example) => example.target as number[];
    // A sequence of symbols is one step longer there.
    const decoder = { axis: "decoder" };
    return vocabulary
      ? {
          before: field.tokens(before, vocabulary.size, decoder),
          target: field.labels(target, vocabulary.size, decoder),
        }
      : { before: field.series(before), target: field.series(target) };
  }

  protected batches(rows: readonly Numbered<TaskRow>[], batch: number, seed: number | undefined): TaskBatches {
    const { before, target } = this.#decoderFields;
    const { fields } = this.columns;
    const { name, vocabulary } = this.#column;
    const data = batches(
      rows.map((row) => this.#example(row)),
      {
        x: { ...fields, before },
        target: vocabulary ? target : { values: target, lengths: fields.lengths! },
        batch,
        padTo: lengthsToPadTo,
        bucketByLength: true,
        ...(seed !== undefined && { shuffle: true, seed }),
      },
    );
    const { noise: amount } = this.#setting;
    if (seed === undefined || amount === 0) return data;
    return withNoise(data, { column: name, amount, unknown: vocabulary?.special.unknown, seed });
  }

  protected monitor({ loss }: Validation): number {
    return loss;
  }

  /**
   * Vectors of rows, each of `vectorSize` numbers.
   * @throws DataError for a row that does not fit, or a text with nothing in it that the model knows
   */
  encode(rows: readonly TaskRow[]): Promise<Float32Array[]>;
  encode(row: TaskRow): Promise<Float32Array>;
  async encode(given: TaskRow | readonly TaskRow[]): Promise<Float32Array | Float32Array[]> {
    if (!Array.isArray(given)) return (await this.encode([given as TaskRow]))[0]!;
    return this.#vectors(this.#known(given as readonly TaskRow[]));
  }

  #known(rows: readonly TaskRow[]): EncodedRow[] {
    const encoded = numbered(KIND, rows).map((row) => this.columns.encode(row));
    for (const row of encoded) this.columns.checkKnown(row);
    return encoded;
  }

  #vectors(rows: readonly EncodedRow[]): Promise<Float32Array[]> {
    return inBatches(rows, stepsOf, async (some) => {
      const x = collate(some, this.columns.fields, { padTo: lengthsToPadTo });
      const { vector } = (await this.runtime.predict(this.model, x)) as Record<string, TensorData>;
      return rowsOf(vector!, some.length) as Float32Array[];
    });
  }

  /**
   * Sequences of vectors: texts, lists of tokens, or lists of numbers (of vectors, where a step has several).
   * @param vectors as `encode` gives them
   * @throws DataError for a vector of another size or with NaN; OptionError where `length` is needed
   */
  decode(vectors: readonly ArrayLike<number>[], options?: DecodeOptions): Promise<Decoded[]>;
  decode(vector: ArrayLike<number>, options?: DecodeOptions): Promise<Decoded>;
  async decode(
    given: ArrayLike<number> | readonly ArrayLike<number>[],
    options: DecodeOptions = {},
  ): Promise<Decoded | Decoded[]> {
    if (!Array.isArray(given) || typeof given[0] === "number")
      return (await this.decode([given as ArrayLike<number>], options))[0]!;
    checkOptions("decode", options, ["length"]);
    const length = this.#length("decode", options);
    const vectors = numbered("decode", given as readonly ArrayLike<number>[], "vector").map((one) =>
      this.#checkVector(one),
    );
    return this.#decoded(vectors.map((vector) => ({ vector, length })));
  }

  #length(who: string, { length }: DecodeOptions): number {
    if (length !== undefined) return checkCount(who, "length", length);
    const { shortest, longest } = this.#setting;
    if (this.#column.vocabulary || shortest === longest) return longest;
    throw new OptionError(
      `${who}: the rows of training had ${shortest} to ${longest} steps, and a vector does not say how many; give a length`,
    );
  }

  #checkVector({ row: vector, at }: Numbered<ArrayLike<number>>): Float32Array {
    const { vectorSize } = this;
    const isVector = Array.isArray(vector) || ArrayBuffer.isView(vector);
    const numbers = isVector ? Array.from(vector) : [];
    if (numbers.length !== vectorSize || !numbers.every(Number.isFinite))
      throw new DataError(`decode: ${at} is ${shown(vector)}, expected ${vectorSize} finite numbers`);
    return Float32Array.from(numbers);
  }

  #decoded(codes: readonly Code[]): Promise<Decoded[]> {
    return inBatches(
      codes,
      ({ length }) => length,
      async (some) => {
        const write = this.#column.vocabulary ? symbolsOf : numbersOf;
        const lists: (number | number[])[][] = await write(this.runtime, this.model, some);
        return lists.map((list) => decoded(this.#column, this.#setting.reverse ? list.toReversed() : list));
      },
    );
  }

  /** Rows to vectors and back: what the model makes of them. @throws DataError as `encode` */
  async reconstruct(rows: readonly TaskRow[]): Promise<Decoded[]> {
    const known = this.#known(rows);
    const vectors = await this.#vectors(known);
    const { longest } = this.#setting;
    const lengthOf = (row: EncodedRow) => (this.#column.vocabulary ? Math.max(longest, stepsOf(row)) : stepsOf(row));
    return this.#decoded(known.map((row, i) => ({ vector: vectors[i]!, length: lengthOf(row) })));
  }

  /**
   * Sequences on the straight line between the vectors of two rows, both ends among them.
   * @param options.steps how many sequences, at least 2; default 5
   * @param options.length as in `decode`; default, for numbers, between the lengths of both rows
   * @throws DataError as `encode`, OptionError
   */
  async interpolate(
    rowA: TaskRow,
    rowB: TaskRow,
    options: DecodeOptions & { readonly steps?: number } = {},
  ): Promise<Decoded[]> {
    checkOptions("interpolate", options, ["steps", "length"]);
    const { steps = 5, length } = options;
    checkCount("interpolate", "steps", steps, 2);
    if (length !== undefined) checkCount("interpolate", "length", length);
    const rows = this.#known([rowA, rowB]);
    const [a, b] = (await this.#vectors(rows)) as [Float32Array, Float32Array];
    const between = (x: number, y: number, i: number) => x + ((y - x) * i) / (steps - 1);
    const lengthAt = (i: number) =>
      this.#column.vocabulary ? this.#setting.longest : Math.round(between(stepsOf(rows[0]!), stepsOf(rows[1]!), i));
    const codes = Array.from({ length: steps }, (_, i) => ({
      vector: a.map((x, e) => between(x, b[e]!, i)),
      length: length ?? lengthAt(i),
    }));
    return this.#decoded(codes);
  }

  /**
   * The reconstruction error of each row, a score for anomalies: nats for each symbol with the end among them, or the mean squared
   * error of numbers in the scaled units. Symbols that the model does not know count as the unknown one.
   * @throws DataError for a row that does not fit
   */
  async errors(rows: readonly TaskRow[]): Promise<number[]> {
    return (await this.#measured(rows)).map(({ error }) => error);
  }

  /** How well rows come back. @throws DataError for a row that does not fit */
  async evaluate(rows: readonly TaskRow[]): Promise<AutoencoderReport> {
    const all = await this.#measured(rows);
    const sum = (of: (one: Measured) => number) => all.reduce((total, one) => total + of(one), 0);
    const loss = sum(({ error, count }) => error * count) / sum(({ count }) => count);
    if (this.#column.vocabulary)
      return {
        loss,
        accuracy: sum(({ right }) => right) / sum(({ count }) => count),
        exact: sum(({ right, count }) => Number(right === count)) / all.length,
      };
    const vectors = numbered(KIND, rows).flatMap((row) => Array.from(this.columns.encode(row).lists[0]!) as number[][]);
    return { loss, r2: 1 - loss / variance(vectors) };
  }

  #measured(rows: readonly TaskRow[]): Promise<Measured[]> {
    const examples = numbered(KIND, rows).map((row) => this.#example(row));
    const fields = { ...this.columns.fields, ...this.#decoderFields };
    return inBatches(examples, stepsOf, async (some) => {
      const x = collate(some, fields, { padTo: lengthsToPadTo });
      const said = (await this.runtime.predict(this.model, x)) as Record<string, TensorData>;
      return some.map(({ target }, b) => ({
        error: said.error!.data[b]!,
        right: said.right?.data[b] ?? 0,
        count: target.length,
      }));
    });
  }
}

/** Of one row: the error, how many steps it has, and how many of them are right. */
interface Measured {
  readonly error: number;
  readonly right: number;
  readonly count: number;
}

const stepsOf = ({ lists }: EncodedRow): number => lists[0]!.length;

const rowsOf = ({ data }: TensorData, B: number) =>
  Array.from({ length: B }, (_, b) => data.slice((b * data.length) / B, ((b + 1) * data.length) / B));

/** Mean over all numbers of the squared distance from each feature's mean. */
function variance(vectors: readonly (readonly number[])[]): number {
  const mean = vectors[0]!.map((_, c) => vectors.reduce((sum, vector) => sum + vector[c]!, 0) / vectors.length);
  const squares = vectors.flatMap((vector) => vector.map((x, c) => (x - mean[c]!) ** 2));
  return squares.reduce((sum, square) => sum + square, 0) / squares.length;
}

/** Mean squared error of the real steps. */
function numberLoss({ y }: { y: Tensor }, { values, lengths }: { values: Tensor; lengths: Tensor }) {
  return mse().apply(y, values, { mask: realSteps(lengths, y.shape[0]!) });
}
