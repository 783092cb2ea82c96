/** Two networks that read made-up DNA: which motif is in a string, and where genes are read from. */
import type { Runtime } from "webgpu-rnn";
import { SequenceClassifier, SequenceTagger } from "webgpu-rnn/tasks";
import { type MotifLabel, motifSequences, motifs, type ReadingFrameLabel, readingFrames } from "webgpu-rnn/tasks/data";

export interface Readers {
  /** Many to one: the motif of a string, or none. */
  readonly motif: SequenceClassifier;
  /** Many to many: for each letter its place in a codon, or outside. */
  readonly frames: SequenceTagger;
}

const network = {
  columns: { sequence: "characters" },
  cell: "gru",
  embeddingDim: 8,
  hiddenSize: 24,
  dropout: 0,
  optimizer: { name: "adam", lr: 0.015 },
} as const;

export function train(runtime: Runtime, { seed }: { readonly seed: number }) {
  const planted = motifs({ count: 2400, length: 30, seed }).map(({ sequence, label }) => ({ sequence, label }));
  // Every second string breaks off, perhaps within a frame: that goes on to the end.
  const read = readingFrames({ count: 1400, length: 48, seed }).map(({ sequence, labels }, i) => {
    const end = i % 2 === 0 ? 48 : 16 + (i % 32);
    return { sequence: sequence.slice(0, end), labels: labels.slice(0, end) };
  });
  return {
    motif: SequenceClassifier.fit(runtime, planted, { ...network, epochs: 7, seed }),
    frames: SequenceTagger.fit(runtime, read, { ...network, label: "labels", epochs: 9, seed }),
  };
}

const motifLength = motifSequences.alpha.length;

/** How much less likely a class becomes, as a logarithm, when a letter is another one: the mean over the other three. */
async function changes(motif: SequenceClassifier, sequence: string, label: string): Promise<number[]> {
  const others = [...sequence].flatMap((letter, t) =>
    [..."ACGT"]
      .filter((other) => other !== letter)
      .map((other) => ({ sequence: sequence.slice(0, t) + other + sequence.slice(t + 1) })),
  );
  const [now, ...changed] = (await motif.predict([{ sequence }, ...others])).map((said) =>
    Math.log(said.probabilities[label]! + 1e-9),
  );
  return Array.from(sequence, (_, t) => now! - (changed[3 * t]! + changed[3 * t + 1]! + changed[3 * t + 2]!) / 3);
}

/** The motif of a string, which letters it hangs on, where these are together, and the frame of each letter. */
export async function read({ motif, frames }: Readers, sequence: string) {
  const { label, probabilities } = await motif.predict({ sequence });
  const weights = await changes(motif, sequence, label);
  const sums = weights
    .slice(0, Math.max(1, weights.length - motifLength + 1))
    .map((_, start) => weights.slice(start, start + motifLength).reduce((sum, weight) => sum + weight, 0));
  const letters = (await frames.predict({ sequence })).map((said, t) => ({
    frame: said.label as ReadingFrameLabel,
    probability: said.probabilities[said.label]!,
    weight: weights[t]!,
  }));
  return { label: label as MotifLabel, probabilities, start: sums.indexOf(Math.max(...sums)), letters };
}
