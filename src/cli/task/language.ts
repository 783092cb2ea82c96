import { reviews } from "../../tasks/data/index.ts";
import { LanguageModel } from "../../tasks/index.ts";
import { textsOf } from "./cells.ts";
import { type CliTask, learned, type TaskFlags } from "./cli-task.ts";
import { bar, percent, table } from "./table.ts";

/** One text is a stream; several are sentences, each with an end. */
export function textOrTexts(rows: readonly object[], { text, sentences }: TaskFlags): string | readonly string[] {
  const texts = textsOf(rows, text);
  return texts.length === 1 && sentences !== true ? texts[0]! : texts;
}

export function describeTexts(rows: readonly object[], flags: TaskFlags, unit: unknown): string {
  const texts = textOrTexts(rows, flags);
  return typeof texts === "string"
    ? `one text of ${texts.length} characters, of ${unit}`
    : `${texts.length} sentences, of ${unit}`;
}

export const language: CliTask<LanguageModel> = {
  name: "language",
  kind: "language model",
  about: "how a text goes on",
  takes: [...learned, "text", "of", "sentences", "window", "embeddingDim"],
  asks: ["text"],
  demo: () => ({ rows: reviews({ count: 1000 }).map(({ text }) => ({ text })) }),
  reading: ({ sentences }) => ({ isOneText: sentences !== true, onlyTexts: true }),
  describe: (rows, flags) => describeTexts(rows, flags, flags.of ?? "characters"),
  fit(runtime, rows, flags) {
    const { text: _, sentences: __, ...options } = flags;
    return LanguageModel.fit(runtime, textOrTexts(rows, flags), options as object);
  },
  load: (runtime, bytes) => LanguageModel.load(runtime, bytes),
  rowOf: (_, text) => ({ text }),
  async predict(task, rows, { text }) {
    const said = [];
    for (const prefix of textsOf(rows, text)) {
      const { next, continuations } = await task.complete(prefix);
      said.push({
        record: { text: prefix, next, continuations },
        lines: [
          ...continuations.map((one) => one.text),
          `next: ${next.map(({ unit, probability }) => `${JSON.stringify(unit)} ${percent(probability)}`).join("  ")}`,
        ],
      });
    }
    return said;
  },
  async evaluate(task, rows, { text }) {
    const report = await task.evaluate(textsOf(rows, text));
    const { units, characters, unknown, perplexity, bitsPerCharacter } = report;
    const guessing = task.vocabulary.size;
    const lines = [
      `${units} ${task.of}${task.sentences ? " and ends of sentences" : ""}, ${characters} characters, ${percent(unknown)} unknown`,
      `${bitsPerCharacter.toFixed(3)} bits for each character`,
      "",
      ...perplexityLines({ "this model": perplexity, guessing }),
    ];
    return { record: report, lines };
  },
};

/** Perplexities, with the bits of a unit as bars. */
export function perplexityLines(perplexities: Readonly<Record<string, number>>): string[] {
  const most = Math.max(...Object.values(perplexities).map(Math.log2).filter(Number.isFinite));
  return table(
    ["", "perplexity", "bits a unit", ""],
    Object.entries(perplexities).map(([name, perplexity]) => [
      name,
      perplexity.toFixed(3),
      Math.log2(perplexity).toFixed(3),
      bar(Math.log2(perplexity) / most),
    ]),
  );
}
