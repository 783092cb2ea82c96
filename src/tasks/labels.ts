import { checkOptions, DataError, shown } from "../index.ts";
import { cellOf, type TaskRow } from "./columns.ts";
import type { Numbered } from "./rows.ts";

/** The class of a row, as text. @throws DataError where it has none */
export function labelOf({ row, at }: Numbered<TaskRow>, name: string): string {
  const value = cellOf(row, name);
  if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return String(value);
  throw new DataError(`${at}: ${name} is ${shown(value)}, expected the row's class; label says which column has it`);
}

/**
 * The classes of rows, numbers in their order and names by the alphabet, and how many rows have each.
 * @throws DataError for a class of a single row, and for a single class
 */
export function labelsOf(rows: readonly Numbered<TaskRow>[], label: string) {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const name = labelOf(row, label);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const labels = [...counts.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const alone = rows.find((row) => counts.get(labelOf(row, label)) === 1);
  if (alone)
    throw new DataError(
      `${alone.at}: its class ${shown(labelOf(alone, label))} is in no other row, so it can be learned or measured, but not both; leave the row out, or give more of that class`,
    );
  if (labels.length === 1)
    throw new DataError(`all ${rows.length} rows have the class ${shown(labels[0])}; a classifier needs two or more`);
  return { labels, counts: counts as ReadonlyMap<string, number> };
}

/** How much a class counts in the loss, by name; "balanced": the rarer the more, as in scikit-learn. */
export type ClassWeights = "balanced" | Readonly<Record<string, number>>;

/** The weight of every class in the loss; null where all count alike. */
export function weightsOf(
  who: string,
  given: ClassWeights | undefined,
  labels: readonly string[],
  counts: ReadonlyMap<string, number>,
): readonly number[] | null {
  if (given === undefined) return null;
  if (given === "balanced") {
    const rows = [...counts.values()].reduce((sum, n) => sum + n, 0);
    return labels.map((label) => rows / (labels.length * counts.get(label)!));
  }
  checkOptions(`${who}: classWeights`, given, labels);
  return labels.map((label) => given[label] ?? 1);
}
