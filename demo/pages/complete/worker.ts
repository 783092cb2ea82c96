import type { Runtime } from "webgpu-rnn";
import type { LanguageModel } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { sentencesOf } from "../../shell/sentences-of.ts";
import { serve } from "../../shell/training-worker.ts";
import { complete, train } from "./program.ts";
import { sentences } from "./sentences.ts";

export interface Settings {
  readonly language: "en" | "ko";
  readonly seed: number;
  /** The reader's own text; empty where it is made up. */
  readonly own: string;
}

/** Sentences of a text of the reader's, at most. */
const MOST = 3000;

export const questions = {
  complete: (model: LanguageModel, text: string) => complete(model, text),
};

export default serve((runtime: Runtime, { language, seed, own }: Settings, keep: (model: LanguageModel) => void) => {
  const texts = own === "" ? sentences(language, seed) : sentencesOf(own).slice(0, MOST);
  return follow(train(runtime, texts, seed), keep);
}, questions);
