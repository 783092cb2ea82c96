/** Tables and small charts of a terminal. */
import { expect, test } from "vitest";
import { bar, digitsFor, histogram, interval, percent, sparkline, table } from "../../src/cli/task/table.ts";

test("columns are as wide as what they show, Korean takes two, and numbers stand to the right", () => {
  expect(
    table(
      ["word", "count", "share"],
      [
        ["사과", 3, percent(0.5)],
        ["dog", 12, percent(0.05)],
      ],
    ),
  ).toEqual(["word  count   share", "사과      3  50.0 %", "dog      12   5.0 %"]);
});

test("bars, sparklines and intervals", () => {
  expect([0, 0.5, 1, 7].map(bar)).toEqual([
    "░".repeat(20),
    "█".repeat(10) + "░".repeat(10),
    "█".repeat(20),
    "█".repeat(20),
  ]);
  expect(sparkline([0, 1, Number.NaN, 7])).toBe("▁▂ █");
  expect(sparkline([3, 3])).toBe("▁▁");
  // Two numbers in each of 40 columns.
  expect(sparkline(Array.from({ length: 80 }, (_, i) => (i < 40 ? 0 : 1)))).toBe("▁".repeat(20) + "█".repeat(20));
  // 20 columns from 0 to 38, two units each.
  expect(interval(2, 10, 20, 0, 38)).toBe(` ├───●────┤${" ".repeat(9)}`);
  expect(interval(5, 5, 5, 5, 5)).toBe(`●${" ".repeat(19)}`);
});

test("numbers are shown with five digits, and rows counted in eight parts", () => {
  expect([0, 0.01234, 1.5, 54_321.9].map((x) => digitsFor([x]))).toEqual([8, 6, 4, 0]);
  const counts = histogram([0, 1, 1, 8]);
  expect(counts).toHaveLength(9);
  expect(counts.slice(0, 4)).toEqual([
    "  from      to  rows",
    `0.0000  1.0000     1  ${bar(0.5)}`,
    `1.0000  2.0000     2  ${bar(1)}`,
    `2.0000  3.0000     0  ${bar(0)}`,
  ]);
  // The largest is in the last part.
  expect(counts.at(-1)).toBe(`7.0000  8.0000     1  ${bar(0.5)}`);
  expect(histogram([2, 2])).toEqual(["  from      to  rows", `2.0000  2.0000     2  ${bar(1)}`]);
});
