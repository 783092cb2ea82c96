import { checkNumber, checkOptions, checkSwitch, DataError, OptionError, ShapeError, shown } from "../errors.ts";
import { shuffled } from "./shuffle.ts";

/** How much of the records is kept apart, each from 0 to 1. */
export interface SplitFractions {
  readonly validation?: number;
  readonly test?: number;
}

export interface SplitOptions {
  /** Draw the records of each part at random; false keeps their order, the last ones being kept apart. Default true. */
  readonly shuffle?: boolean;
  /** The same seed gives the same parts on every machine; default 0. */
  readonly seed?: number;
}

/** What data is divided into. */
export interface SplitParts<T> {
  readonly training: T;
  readonly validation: T;
}

/**
 * Splits a stream of N tokens: the last floor(N·validationFraction) are for validation, the others for training. Both
 * are views of `tokens`.
 * @param validationFraction in [0, 1]
 * @throws OptionError when the fraction is out of range
 */
export function split(tokens: Int32Array, validationFraction: number): SplitParts<Int32Array>;
/**
 * Splits N records at random: floor(N·fraction) are for validation, and for a test, the others for training.
 * @param fractions of the validation, or of validation and test; their sum is at most 1
 * @throws OptionError when a fraction is out of range, DataError when there is no record
 */
export function split<R>(records: readonly R[], fractions: number, options?: SplitOptions): SplitParts<R[]>;
export function split<R>(
  records: readonly R[],
  fractions: SplitFractions,
  options?: SplitOptions,
): SplitParts<R[]> & { readonly test: R[] };
export function split<R>(
  data: Int32Array | readonly R[],
  fractions: number | SplitFractions,
  options: SplitOptions = {},
): SplitParts<Int32Array | R[]> & { readonly test?: R[] } {
  checkOptions("split", options, ["shuffle", "seed"]);
  if (data instanceof Int32Array) {
    if (Object.keys(options).length > 0 || typeof fractions !== "number")
      throw new OptionError("split: a stream of tokens is cut in order, into two; give one fraction and no options");
    checkNumber("split", "validationFraction", fractions, 0, 1);
    const cut = data.length - Math.floor(data.length * fractions);
    return { training: data.subarray(0, cut), validation: data.subarray(cut) };
  }
  if (!Array.isArray(data))
    throw new ShapeError(`split: the data is ${shown(data)}, expected an Int32Array of tokens or an array of records`);
  if (data.length === 0) throw new DataError("split: there are no records");
  const both = typeof fractions === "number" ? { validation: fractions } : fractions;
  checkOptions("split: fractions", both, ["validation", "test"]);
  const [validation, test] = (["validation", "test"] as const).map((name) =>
    checkNumber("split", name, both[name] ?? 0, 0, 1),
  ) as [number, number];
  if (validation + test > 1)
    throw new OptionError(`split: validation ${validation} and test ${test} are more than all records together`);
  const { shuffle = true, seed = 0 } = options;
  checkSwitch("split", "shuffle", shuffle);
  const order = shuffle ? shuffled(data.length, seed, "split") : data.map((_, i) => i);
  const records: R[] = order.map((at) => data[at] as R);
  const count = (fraction: number) => Math.floor(data.length * fraction);
  const [forValidation, forTest] = [count(validation), count(test)];
  const trained = data.length - forValidation - forTest;
  return {
    training: records.slice(0, trained),
    validation: records.slice(trained, trained + forValidation),
    ...(typeof fractions !== "number" && { test: records.slice(trained + forValidation) }),
  };
}
