import type { Captioner } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { serve } from "../../shell/training-worker.ts";
import { describe, pictures, sample, train } from "./program.ts";

export const questions = {
  describe: (captioner: Captioner, image: readonly number[]) => describe(captioner, image),
  sample,
  /** A picture that it has not learned from. */
  picture: (_: Captioner, settings: Parameters<typeof pictures>[0]) => pictures(settings, 1)[0]!.image,
};

export default serve(
  (runtime, settings: Parameters<typeof train>[1], keep) => follow(train(runtime, settings), keep),
  questions,
);
