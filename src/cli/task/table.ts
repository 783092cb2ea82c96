/** Tables and bars of a terminal. */

/** Rows of cells in columns; those of numbers stand to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, c) => Math.max(...texts.map((row) => widthOf(row[c] ?? ""))));
  const isRight = head.map((_, c) => rows.length > 0 && rows.every((row) => /^[-\d.%]*$/.test(String(row[c] ?? ""))));
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
