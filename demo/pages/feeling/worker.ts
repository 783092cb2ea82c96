import type { SequenceClassifier } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { learnMeanings } from "./meaning.ts";
import { read, train } from "./program.ts";

interface Subject {
  classifier?: SequenceClassifier;
  meanings?: Awaited<ReturnType<typeof learnMeanings>>;
}

export const questions = {
  read: ({ classifier }: Subject, text: string) => classifier && read(classifier, text),
  meanings: ({ meanings }: Subject, sentences: readonly { words: readonly string[]; position: number }[]) =>
    meanings && Promise.all(sentences.map(({ words, position }) => meanings.read(words, position))),
};

export default serve(async function* (
  runtime,
  settings: Parameters<typeof train>[1],
  keep: (subject: Subject) => void,
) {
  const subject: Subject = {};
  keep(subject);
  yield* follow(train(runtime, settings), (classifier) => {
    subject.classifier = classifier;
  });
  subject.meanings = await learnMeanings(runtime, settings);
}, questions);
