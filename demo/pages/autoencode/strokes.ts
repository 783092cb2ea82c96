/** Made-up strokes of a pen: digits and letters that are written in one go, each in many hands. */
import { RandomStream } from "webgpu-rnn";
import { movesOf, type Point } from "./resample.ts";

export interface Stroke {
  /** Where the pen goes from point to point, right and down. */
  readonly moves: number[][];
  /** What was to be written. */
  readonly sign: string;
  /** A scribble, or a sign in a mirror: nothing like it is trained on. */
  readonly isOdd: boolean;
}

/** Points that a pen passes, in a field from 0 to 1. */
const signs: Readonly<Record<string, readonly Point[]>> = {
  "0": [
    [0.5, 0],
    [0.15, 0.2],
    [0.1, 0.6],
    [0.4, 1],
    [0.8, 0.75],
    [0.85, 0.3],
    [0.5, 0],
  ],
  "2": [
    [0.1, 0.25],
    [0.4, 0],
    [0.8, 0.15],
    [0.75, 0.45],
    [0.1, 1],
    [0.5, 0.97],
    [0.95, 1],
  ],
  "3": [
    [0.1, 0.1],
    [0.6, 0],
    [0.8, 0.25],
    [0.35, 0.5],
    [0.85, 0.7],
    [0.6, 1],
    [0.1, 0.9],
  ],
  "6": [
    [0.7, 0],
    [0.25, 0.35],
    [0.15, 0.75],
    [0.45, 1],
    [0.8, 0.8],
    [0.6, 0.55],
    [0.2, 0.7],
  ],
  L: [
    [0.2, 0],
    [0.2, 0.35],
    [0.2, 0.7],
    [0.2, 1],
    [0.5, 1],
    [0.85, 1],
  ],
  W: [
    [0, 0],
    [0.25, 1],
    [0.5, 0.25],
    [0.75, 1],
    [1, 0],
  ],
};
export const signNames = Object.keys(signs);

export interface StrokeOptions {
  readonly count: number;
  readonly seed: number;
  /** How many of them, the last ones, are odd; default none. */
  readonly odd?: number;
}

/** Strokes of all signs, one sign after the other. */
export function strokes({ count, seed, odd = 0 }: StrokeOptions): Stroke[] {
  const random = new RandomStream(seed, "strokes");
  const around = (value: number, by: number) => value + by * (2 * random.next() - 1);
  return Array.from({ length: count }, (_, i) => {
    const isOdd = i >= count - odd;
    const isScribble = isOdd && i % 2 === 0;
    const sign = isScribble ? "?" : signNames[i % signNames.length]!;
    const passed = signs[sign] ?? Array.from({ length: 8 }, (): Point => [random.next(), random.next()]);
    // Each hand is larger or smaller, leans, and misses the points by a little.
    const [width, height, lean] = [around(1, 0.2), around(1, 0.2), around(0, 0.2)];
    const mirror = isOdd && !isScribble ? -1 : 1;
    const written = passed.map(([x, y]): Point => {
      const [right, down] = [around(x, 0.05), around(y, 0.05)];
      return [mirror * (width * right - lean * down), height * down];
    });
    return { moves: movesOf(smooth(written)), sign, isOdd };
  });
}

/** A curve through points (Catmull and Rom 1974). */
function smooth(points: readonly Point[]): Point[] {
  const at = (i: number) => points[Math.max(0, Math.min(points.length - 1, i))]!;
  return points.slice(1).flatMap((_, i) =>
    Array.from({ length: 12 }, (_, step): Point => {
      const t = (step + 1) / 12;
      const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
      const through = (k: 0 | 1) =>
        0.5 *
        (2 * b[k] +
          (c[k] - a[k]) * t +
          (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t ** 2 +
          (3 * (b[k] - c[k]) + d[k] - a[k]) * t ** 3);
      return [through(0), through(1)];
    }),
  );
}
