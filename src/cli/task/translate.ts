import { numbersInWords } from "../../tasks/data/index.ts";
import { Translator } from "../../tasks/index.ts";
import { textsOf } from "./cells.ts";
import { type CliTask, learned } from "./cli-task.ts";
import { searchOf, writtenLines } from "./written-lines.ts";

export const translate: CliTask<Translator> = {
  name: "translate",
  kind: "translator",
  about: "a text of each text",
  takes: [...learned, "source", "target", "of", "attention", "teacherForcing", "bidirectional", "embeddingDim"],
  asks: ["beam"],
  demo: () => ({ rows: numbersInWords({ count: 1000 }), flags: { source: "words", target: "digits" } }),
  reading: () => ({ onlyTexts: true }),
  describe: (_, { source = "source", target = "target" }) => `${source} is read, ${target} is written`,
  fit(runtime, rows, { of, ...options }) {
    const units = of === undefined ? {} : { sourceUnit: of, targetUnit: of };
    return Translator.fit(runtime, rows, { ...options, ...units } as object);
  },
  load: (runtime, bytes) => Translator.load(runtime, bytes),
  rowOf: ({ columns }, text) => ({ [Object.keys(columns.kinds)[0]!]: text }),
  async predict(task, rows, { beam }) {
    const texts = textsOf(rows, Object.keys(task.columns.kinds)[0]!);
    return (await task.translate(texts, searchOf(beam))).map((record) => ({ record, lines: [record.text] }));
  },
  async evaluate(task, rows, { beam }) {
    const report = await task.evaluate(rows, searchOf(beam));
    return { record: report, lines: writtenLines(report, rows.length) };
  },
};
