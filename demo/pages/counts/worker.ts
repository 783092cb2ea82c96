import type { Runtime } from "webgpu-rnn";
import type { LanguageModel, NGramModel, NGramSmoothing } from "webgpu-rnn/tasks";
import { follow } from "../../shell/follow.ts";
import { sentencesOf } from "../../shell/sentences-of.ts";
import { serve } from "../../shell/training-worker.ts";
import { ask, count, keptApart, learn, neverSeen, orders, type Parts } from "./program.ts";
import { sentences } from "./sentences.ts";

/** Sentences of a text of the reader's, at most. */
const MOST = 3000;

export interface Settings {
  readonly language: "en" | "ko";
  readonly seed: number;
  /** The reader's own; empty where it is made up. */
  readonly own: string;
}

/** Both models, and what they learned from. */
class Both {
  readonly #counts = new Map<string, NGramModel>();
  readonly network: LanguageModel;
  readonly parts: Parts;

  constructor(network: LanguageModel, parts: Parts) {
    this.network = network;
    this.parts = parts;
  }

  /** Counted once. */
  counts(n: number, smoothing: NGramSmoothing): NGramModel {
    const name = `${n} ${smoothing}`;
    const known = this.#counts.get(name) ?? count(this.parts, n, smoothing, this.network);
    this.#counts.set(name, known);
    return known;
  }

  dispose(): void {
    this.network.dispose();
  }
}

export interface Question {
  readonly beginning: string;
  readonly word: string;
  readonly n: number;
  readonly smoothing: NGramSmoothing;
}

export const questions = {
  ask: (both: Both, { beginning, word, n, smoothing }: Question) =>
    ask(both.network, both.counts(n, smoothing), beginning, word),
  neverSeen: (both: Both, n: number) => neverSeen(both.counts(n, "none"), both.parts).slice(0, 8),
  /** By n, on the held-out sentences. */
  compare: (both: Both, smoothing: NGramSmoothing) =>
    orders.map((n) => {
      const counts = both.counts(n, smoothing);
      const { unseenContexts, unseenNGrams } = counts.sparsity(both.parts.heldOut).at(-1)!;
      return { n, perplexity: counts.perplexity(both.parts.heldOut), unseenContexts, unseenNGrams };
    }),
};

async function* train(runtime: Runtime, { language, seed, own }: Settings, keep: (both: Both) => void) {
  const parts = keptApart(own === "" ? sentences(language, seed) : sentencesOf(own).slice(0, MOST));
  let both: Both | undefined;
  const keepTask = (task: LanguageModel) => {
    both ??= new Both(task, parts);
    keep(both);
  };
  // Perplexity is exp of the mean loss.
  for await (const { values, ...report } of follow(learn(runtime, parts, seed), keepTask))
    yield {
      ...report,
      values: { trained: Math.exp(values!.loss!), ...(values!.perplexity && { network: values!.perplexity }) },
    };
}

export default serve(train, questions);
