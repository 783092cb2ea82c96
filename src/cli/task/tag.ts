import { taggedSentences } from "../../tasks/data/index.ts";
import { type ColumnKinds, SequenceTagger, type Tagged } from "../../tasks/index.ts";
import { columnsOf, rowOfText, shownColumns, withLists } from "./cells.ts";
import { classLines, confusionLines } from "./class-lines.ts";
import { type CliTask, learned, type TaskFlags } from "./cli-task.ts";
import { percent } from "./table.ts";

const labelOf = ({ tags = "tags" }: TaskFlags) => tags as string;

/**
 * Of a table, where lists are texts with spaces: a sentence with as many tags as it has words between spaces.
 * @param label the column with the tags
 */
function columnsWith(rows: readonly object[], flags: TaskFlags): ColumnKinds {
  const label = labelOf(flags);
  const kinds = columnsOf(rows, flags, [label]);
  const isTable = typeof (rows[0] as TaskFlags)[label] === "string";
  if (!isTable || flags.column !== undefined) return kinds;
  return Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, kind === "words" ? "tokens" : kind]));
}

/** Rows whose tags are lists. */
const tagged = (rows: readonly object[], kinds: ColumnKinds, label: string): readonly object[] =>
  withLists(rows, { ...kinds, [label]: "tokens" });

/** What is less certain is shown with its probability. */
const CERTAIN = 0.9;

const shownStep = ({ unit, label, probabilities }: Tagged): string => {
  const p = probabilities[label]!;
  const certainty = p < CERTAIN ? `(${Math.round(100 * p)}%)` : "";
  return `${unit === undefined ? "" : `${unit}/`}${label}${certainty}`;
};

export const tag: CliTask<SequenceTagger> = {
  name: "tag",
  kind: "sequence tagger",
  about: "a class for each word or step",
  takes: [...learned, "text", "of", "column", "affixes", "tags", "classWeights", "bidirectional", "embeddingDim"],
  demo: () => ({ rows: taggedSentences({ count: 1000 }) }),
  describe: (rows, flags) => `${labelOf(flags)} are the classes, of ${shownColumns(columnsWith(rows, flags))}`,
  fit(runtime, rows, flags) {
    const { text: _, of: __, column: ___, tags: ____, ...options } = flags;
    const [columns, label] = [columnsWith(rows, flags), labelOf(flags)];
    return SequenceTagger.fit(runtime, tagged(rows, columns, label), { ...options, columns, label });
  },
  load: (runtime, bytes) => SequenceTagger.load(runtime, bytes),
  rowOf: ({ columns }, text) => rowOfText(columns.kinds, text),
  async predict(task, rows) {
    const said = await task.predict(withLists(rows, task.columns.kinds));
    return said.map((steps) => ({ record: { steps }, lines: [steps.map(shownStep).join(" ")] }));
  },
  async evaluate(task, rows) {
    const report = await task.evaluate(tagged(rows, task.columns.kinds, task.label));
    const { accuracy, rowAccuracy, macroF1, confusion } = report;
    const steps = confusion.flat().reduce((sum, count) => sum + count, 0);
    const lines = [
      `accuracy ${percent(accuracy)} of ${steps} steps, macro F1 ${macroF1.toFixed(3)}; ${percent(rowAccuracy)} of ${rows.length} rows without a mistake`,
      "",
      ...classLines(report),
      "",
      ...confusionLines(report),
    ];
    return { record: report, lines };
  },
};
