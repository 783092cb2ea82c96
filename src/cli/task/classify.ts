import { reviews } from "../../tasks/data/index.ts";
import { SequenceClassifier } from "../../tasks/index.ts";
import { columnsOf, rowOfText, shownColumns, withLists } from "./cells.ts";
import { classLines, confusionLines, likeliest } from "./class-lines.ts";
import { type CliTask, learned, type TaskFlags } from "./cli-task.ts";
import { percent } from "./table.ts";

const labelOf = ({ label = "label" }: TaskFlags) => label as string;

export const classify: CliTask<SequenceClassifier> = {
  name: "classify",
  kind: "sequence classifier",
  about: "a class for each row",
  takes: [
    ...learned,
    ...["text", "of", "column", "affixes", "ngrams", "label", "pooling", "classWeights", "bidirectional"],
    "embeddingDim",
  ],
  demo: () => ({ rows: reviews({ count: 2000 }) }),
  describe: (rows, flags) =>
    `${labelOf(flags)} is the class, of ${shownColumns(columnsOf(rows, flags, [labelOf(flags)]))}`,
  fit(runtime, rows, flags) {
    const { text: _, of: __, column: ___, ...options } = flags;
    const columns = columnsOf(rows, flags, [labelOf(flags)]);
    return SequenceClassifier.fit(runtime, withLists(rows, columns), { ...options, columns });
  },
  load: (runtime, bytes) => SequenceClassifier.load(runtime, bytes),
  rowOf: ({ columns }, text) => rowOfText(columns.kinds, text),
  async predict(task, rows) {
    const said = await task.predict(withLists(rows, task.columns.kinds));
    return said.map((record) => ({ record, lines: [likeliest(record.probabilities)] }));
  },
  async evaluate(task, rows) {
    const report = await task.evaluate(withLists(rows, task.columns.kinds));
    const { accuracy, macroF1 } = report;
    const lines = [
      `accuracy ${percent(accuracy)} of ${rows.length} rows, macro F1 ${macroF1.toFixed(3)}`,
      "",
      ...classLines(report),
      "",
      ...confusionLines(report),
    ];
    return { record: report, lines };
  },
};
