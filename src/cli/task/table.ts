/** Tables and bars of a terminal. */

/** Rows of cells in columns; those of numbers and shares stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, c) => Math.max(...texts.map((row) => widthOf(row[c] ?? ""))));
  const isRight = head.map((_, c) => rows.length > 0 && rows.every((row) => /^[-\d.% ]*$/.test(String(row[c] ?? ""))));
  return texts.map((row) =>
    row
      .map((text, c) => {
        const gap = " ".repeat(widths[c]! - widthOf(text));
        return isRight[c] ? gap + text : text + gap;
      })
      .join("  ")
      .trimEnd(),
  );
}

const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/gu;

/** Columns that a text takes: Korean and the like take two. */
const widthOf = (text: string): number => [...text].length + (text.match(wide)?.length ?? 0);

const BAR = 20;

/** A share as a bar of 20 columns. */
export const bar = (share: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR);
  return "█".repeat(full) + "░".repeat(BAR - full);
};

/** A share as 93.4 %. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const heights = [..."▁▂▃▄▅▆▇█"];
const SPARKS = 40;

/** Numbers as heights, one of a column or the mean of several. What is no number is a space. */
export function sparkline(numbers: readonly number[]): string {
  const columns = Math.min(SPARKS, numbers.length);
  const means = Array.from({ length: columns }, (_, c) => {
    const part = numbers.slice(
      Math.floor((c * numbers.length) / columns),
      Math.floor(((c + 1) * numbers.length) / columns),
    );
    return part.reduce((sum, x) => sum + x, 0) / part.length;
  });
  const finite = means.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const height = (x: number) => (high === low ? 0 : Math.round(((x - low) / (high - low)) * (heights.length - 1)));
  return means.map((x) => (Number.isFinite(x) ? heights[height(x)]! : " ")).join("");
}

/** An interval and its median, `├──●───┤`, in 20 columns that go from `from` to `to`. */
export function interval(low: number, median: number, high: number, from: number, to: number): string {
  const place = (x: number) => (to === from ? 0 : Math.round(((x - from) / (to - from)) * (BAR - 1)));
  const [left, middle, right] = [place(low), place(median), place(high)];
  const mark = (c: number) =>
    c === middle ? "●" : c === left ? "├" : c === right ? "┤" : c > left && c < right ? "─" : " ";
  return Array.from({ length: BAR }, (_, c) => mark(c)).join("");
}

/** How many digits behind the point show five digits of the largest number. */
export function digitsFor(numbers: readonly number[]): number {
  const most = Math.max(1e-6, ...numbers.map(Math.abs).filter(Number.isFinite));
  return Math.min(8, Math.max(0, 4 - Math.floor(Math.log10(most))));
}

/** How numbers spread: how many are in each of 8 equal parts from the smallest to the largest, as bars. */
export function histogram(numbers: readonly number[]): string[] {
  const [low, high] = numbers.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
  const parts = high > low ? 8 : 1;
  const counts = new Array<number>(parts).fill(0);
  for (const x of numbers)
    counts[high > low ? Math.min(parts - 1, Math.floor(((x - low) / (high - low)) * parts)) : 0]! += 1;
  const most = Math.max(...counts);
  const edge = (i: number) => (low + ((high - low) * i) / parts).toFixed(digitsFor([high]));
  return table(
    ["from", "to", "rows", ""],
    counts.map((count, i) => [edge(i), edge(i + 1), count, bar(count / most)]),
  );
}
