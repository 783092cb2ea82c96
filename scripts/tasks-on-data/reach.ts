/** What a row of the table has to reach. */
import type { Measured } from "./problems.ts";

/** Means over the seeds, and over those that were measured on both sides. */
export interface Means {
  readonly ours: Measured;
  readonly both?: { readonly ours: Measured; readonly pytorch: Measured };
}

export interface Reach {
  /** The measure that the table shows. */
  readonly measure: string;
  readonly text: string;
  /** Undefined where it needs PyTorch's, and there is none. */
  holds(means: Means): boolean | undefined;
}

const bound = ({ ours }: Means, by: number | string): number => (typeof by === "number" ? by : ours[by]!);

/** At least a number, or another measure of the same data. */
export const above = (measure: string, by: number | string): Reach => ({
  measure,
  text: `${measure} ≥ ${by}`,
  holds: (means) => means.ours[measure]! >= bound(means, by),
});

/** At most. */
export const below = (measure: string, by: number | string): Reach => ({
  measure,
  text: `${measure} ≤ ${by}`,
  holds: (means) => means.ours[measure]! <= bound(means, by),
});

/** PyTorch's: no more than so much less where more is better, no more than so many times where less is (of bits). */
export const near = (measure: string, by: number): Reach => ({
  measure,
  text: by > 1 ? `PyTorch's ${measure} × ${by}` : `PyTorch's ${measure} − ${by}`,
  holds({ both }) {
    if (!both) return undefined;
    const { ours, pytorch } = both;
    return by > 1 ? ours[measure]! <= pytorch[measure]! * by : ours[measure]! >= pytorch[measure]! - by;
  },
});

/** Nothing: it stands there beside others. */
export const shown = (measure: string): Reach => ({ measure, text: "", holds: () => undefined });

/** Each of them. */
export const all = (...reaches: readonly Reach[]): Reach => ({
  measure: reaches[0]!.measure,
  text: reaches.map(({ text }) => text).join(", "),
  holds(means) {
    const held = reaches.map((reach) => reach.holds(means));
    return held.includes(false) ? false : held.includes(undefined) ? undefined : true;
  },
});
