import { reviews } from "../../tasks/data/index.ts";
import { NGramModel, unitsOf } from "../../tasks/index.ts";
import { textsOf } from "./cells.ts";
import type { CliTask } from "./cli-task.ts";
import { describeTexts, perplexityLines, textOrTexts } from "./language.ts";
import { bar, percent, table } from "./table.ts";

export const ngram: CliTask<NGramModel> = {
  name: "ngram",
  kind: "n-gram model",
  about: "how a text goes on, by counts",
  takes: ["text", "of", "sentences", "n", "smoothing"],
  extension: "json",
  backend: "cpu",
  asks: ["text"],
  demo: () => ({ rows: reviews({ count: 1000 }).map(({ text }) => ({ text })) }),
  reading: ({ sentences }) => ({ isOneText: sentences !== true, onlyTexts: true }),
  describe: (rows, flags) => describeTexts(rows, flags, flags.of ?? "words"),
  fit(_, rows, flags) {
    const { text: __, sentences: ___, signal: ____, ...options } = flags;
    return NGramModel.fit(textOrTexts(rows, flags), options as object);
  },
  load: (_, bytes) => NGramModel.load(bytes),
  rowOf: (_, text) => ({ text }),
  async predict(task, rows, { text }) {
    return textsOf(rows, text).map((prefix) => {
      // What is said of a sentence is said of its beginning, too.
      const context = [...(task.sentences ? ["<s>"] : []), ...unitsOf(prefix, task.of)];
      const next = task.next(context);
      return {
        record: { text: prefix, next },
        lines: table(
          ["next", "probability", "count", ""],
          next.map(({ unit, probability, count }) => [
            JSON.stringify(unit),
            percent(probability),
            count,
            bar(probability),
          ]),
        ),
      };
    });
  },
  async evaluate(task, rows, { text }) {
    const all = textsOf(rows, text);
    const texts = task.sentences ? all : all.join("\n");
    const [perplexity, bitsPerCharacter] = [task.perplexity(texts), task.bitsPerCharacter(texts)];
    const sparsity = task.sparsity(texts);
    const lines = [
      `${sparsity[0]!.count} ${task.of}${task.sentences ? " and ends of sentences" : ""}, ${bitsPerCharacter.toFixed(3)} bits for each character`,
      "",
      ...perplexityLines({ "this model": perplexity, guessing: task.vocabulary.size }),
      "",
      ...table(
        ["n", "looked at", "contexts never seen", "n-grams never seen", ""],
        sparsity.map(({ n, count, unseenContexts, unseenNGrams }) => [
          n,
          count,
          percent(unseenContexts),
          percent(unseenNGrams),
          bar(unseenNGrams),
        ]),
      ),
    ];
    return { record: { perplexity, bitsPerCharacter, sparsity }, lines };
  },
};
