/** Strokes as lines of SVG. */
import type { Squeezed } from "./worker.ts";

export type Moves = readonly (readonly number[])[];

/** The points of a stroke, from where it begins. */
function pointsOf(moves: Moves): (readonly [x: number, y: number])[] {
  let [x, y] = [0, 0];
  return [
    [0, 0],
    ...moves.map(([dx = 0, dy = 0]) => {
      [x, y] = [x + dx, y + dy];
      return [x, y] as const;
    }),
  ];
}

/** The middle of a stroke's box, and the longer side of that. */
export function boxOf(moves: Moves): { readonly x: number; readonly y: number; readonly size: number } {
  const points = pointsOf(moves);
  const [left, right] = limits(points.map(([x]) => x));
  const [top, bottom] = limits(points.map(([, y]) => y));
  return { x: (left + right) / 2, y: (top + bottom) / 2, size: Math.max(right - left, bottom - top, 1e-6) };
}

const limits = (values: readonly number[]) => [Math.min(...values), Math.max(...values)] as const;

/** A stroke around a place, one of its units drawn as long as `unit`. */
export function outline(moves: Moves, [x, y]: readonly [number, number], unit: number): string {
  const box = boxOf(moves);
  return pointsOf(moves)
    .map(([right, down]) => `${(x + (right - box.x) * unit).toFixed(2)},${(y + (down - box.y) * unit).toFixed(2)}`)
    .join(" ");
}

/** A stroke as large as those that are made up: the longer side of its box is 1. */
export function scaled(moves: Moves): number[][] {
  const { size } = boxOf(moves);
  return moves.map((move) => move.map((length) => length / size));
}

/** A part of the plane of vectors as a square field. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Around all vectors, with room for their strokes. */
export function frameOf(strokes: readonly Pick<Squeezed, "vector">[]): Frame {
  const [left, right] = limits(strokes.map(({ vector }) => vector[0]!));
  const [top, bottom] = limits(strokes.map(({ vector }) => vector[1]!));
  const [width, height] = [Math.max(right - left, 1e-3), Math.max(bottom - top, 1e-3)];
  return { left: left - 0.08 * width, top: top - 0.08 * height, width: 1.16 * width, height: 1.16 * height };
}

/** Shares of the field's sides; what lies outside is on its edge. */
export const placeOf = ({ left, top, width, height }: Frame, [a = 0, b = 0]: readonly number[]) =>
  [inside((a - left) / width), inside((b - top) / height)] as const;

export const vectorAt = ({ left, top, width, height }: Frame, [x, y]: readonly [number, number]) => [
  left + x * width,
  top + y * height,
];

const inside = (share: number) => Math.max(0.01, Math.min(0.99, share));

/** The sign of the stroke whose vector is the nearest one. */
export function nearestSign(strokes: readonly Squeezed[], [a = 0, b = 0]: readonly number[]): string {
  const distance = ({ vector: [x = 0, y = 0] }: Squeezed) => Math.hypot(x - a, y - b);
  const usual = strokes.filter(({ isOdd }) => !isOdd);
  return usual.reduce((best, one) => (distance(one) < distance(best) ? one : best)).sign;
}
