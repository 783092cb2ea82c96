/** A classifier of made-up reviews, and what it says of one. */
import type { Runtime } from "webgpu-rnn";
import { SequenceClassifier } from "webgpu-rnn/tasks";
import { type Language, reviews } from "webgpu-rnn/tasks/data";

/** Trains on 2000 reviews of three classes. */
export function train(runtime: Runtime, { language, seed }: { readonly language: Language; readonly seed: number }) {
  return SequenceClassifier.fit(runtime, reviews({ count: 2000, language, seed }), {
    columns: { text: "words" },
    embeddingDim: 32,
    hiddenSize: 32,
    epochs: 12,
    seed,
  });
}

/** The probability of each class, and which words moved the likeliest one. */
export async function read(classifier: SequenceClassifier, text: string) {
  const { label, probabilities } = await classifier.predict({ text });
  const { steps } = await classifier.explain({ text }, label);
  return { label, probabilities, steps };
}
