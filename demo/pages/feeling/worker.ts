import type { SequenceClassifier } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { read, train } from "./program.ts";

export const questions = {
  read: (classifier: SequenceClassifier, text: string) => read(classifier, text),
};

export default serve(
  (runtime, settings: Parameters<typeof train>[1], keep) => follow(train(runtime, settings), keep),
  questions,
);
