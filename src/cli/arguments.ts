import { InvalidArgumentError } from "commander";

/** A whole number of an option: `--steps 400`. */
export const whole =
  (least = 1, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`Expected a whole number ${range}.`);
    }
    return value;
  };

/** A number of an option: `--lr 3e-3`. */
export const real =
  (low: number, high = Number.POSITIVE_INFINITY, open = false) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value < low || value > high || (open && value === low)) {
      const least = open ? `above ${low}` : `of at least ${low}`;
      throw new InvalidArgumentError(
        `Expected a number ${least}${high === Number.POSITIVE_INFINITY ? "" : ` and at most ${high}`}.`,
      );
    }
    return value;
  };

/** A part of a whole, below 1: `--validation-fraction 0.1`. */
export const part = (text: string): number => {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < 1))
    throw new InvalidArgumentError("Expected a number of at least 0 and below 1.");
  return value;
};

/** Whole numbers with commas: `--ngrams 3,5`. */
export const wholes =
  (least: number, most: number) =>
  (text: string): readonly number[] =>
    text.split(",").map(whole(least, most));

/** Numbers with commas: `--quantiles 0.1,0.5,0.9`. */
export const reals =
  (low: number, high: number) =>
  (text: string): readonly number[] =>
    text.split(",").map(real(low, high));
