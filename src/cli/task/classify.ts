import { reviews } from "../../tasks/data/index.ts";
import { guessColumns, SequenceClassifier } from "../../tasks/index.ts";
import type { CliTask, TaskFlags } from "./cli-task.ts";
import { bar, percent, table } from "./table.ts";

const columnsOf = (rows: readonly object[], { columns, label = "label" }: TaskFlags) => ({
  columns: columns ?? guessColumns(rows, [label as string]),
  label: label as string,
});

export const classify: CliTask<SequenceClassifier> = {
  name: "classify",
  kind: "sequence classifier",
  about: "a class for each row",
  takes: ["label", "column", "pooling", "classWeights", "bidirectional", "dropout"],
  demo: () => reviews({ count: 2000 }),
  describe(rows, flags) {
    const { columns, label } = columnsOf(rows, flags);
    const read = Object.entries(columns as object).map(([name, kind]) => `${name} (${kind})`);
    return `${label} is the class, of ${read.join(", ")}`;
  },
  fit: (runtime, rows, flags) =>
    SequenceClassifier.fit(runtime, rows, { ...flags, ...columnsOf(rows, flags) } as object),
  load: (runtime, bytes) => SequenceClassifier.load(runtime, bytes),
  rowOf: ({ columns }, text) => ({ [Object.keys(columns.kinds)[0]!]: text }),
  async predict(task, rows) {
    const said = await task.predict(rows);
    return said.map((record) => {
      const ranked = Object.entries(record.probabilities).sort(([, a], [, b]) => b - a);
      return {
        record,
        lines: [
          ranked
            .slice(0, 5)
            .map(([label, p]) => `${label} ${percent(p)}`)
            .join("  "),
        ],
      };
    });
  },
  async evaluate(task, rows) {
    const report = await task.evaluate(rows);
    const { accuracy, macroF1, classes, confusion, labels } = report;
    const counted = Object.entries(classes).map(([label, { precision, recall, f1, count }]) => [
      ...[label, count, precision.toFixed(3), recall.toFixed(3), f1.toFixed(3)],
      bar(f1),
    ]);
    return {
      record: report,
      lines: [
        `accuracy ${percent(accuracy)} of ${rows.length} rows, macro F1 ${macroF1.toFixed(3)}`,
        "",
        ...table(["class", "rows", "precision", "recall", "F1", ""], counted),
        "",
        ...table(
          ["is \\ said", ...labels],
          labels.map((label, c) => [label, ...confusion[c]!]),
        ),
      ],
    };
  },
};
