import { checkChoice, checkOptions, DataError, FileFormatError, OptionError, ShapeError, shown } from "../errors.ts";
import type { Field } from "./fields.ts";
import { isList, type Padding } from "./padding.ts";

/** What a normalizer keeps, for a file. */
export interface NormalizerJson {
  readonly type: "normalizer";
  /** One of each feature. */
  readonly offset: readonly number[];
  readonly scale: readonly number[];
}

/** One number, or numbers whose last axis is the features: a list of vectors, or one row after the other in a flat list. */
export type Normalizable = number | Float32Array | Float64Array | readonly number[] | readonly (readonly number[])[];

/** Brings each feature to a common range, (x - offset) / scale, and results back. Made by {@link normalizer}. */
export class Normalizer {
  readonly offset: readonly number[];
  readonly scale: readonly number[];

  /** @internal */
  constructor(offset: readonly number[], scale: readonly number[]) {
    this.offset = offset;
    this.scale = scale;
  }

  /** C: how many features it was fitted on. */
  get features(): number {
    return this.offset.length;
  }

  /**
   * (x - offset) / scale of each number.
   * @param values C numbers, or any number of rows of C, flat or nested
   * @returns new values of the same form
   * @throws ShapeError when they are no rows of C numbers
   */
  apply<V extends Normalizable>(values: V): V {
    return this.#each(values, (x, c) => (x - this.offset[c]!) / this.scale[c]!);
  }

  /** The inverse of `apply`, for what a model says. @throws ShapeError as `apply` */
  invert<V extends Normalizable>(values: V): V {
    return this.#each(values, (y, c) => y * this.scale[c]! + this.offset[c]!);
  }

  #each<V extends Normalizable>(values: V, change: (x: number, feature: number) => number): V {
    const C = this.features;
    if (typeof values === "number") {
      if (C === 1) return change(values, 0) as V;
      throw new ShapeError(`normalizer: one number was given, and it was fitted on ${C} features`);
    }
    if (!isList(values)) throw new ShapeError(`normalizer: ${shown(values)} is neither a number nor a list of numbers`);
    if (Array.isArray(values) && isList(values[0]))
      return values.map((row: V) => this.#each(row, change)) as unknown as V;
    if (values.length % C !== 0)
      throw new ShapeError(
        `normalizer: ${values.length} numbers are no rows of the ${C} features that it was fitted on`,
      );
    return (values as Float32Array).map((x, i) => change(x, i % C)) as V;
  }

  /** The normalizer as plain data; JSON.stringify calls this. */
  toJSON(): NormalizerJson {
    return { type: "normalizer", offset: this.offset, scale: this.scale };
  }

  /** The inverse of `toJSON`. @throws FileFormatError when it is not such data */
  static fromJSON(json: unknown): Normalizer {
    const { type, offset, scale } = (json ?? {}) as Partial<NormalizerJson>;
    const areNumbers = [offset, scale].every((list) => Array.isArray(list) && list.every(Number.isFinite));
    if (type !== "normalizer" || !areNumbers || offset!.length === 0 || offset!.length !== scale!.length)
      throw new FileFormatError(
        `a normalizer is ${shown(json)}, expected { "type": "normalizer", "offset": […], "scale": […] } with a number for each feature`,
      );
    if (scale!.includes(0)) throw new FileFormatError("normalizer: a scale is 0; the file is damaged");
    return new Normalizer([...offset!], [...scale!]);
  }
}

export interface NormalizerOptions {
  /**
   * "standard" (default): mean 0 and standard deviation 1, as scikit-learn's StandardScaler; "range": from 0 to 1, as its
   * MinMaxScaler. A feature that never changes becomes 0.
   */
  readonly to?: "standard" | "range";
}

const asItIs: Padding = { lengths: [], multiple: 1, truncate: undefined, batchFirst: false };

/**
 * Fits a normalizer on the records to train on: the mean and the standard deviation (of all steps; divided by their number), or
 * the least and the largest number, of each feature. Give it to the field again, so that batches are normalized:
 * `field.series("values", { normalizer: normalizer(training, field.series("values")) })`. It is saved as JSON with the model.
 * @param field a field of numbers: `field.series` or `field.numbers`
 * @throws DataError for no records, different numbers of features, and what is no finite number
 */
export function normalizer<R>(
  records: readonly R[],
  field: Field<R, Float32Array>,
  options: NormalizerOptions = {},
): Normalizer {
  checkOptions("normalizer", options, ["to"]);
  const { to = "standard" } = options;
  checkChoice("normalizer", "to", to, ["standard", "range"]);
  if (!Array.isArray(records) || records.length === 0)
    throw new DataError(`normalizer: the records are ${shown(records)}, expected a list of at least one`);
  if (typeof field?.read !== "function" || !(field.make(0) instanceof Float32Array))
    throw new OptionError(
      `normalizer: ${shown(field?.name ?? field)} is no field of numbers, such as field.series("values")`,
    );
  const rows = records.map((record, i) => field.read(record, `normalizer: record ${i}`, asItIs));
  const C = rows[0]!.width!;
  const other = rows.findIndex(({ width }) => width !== C);
  if (other >= 0)
    throw new DataError(
      `normalizer: record ${other}.${field.name} has ${rows[other]!.width} features, and record 0 has ${C}`,
    );
  const count = rows.reduce((sum, { length }) => sum + length, 0);
  /** Of each feature, over all steps of all records. */
  const over = (start: number, add: (before: number, x: number, feature: number) => number): number[] => {
    const result = new Array<number>(C).fill(start);
    for (const { data } of rows) for (const [i, x] of data.entries()) result[i % C] = add(result[i % C]!, x, i % C);
    return result;
  };
  const least = over(Number.POSITIVE_INFINITY, (before, x) => Math.min(before, x));
  const largest = over(Number.NEGATIVE_INFINITY, (before, x) => Math.max(before, x));
  const orOne = (scale: number, c: number) => (largest[c] === least[c] ? 1 : scale);
  if (to === "range") return new Normalizer(least, largest.map((high, c) => high - least[c]!).map(orOne));
  const mean = over(0, (sum, x) => sum + x).map((sum) => sum / count);
  const squares = over(0, (sum, x, c) => sum + (x - mean[c]!) ** 2);
  return new Normalizer(mean, squares.map((sum) => Math.sqrt(sum / count)).map(orOne));
}
