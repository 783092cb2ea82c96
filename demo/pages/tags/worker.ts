import type { SequenceTagger } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { tag, train } from "./program.ts";

export const questions = {
  tag: (tagger: SequenceTagger, text: string) => tag(tagger, text),
};

export default serve(
  (runtime, settings: Parameters<typeof train>[1], keep) => follow(train(runtime, settings), keep),
  questions,
);
