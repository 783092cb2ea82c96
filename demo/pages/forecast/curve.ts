/** A curve that a reader draws, as a series: a height for each column of the field. */
import type { Pen } from "../../shell/pad.tsx";
import type { Series } from "./program.ts";

/** Columns of the field. */
export const COLUMNS = 220;
/** Columns that a curve has at least, to learn from. */
export const LEAST = 90;
const WINDOW = 30;
const MOST_AHEAD = 60;

/** From its first column on; 0 is the bottom of the field and 1 its top. */
export interface Curve {
  readonly first: number;
  readonly heights: readonly number[];
}

const columnOf = ({ x }: Pen) => Math.min(COLUMNS - 1, Math.floor(x * COLUMNS));

export const begun = (pen: Pen): Curve => ({ first: columnOf(pen), heights: [1 - pen.y] });

/** Goes on to where the pen is, straight over the columns between; what goes back draws nothing. */
export function drawnTo({ first, heights }: Curve, pen: Pen): Curve {
  const last = first + heights.length - 1;
  const [before, after, steps] = [heights.at(-1)!, 1 - pen.y, columnOf(pen) - last];
  const passed = Array.from({ length: Math.max(0, steps) }, (_, i) => before + ((after - before) * (i + 1)) / steps);
  return { first, heights: [...heights, ...passed] };
}

export const isEnough = ({ heights }: Curve): boolean => heights.length >= LEAST;

/** What the network gets of a curve that is long enough. */
export function seriesOfCurve({ first, heights }: Curve): Series {
  const room = COLUMNS - first - heights.length;
  const learnable = Math.floor((heights.length - WINDOW) / 2);
  const horizon = Math.max(1, Math.min(MOST_AHEAD, learnable, room));
  const rows = heights.map((height) => ({ height }));
  return { rows, length: rows.length, kept: 0, options: { target: "height", window: WINDOW, horizon } };
}

const waves = {
  sine: (t: number) => 0.5 + 0.3 * Math.sin(t / 5),
  sum: (t: number) => 0.5 + 0.18 * Math.sin(t / 4) + 0.18 * Math.sin(t / 11),
  saw: (t: number) => 0.2 + 0.6 * ((t % 24) / 24),
};
export type Wave = keyof typeof waves;
export const waveNames = Object.keys(waves) as readonly Wave[];

/** A curve to begin with, as exact as no hand draws it. */
export const waveOf = (name: Wave): Curve => ({
  first: 0,
  heights: Array.from({ length: 160 }, (_, t) => waves[name](t)),
});
