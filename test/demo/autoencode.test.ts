/** How the page "autoencode" makes, measures and draws strokes. */
import { expect, test } from "vitest";
import {
  boxOf,
  frameOf,
  nearestSign,
  outline,
  placeOf,
  scaled,
  vectorAt,
} from "../../demo/pages/autoencode/outline.ts";
import { movesOf } from "../../demo/pages/autoencode/resample.ts";
import { signNames, strokes } from "../../demo/pages/autoencode/strokes.ts";

test("moves are equally long, however fast the pen was, and end where it ended", () => {
  const moves = movesOf([
    [0, 0],
    [0.01, 0],
    [0.02, 0],
    [0.9, 0],
    [1.2, 0],
  ]);
  expect(moves).toHaveLength(24);
  for (const [dx, dy] of moves) {
    expect(dx).toBeCloseTo(0.05, 10);
    expect(dy).toBe(0);
  }
  const corner = movesOf([
    [0.2, 0],
    [0.2, 1],
    [0.7, 1],
  ]);
  expect(corner[0]).toEqual([0, expect.closeTo(1 / 16)]);
  expect(corner.at(-1)).toEqual([expect.closeTo(1 / 16), 0]);
});

test("strokes are of all signs, the odd ones last; half of these are a sign in a mirror", () => {
  const all = strokes({ count: 20, seed: 5, odd: 4 });
  expect(strokes({ count: 20, seed: 5, odd: 4 })).toEqual(all);
  expect(all.slice(0, 6).map(({ sign }) => sign)).toEqual(signNames);
  expect(all.map(({ isOdd }) => isOdd).lastIndexOf(false)).toBe(15);
  expect(all.slice(16).map(({ sign }) => sign === "?")).toEqual([true, false, true, false]);
  const right = (moves: number[][]) => moves.reduce((sum, [dx]) => sum + dx!, 0);
  for (const { sign, moves } of strokes({ count: 60, seed: 6 }))
    if (sign === "L") expect(right(moves)).toBeGreaterThan(0.2);
});

test("a stroke is drawn around its place, and scaled to a box of 1", () => {
  const moves = [
    [0, 2],
    [1, 0],
  ];
  expect(boxOf(moves)).toEqual({ x: 0.5, y: 1, size: 2 });
  expect(outline(moves, [50, 50], 10)).toBe("45.00,40.00 45.00,60.00 55.00,60.00");
  expect(scaled(moves)).toEqual([
    [0, 1],
    [0.5, 0],
  ]);
});

test("a place of the map is a vector, and back", () => {
  const base = { moves: [], restored: [], error: 0 };
  const list = [
    { ...base, sign: "0", isOdd: false, vector: [-1, 0] },
    { ...base, sign: "L", isOdd: false, vector: [3, 2] },
    { ...base, sign: "?", isOdd: true, vector: [1, 1] },
  ];
  const frame = frameOf(list);
  const [x, y] = placeOf(frame, [1, 0.5]);
  expect(x).toBeCloseTo(0.5, 10);
  const [a, b] = vectorAt(frame, [x, y]);
  expect([a, b]).toEqual([expect.closeTo(1), expect.closeTo(0.5)]);
  expect(placeOf(frame, [100, -100])).toEqual([0.99, 0.01]);
  // Odd strokes say nothing of a place.
  expect(nearestSign(list, [1.2, 1])).toBe("L");
});
