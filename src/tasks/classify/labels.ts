import { checkOptions, DataError, shown } from "../../index.ts";
import { cellOf, type TaskRow } from "../columns.ts";
import type { Numbered } from "../rows.ts";

/** A class, and what errors call the row or the step that has it. */
export interface Labelled {
  readonly label: string;
  readonly at: string;
}

const isLabel = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);

/** The class of a row. @throws DataError where it has none */
export function labelOf({ row, at }: Numbered<TaskRow>, name: string): string {
  const value = cellOf(row, name);
  if (isLabel(value)) return String(value);
  throw new DataError(`${at}: ${name} is ${shown(value)}, expected the row's class; label says which column has it`);
}

/** The classes of a row's steps. @throws DataError where it has no such list */
function stepLabelsOf({ row, at }: Numbered<TaskRow>, name: string): Labelled[] {
  const value = cellOf(row, name);
  if (!Array.isArray(value) || value.length === 0)
    throw new DataError(
      `${at}: ${name} is ${shown(value)}, expected a list with the class of each step; label says which column has it`,
    );
  return value.map((one, t) => {
    const step = `${at}: ${name}[${t}]`;
    if (isLabel(one)) return { label: String(one), at: step };
    throw new DataError(`${step} is ${shown(one)}, expected the step's class: a string, a number, true or false`);
  });
}

/** What has a class in the rows of a task. */
export interface LabelledBy {
  readonly what: "row" | "step";
  /** The default of `label`, the column with the classes. */
  readonly label: string;
  /** The classes of a row. @throws DataError where it has none */
  readonly of: (row: Numbered<TaskRow>, label: string) => readonly Labelled[];
}

export const byRow: LabelledBy = {
  what: "row",
  label: "label",
  of: (row, label) => [{ label: labelOf(row, label), at: row.at }],
};

export const byStep: LabelledBy = { what: "step", label: "tags", of: stepLabelsOf };

/**
 * The names of classes by the alphabet, numbers in their order, and how often each is there.
 * @param what has a class; one of a single row is refused, of a single step not: the row has others to learn from
 * @throws DataError for a class of one row, and for a single class
 */
export function labelsOf(all: readonly Labelled[], what: "row" | "step") {
  const counts = new Map<string, number>();
  for (const { label } of all) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labels = [...counts.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const alone = what === "row" && all.find(({ label }) => counts.get(label) === 1);
  if (alone)
    throw new DataError(
      `${alone.at}: its class ${shown(alone.label)} is in no other row, so it can be learned or measured, but not both; leave the row out, or give more of that class`,
    );
  if (labels.length === 1)
    throw new DataError(
      `all ${all.length} ${what}s have the class ${shown(labels[0])}; a classifier needs two or more`,
    );
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
    const all = [...counts.values()].reduce((sum, n) => sum + n, 0);
    return labels.map((label) => all / (labels.length * counts.get(label)!));
  }
  checkOptions(`${who}: classWeights`, given, labels);
  return labels.map((label) => given[label] ?? 1);
}
