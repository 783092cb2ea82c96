import { captionedShapes } from "../../tasks/data/index.ts";
import { Captioner, type Vector } from "../../tasks/index.ts";
import { rowOfText, withLists } from "./cells.ts";
import { type CliTask, learned, type TaskFlags } from "./cli-task.ts";
import { searchOf, writtenLines } from "./written-lines.ts";

const imageOf = ({ source = "image" }: TaskFlags) => source as string;
const captionOf = ({ target = "caption" }: TaskFlags) => target as string;

export const caption: CliTask<Captioner> = {
  name: "caption",
  kind: "captioner",
  about: "a text about each vector or image",
  takes: [...learned, "source", "target", "of", "embeddingDim"],
  asks: ["beam"],
  demo: () => ({ rows: captionedShapes({ count: 1000, size: 8 }) }),
  reading: () => ({ onlyTexts: true }),
  describe: (_, flags) => `${imageOf(flags)} is read, ${captionOf(flags)} is written`,
  fit(runtime, rows, flags) {
    const { source: _, target: __, of: unit, ...options } = flags;
    const [image, caption] = [imageOf(flags), captionOf(flags)];
    const all = { ...options, image, caption, ...(unit !== undefined && { unit }) };
    return Captioner.fit(runtime, withLists(rows, { [image]: "series" }), all as object);
  },
  load: (runtime, bytes) => Captioner.load(runtime, bytes),
  rowOf: ({ column }, text) => rowOfText({ [column]: "series" }, text),
  async predict(task, rows, { beam }) {
    const vectors = withLists(rows, { [task.column]: "series" }).map((row) => (row as TaskFlags)[task.column]);
    return (await task.caption(vectors as Vector[], searchOf(beam))).map((record) => ({
      record,
      lines: [record.text],
    }));
  },
  async evaluate(task, rows, { beam }) {
    const report = await task.evaluate(withLists(rows, { [task.column]: "series" }), searchOf(beam));
    return { record: report, lines: writtenLines(report, rows.length) };
  },
};
