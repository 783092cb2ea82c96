/** How close numbers come to those that are expected. */
import { expect } from "vitest";
import type { NumberArray } from "../../src/index.ts";
import { decodeFloat16 } from "../../src/io/half.ts";

/** How far off an element may be, by its expected value and the largest expected size in the tensor. */
export type Bound = (expected: number, largest: number) => number;

export const absolute =
  (atol: number): Bound =>
  () =>
    atol;
/** numpy's: atol + rtol * |expected|. */
export const mixed =
  (atol: number, rtol: number): Bound =>
  (expected) =>
    atol + rtol * Math.abs(expected);
/** A share of the largest expected size, for gradients: sums lose digits where their terms cancel. */
export const ofScale =
  (share: number): Bound =>
  (_, largest) =>
    share * largest;

/** Expects as many numbers as there are, each within its bound; says which are not. */
export function expectClose(what: string, actual: NumberArray, expected: readonly number[], bound: Bound): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  const largest = expected.reduce((a, n) => Math.max(a, Math.abs(n)), 0);
  const off = expected.flatMap((value, i) => {
    const error = Math.abs(actual[i]! - value);
    const allowed = bound(value, largest);
    return error <= allowed ? [] : [`[${i}] is ${actual[i]}, expected ${value} ± ${allowed}`];
  });
  expect(off, what).toEqual([]);
}

/** All float16 from 0 up, the largest finite one last: a number's index is its bit pattern. */
const halves = decodeFloat16(Uint16Array.from({ length: 0x7c00 }, (_, pattern) => pattern));

/** The bit pattern of the nearest float16, ties to even; for numbers that are not below 0. */
function halfPattern(value: number): number {
  let [low, high] = [0, halves.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (halves[middle]! <= value) low = middle;
    else high = middle;
  }
  const [below, above] = [value - halves[low]!, halves[high]! - value];
  return below < above || (below === above && low % 2 === 0) ? low : high;
}

export type FloatType = "float32" | "float16";

const view = new DataView(new ArrayBuffer(4));

/** Where a number, rounded to a type, stands among all floats of that type, counted from 0. */
function place(value: number, type: FloatType): number {
  view.setFloat32(0, Math.abs(value));
  const pattern = type === "float16" ? halfPattern(Math.abs(value)) : view.getUint32(0);
  return value < 0 ? -pattern : pattern;
}

/** Rounds to a type. */
export const rounded = (value: number, type: FloatType): number =>
  type === "float32" ? Math.fround(value) : Math.sign(value) * halves[halfPattern(Math.abs(value))]!;

/** Expects numbers to be at most so many floats of their type apart (ULP), as the web platform tests count. */
export function expectUlp(
  what: string,
  actual: NumberArray,
  expected: readonly number[],
  { type, ulp }: { readonly type: FloatType; readonly ulp: number },
): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  const off = expected.flatMap((value, i) => {
    const apart = Math.abs(place(actual[i]!, type) - place(value, type));
    return apart <= ulp ? [] : [`[${i}] is ${actual[i]}, expected ${value}: ${apart} ULP apart, allowed ${ulp}`];
  });
  expect(off, what).toEqual([]);
}
