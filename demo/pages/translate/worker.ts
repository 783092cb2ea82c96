import type { Translator } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { pairs, search, train } from "./program.ts";

export const questions = {
  search: (translator: Translator, asked: Parameters<typeof search>[1]) => search(translator, asked),
  /** A text that it has hardly learned from. */
  example: (_: Translator, settings: Parameters<typeof pairs>[0]) => pairs(settings, 1)[0]!.source,
};

export default serve(
  (runtime, settings: Parameters<typeof train>[1], keep) => follow(train(runtime, settings), keep),
  questions,
);
