import type { Runtime } from "webgpu-rnn";
import { serve } from "../../shell/training-worker.ts";
import { market, sentences, type Word } from "./data.ts";
import { learnPrices, type PriceStep } from "./prices.ts";
import { learnWords, type WordStep } from "./program.ts";

export interface Settings {
  readonly language: "en" | "ko";
  readonly seed: number;
}

/** What was shown last. */
export interface View {
  readonly words: readonly Word[];
  readonly vectors: NonNullable<WordStep["vectors"]>;
  readonly prices: Pick<Required<PriceStep>, "days" | "vectors">;
}

const STEPS = 320;

/** A step of the words and a step of the prices, by turns. */
async function* train(runtime: Runtime, { language, seed }: Settings) {
  const texts = sentences(language, seed);
  const prices = learnPrices(runtime, market(600, seed), { seed, steps: STEPS });
  let step = 0;
  let view: Partial<View> = { words: texts.words };
  try {
    for await (const { loss, vectors } of learnWords(runtime, texts, { seed, steps: STEPS })) {
      const { errors, ...price } = (await prices.next()).value as PriceStep;
      if (vectors) view = { ...view, vectors };
      if (price.days) view = { ...view, prices: price as View["prices"] };
      step++;
      yield { step, steps: STEPS, values: { loss, ...errors }, ...((vectors || errors) && { view: view as View }) };
    }
  } finally {
    await prices.return(undefined);
  }
}

export default serve(train);
