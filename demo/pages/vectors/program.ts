/** A network whose words are vectors of two numbers, which are learned with everything else. */
import { adam, Embedding, GRU, Linear, Module, RandomStream, type Runtime, type Tensor } from "webgpu-rnn";
import type { sentences } from "./data.ts";

/** Says the next word. Its scores come from the same vectors, so that words which stand in the same places become alike. */
class NextWord extends Module {
  embedding: Embedding;
  gru = new GRU({ inputSize: 2, hiddenSize: 24 });
  project = new Linear({ inFeatures: 24, outFeatures: 2 });
  head: Linear;

  constructor(count: number) {
    super();
    this.embedding = new Embedding({ numEmbeddings: count, embeddingDim: 2 });
    this.head = new Linear({ inFeatures: 2, outFeatures: count, weight: this.embedding.weight });
  }

  forward(words: Tensor) {
    const { output } = this.gru.forward(this.embedding.forward(words));
    return { logits: this.head.forward(this.project.forward(output)) };
  }
}

const SENTENCES = 32;

/** Some sentences as `x`, and the word after each as `target`: `[steps, sentences]`. The token `end` begins and ends each. */
function batchOf(rows: readonly (readonly number[])[], end: number) {
  const steps = [...rows[0]!.keys(), 3];
  const column = (pick: (row: readonly number[], t: number) => number) => ({
    shape: [steps.length, rows.length],
    data: Int32Array.from(steps.flatMap((t) => rows.map((row) => pick(row, t)))),
  });
  return { x: column((row, t) => row[t - 1] ?? end), target: column((row, t) => row[t] ?? end) };
}

export interface WordStep {
  readonly loss: number;
  /** A vector for each word, every few steps. */
  readonly vectors?: readonly (readonly number[])[];
}

/** Learns, and shows the embedding while it moves. */
export async function* learnWords(
  runtime: Runtime,
  { words, sentences: rows }: ReturnType<typeof sentences>,
  { seed, steps }: { readonly seed: number; readonly steps: number },
): AsyncGenerator<WordStep> {
  const model = new NextWord(words.length + 1);
  runtime.initialize(model, { seed });
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.03 }), clipNorm: 1, seed });
  const random = new RandomStream(seed, "batches");
  try {
    for (let step = 1; step <= steps; step++) {
      const drawn = Array.from({ length: SENTENCES }, () => rows[Math.floor(random.next() * rows.length)]!);
      const { loss } = await trainer.step(batchOf(drawn, words.length));
      if (step % 5 !== 1 && step !== steps) yield { loss };
      else {
        const { data } = (await runtime.stateDict(model))["embedding.weight"]!;
        yield { loss, vectors: words.map((_, i) => [data[2 * i]!, data[2 * i + 1]!]) };
      }
    }
  } finally {
    runtime.release(model);
  }
}
