import { OptionError, ShapeError, shown } from "../../errors.ts";
import type { Pair } from "../../kernels/windows.ts";
import type { Layout } from "../ops/windows.ts";

// How windows lie on the last one or two axes: what convolutions and pooling have in common.

/** One number for all axes, or one for each. */
export type PerAxis = number | readonly number[];

/** What is put around x: one number for all ends, one for both ends of each axis, or `[before, after]` for each axis. */
export type Around = number | readonly (number | readonly [number, number])[];

/** Windows on one axis. */
export interface Along {
  /** Numbers of x. */
  readonly S: number;
  /** Numbers of a window. */
  readonly K: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

const isCount = (n: unknown, least: number): boolean => Number.isSafeInteger(n) && (n as number) >= least;

/** A number for each of so many axes. @throws OptionError for anything else */
export function perAxis(what: string, name: string, value: unknown, axes: number, least = 1): readonly number[] {
  const all: unknown = typeof value === "number" ? new Array<number>(axes).fill(value) : value;
  if (!Array.isArray(all) || all.length !== axes || !all.every((n) => isCount(n, least))) {
    const each = axes === 1 ? "a list of one" : `one for each of ${axes} axes`;
    throw new OptionError(
      `${what}: ${name} is ${shown(value)}, expected a whole number of at least ${least}, or ${each}`,
    );
  }
  return all;
}

/** What is put before and after each of so many axes. @throws OptionError for anything else */
export function aroundAxes(what: string, value: unknown, axes: number): readonly (readonly [number, number])[] {
  const all: unknown = typeof value === "number" ? new Array<number>(axes).fill(value) : value;
  const pairs = Array.isArray(all) && all.map((one: unknown) => (Array.isArray(one) ? one : [one, one]));
  if (!pairs || pairs.length !== axes || !pairs.every((one) => one.length === 2 && one.every((n) => isCount(n, 0)))) {
    const each = `${axes === 1 ? "a list of one" : `one for each of ${axes} axes`}, or of [before, after]`;
    throw new OptionError(`${what}: padding is ${shown(value)}, expected a whole number of at least 0, ${each}`);
  }
  return pairs as unknown as (readonly [number, number])[];
}

/** Numbers from the first to the last one of a window, both included. */
export const reachOf = ({ K, dilation }: Pick<Along, "K" | "dilation">): number => dilation * (K - 1) + 1;

/** How many windows there are that lie within x and what is around it. @throws ShapeError where there is none */
export function countWindows(what: string, axis: Along, axes: string): number {
  const { S, stride, before, after } = axis;
  const reach = reachOf(axis);
  if (S + before + after < reach)
    throw new ShapeError(
      `${what}: x has ${S} numbers along ${axes}, ${S + before + after} with its padding, fewer than a window needs (${reach}); pad it, or choose a smaller window or dilation`,
    );
  return Math.floor((S + before + after - reach) / stride) + 1;
}

const NONE: Along = { S: 1, K: 1, stride: 1, dilation: 1, before: 0, after: 0 };

/** Windows, `counts[axis]` on each axis, as the op wants them: on two axes. */
export function layoutOf(along: readonly Along[], counts: readonly number[]): Layout {
  const [one, two] = along.length === 1 ? [NONE, along[0]!] : (along as [Along, Along]);
  const pair = (f: (axis: Along) => number): Pair => [f(one), f(two)];
  return {
    K: pair(({ K }) => K),
    P: counts.length === 1 ? [1, counts[0]!] : [counts[0]!, counts[1]!],
    stride: pair(({ stride }) => stride),
    dilation: pair(({ dilation }) => dilation),
    padding: pair(({ before }) => before),
  };
}

/** A shape `[N,C,L]` or `[N,C,H,W]` with two axes behind the channels. */
export const onTwoAxes = (shape: readonly number[]): number[] =>
  shape.length === 3 ? [shape[0]!, shape[1]!, 1, shape[2]!] : [...shape];
