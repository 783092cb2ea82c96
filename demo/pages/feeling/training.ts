/** The page's settings, and what it trains. */
import type { Language } from "webgpu-rnn/tasks/data";
import { language } from "../../shell/language.ts";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import type { questions } from "./worker.ts";

export const { seed } = settings({ seed: 1 }, { seed: { min: 0, max: 9999 } });

export const training = new LiveTraining<{ language: Language; seed: number }, never, typeof questions>(
  "feeling",
  () => ({
    language: language.value,
    seed: seed.value,
  }),
);
