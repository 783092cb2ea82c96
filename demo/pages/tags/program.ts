/** A tagger of made-up sentences, and what it says of the words of one. */
import type { Runtime } from "webgpu-rnn";
import { SequenceTagger } from "webgpu-rnn/tasks";
import { type Language, taggedSentences } from "webgpu-rnn/tasks/data";

const small = (words: readonly string[]) => words.map((word) => word.toLowerCase());

/** Trains on 1400 rows: sentences, and as many that break off at some word, as one does that is being typed. */
export function train(runtime: Runtime, { language, seed }: { readonly language: Language; readonly seed: number }) {
  const sentences = (count: number, seed: number) =>
    taggedSentences({ count, language, seed }).map(({ words, tags }) => ({ words: small(words), tags }));
  const whole = sentences(700, seed);
  const begun = whole.map(({ words, tags }, i) => {
    const end = 1 + (i % words.length);
    return { words: words.slice(0, end), tags: tags.slice(0, end) };
  });
  return SequenceTagger.fit(runtime, [...whole, ...begun], {
    bidirectional: true,
    hiddenSize: 24,
    embeddingDim: 24,
    epochs: 5,
    optimizer: { name: "adam", lr: 0.01 },
    validation: sentences(200, seed + 1),
    seed,
  });
}

/** The probability of each part of speech for each word of a text, whole or not. */
export async function tag(tagger: SequenceTagger, text: string) {
  const words = text.match(/[\p{L}\p{N}'’-]+|[^\s\p{L}\p{N}]/gu) ?? [];
  const steps = await tagger.predict({ words: small(words) });
  return steps.map(({ label, probabilities }, i) => ({ word: words[i]!, label, probabilities }));
}
