import { codedColumn } from "../../tasks/autoencode/coded-column.ts";
import { numbersInWords } from "../../tasks/data/index.ts";
import { type ColumnKinds, type Decoded, SequenceAutoencoder } from "../../tasks/index.ts";
import { numbered } from "../../tasks/rows.ts";
import { columnsOf, rowOfText, shownColumns, withLists } from "./cells.ts";
import { type CliTask, learned, type TaskFlags } from "./cli-task.ts";
import { histogram, percent, sparkline, table } from "./table.ts";

const KIND = "sequence autoencoder";

/** The one column, and what it is. */
function columnOf(rows: readonly object[], flags: TaskFlags): ColumnKinds {
  const { text, of, column } = flags;
  const given = column ?? (text !== undefined && of !== undefined ? columnsOf(rows, flags, []) : text);
  const [name, kind] = codedColumn(KIND, numbered(KIND, rows), given as string | ColumnKinds | undefined);
  const isText = kind === "words" || kind === "characters";
  return { [name]: isText ? ((of as typeof kind) ?? kind) : kind };
}

/** Numbers as a small chart for each feature, all else as text. */
function shownValue(value: Decoded): string {
  if (typeof value === "string") return value;
  if (typeof value[0] === "string") return value.join(" ");
  if (typeof value[0] === "number") return sparkline(value as readonly number[]);
  const vectors = value as readonly (readonly number[])[];
  return vectors[0]!.map((_, c) => sparkline(vectors.map((vector) => vector[c]!))).join(" | ");
}

const MOST_ROWS = 5;

export const autoencode: CliTask<SequenceAutoencoder> = {
  name: "autoencode",
  kind: KIND,
  about: "a vector for each row and back: what is unusual comes back badly",
  takes: [...learned, "text", "of", "column", "vectorSize", "noise", "bidirectional", "embeddingDim"],
  demo: () => ({ rows: numbersInWords({ count: 1000 }).map(({ words }) => ({ words })) }),
  describe: (rows, flags) => `a vector of each ${shownColumns(columnOf(rows, flags))}`,
  fit(runtime, rows, flags) {
    const { text: _, of: __, ...options } = flags;
    const column = columnOf(rows, flags);
    return SequenceAutoencoder.fit(runtime, withLists(rows, column), { ...options, column });
  },
  load: (runtime, bytes) => SequenceAutoencoder.load(runtime, bytes),
  rowOf: ({ columns }, text) => rowOfText(columns.kinds, text),
  async predict(task, given) {
    const rows = withLists(given, task.columns.kinds);
    const [reconstructions, errors] = [await task.reconstruct(rows), await task.errors(rows)];
    return rows.map((row, i) => {
      const [reconstruction, error] = [reconstructions[i]!, errors[i]!];
      const original = (row as TaskFlags)[task.column] as Decoded;
      return {
        record: { reconstruction, error },
        lines: [`${shownValue(original)}  →  ${shownValue(reconstruction)}   error ${error.toFixed(4)}`],
      };
    });
  },
  async evaluate(task, given) {
    const rows = withLists(given, task.columns.kinds);
    const [report, errors] = [await task.evaluate(rows), await task.errors(rows)];
    const { loss, accuracy, exact, r2 } = report;
    const worst = errors.map((error, row) => ({ error, row })).sort((a, b) => b.error - a.error);
    const measured =
      accuracy === undefined
        ? `${percent(r2!)} of the variance comes back`
        : `${percent(accuracy)} of the symbols are right, ${percent(exact!)} of ${rows.length} rows come back without a mistake`;
    const lines = [
      `loss ${loss.toFixed(4)}; ${measured}`,
      "",
      "errors of the rows:",
      ...histogram(errors),
      "",
      "the most unusual:",
      ...table(
        ["row", "error", task.column],
        worst
          .slice(0, MOST_ROWS)
          .map(({ row, error }) => [
            row,
            error.toFixed(4),
            shownValue((rows[row] as TaskFlags)[task.column] as Decoded),
          ]),
      ),
    ];
    return { record: { ...report, errors }, lines };
  },
};
