/** A language model of words, and how it goes on with what somebody types. */
import type { Runtime } from "webgpu-rnn";
import { LanguageModel } from "webgpu-rnn/tasks";

/** Learns to say the next word of every sentence, from its first word on. */
export function train(runtime: Runtime, sentences: readonly string[], seed: number) {
  return LanguageModel.fit(runtime, sentences, {
    of: "words",
    minCount: 1,
    maxVocabulary: 4000,
    embeddingDim: 24,
    hiddenSize: 48,
    dropout: 0.1,
    // Some 400 updates, of few sentences as of many.
    epochs: Math.max(2, Math.min(40, Math.round((400 * 32) / sentences.length))),
    optimizer: { name: "adam", lr: 0.01 },
    seed,
  });
}

/** The likeliest next words, each with the text that it makes, and the likeliest ways to end the sentence. */
export async function complete(model: LanguageModel, text: string) {
  // The model knows sentences: what stands before the last one is kept as it is.
  const before = /^.*[.!?\n]\s+/su.exec(text)?.[0] ?? "";
  let sentence = text.slice(before.length);
  const words = () => model.complete(sentence, { k: 5, length: 1 });
  let { next, continuations } = await words();
  if (next[0] && sentence.endsWith(next[0].unit)) {
    // The last word is whole, so this is about the one after it.
    sentence += " ";
    ({ next, continuations } = await words());
  }
  const { continuations: endings } = await model.complete(sentence, { k: 3, length: 12 });
  // No space stands before a punctuation mark, also where one was typed.
  const joined = (longer: string) => before + longer.replace(/ ([.,!?])/g, "$1");
  const isLikely = ({ probability }: { readonly probability: number }, i: number) => i === 0 || probability > 0.01;
  return {
    next: next.filter(isLikely).map(({ unit, probability }) => {
      const longer = continuations.find((one) => one.text.endsWith(unit))?.text;
      return { unit, probability, text: unit === "</s>" ? `${text} ` : joined(longer ?? sentence) };
    }),
    endings: endings
      .map((one) => ({ text: joined(one.text), probability: Math.exp(one.logProbability) }))
      .filter(isLikely),
  };
}
