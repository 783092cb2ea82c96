/** Two language models of the same sentences: one counts, the other learns. */
import type { Runtime } from "webgpu-rnn";
import { LanguageModel, NGramModel, type NGramSmoothing, unitsOf } from "webgpu-rnn/tasks";

/** The n that the page compares. */
export const orders = [1, 2, 3, 4, 5, 6] as const;

/** Every tenth sentence is kept apart, to measure both on. */
export const keptApart = (sentences: readonly string[]) => ({
  training: sentences.filter((_, i) => i % 10 !== 9),
  heldOut: sentences.filter((_, i) => i % 10 === 9),
});
export type Parts = ReturnType<typeof keptApart>;

/** The network: 32 units that go through a sentence word by word. */
export function learn(runtime: Runtime, { training, heldOut }: Parts, seed: number) {
  return LanguageModel.fit(runtime, training, {
    of: "words",
    minCount: 1,
    maxVocabulary: 4000,
    embeddingDim: 16,
    hiddenSize: 32,
    dropout: 0.1,
    // Some 450 updates, of few sentences as of many.
    epochs: Math.max(2, Math.min(40, Math.round((450 * 32) / training.length))),
    optimizer: { name: "adam", lr: 0.01 },
    validation: heldOut,
    seed,
  });
}

/** The counts, of the same words, so that the perplexities can be compared. */
export function count({ training }: Parts, n: number, smoothing: NGramSmoothing, { vocabulary }: LanguageModel) {
  return NGramModel.fit(training, { n, smoothing, vocabulary });
}

/** What both say of the word after the beginning of a sentence. */
export async function ask(network: LanguageModel, counts: NGramModel, beginning: string, word: string) {
  const units = unitsOf(beginning, "words");
  const k = network.vocabulary.size;
  const { next } = await network.complete(`${units.join(" ")} `.trimStart(), { k, length: 0 });
  const context = ["<s>", ...units];
  return {
    units,
    counted: counts.probability(word, context),
    countedNext: counts
      .next(context, { k: 6 })
      .filter(({ unit }) => unit !== "<unk>")
      .slice(0, 5),
    learned: next.find(({ unit }) => unit === word)?.probability ?? 0,
    learnedNext: next.slice(0, 5),
  };
}

/** Beginnings of held-out sentences whose last n-1 words were never seen together, and the word that follows there. */
export function neverSeen(counts: NGramModel, { heldOut }: Parts) {
  return heldOut.flatMap((sentence) => {
    const units = unitsOf(sentence, "words");
    const isNew = (unit: string, i: number) =>
      /\p{L}/u.test(unit) && counts.probability(unit, ["<s>", ...units.slice(0, i)]).contextCount === 0;
    const at = units.findLastIndex(isNew);
    return at < 0 ? [] : [{ beginning: units.slice(0, at).join(" "), word: units[at]! }];
  });
}
