import { DataError, shown } from "../index.ts";

/** A row, and what errors call it: rows are drawn and put in another order, and messages name the one that was given. */
export interface Numbered<Row> {
  readonly row: Row;
  readonly at: string;
}

/** @param what what errors call a row @throws DataError for no rows */
export function numbered<Row>(who: string, rows: readonly Row[], what = "row"): Numbered<Row>[] {
  if (Array.isArray(rows) && rows.length > 0) return rows.map((row, i) => ({ row, at: `${what} ${i}` }));
  throw new DataError(`${who}: the ${what}s are ${shown(rows)}, expected a list of at least one`);
}

/** Rows that are asked of the model together. */
const TOGETHER = 64;

/** Asks a model about rows, those of similar length together, and gives the answers in the order of the rows. */
export async function inBatches<Row, Answer>(
  rows: readonly Row[],
  lengthOf: (row: Row) => number,
  ask: (rows: readonly Row[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const order = rows.map((_, i) => i).sort((a, b) => lengthOf(rows[a]!) - lengthOf(rows[b]!));
  const answers: Answer[] = [];
  for (let from = 0; from < order.length; from += TOGETHER) {
    const some = order.slice(from, from + TOGETHER);
    const got = await ask(some.map((i) => rows[i]!));
    some.forEach((i, n) => {
      answers[i] = got[n]!;
    });
  }
  return answers;
}

/** The place of the largest number. */
export const largest = (numbers: ArrayLike<number>): number =>
  Array.from(numbers).reduce((best, x, i, all) => (x > all[best]! ? i : best), 0);

/** Scores as probabilities. */
export function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
