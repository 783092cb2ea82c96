import { type AnyBatch, RandomStream, type TensorData } from "../../index.ts";
import { inputOf } from "../columns.ts";
import type { TaskBatches } from "../task.ts";

/** What noise is made of. */
export interface Noise {
  /** The column that gets it. */
  readonly column: string;
  /** Of symbols the share that is replaced, of numbers the standard deviation of what is added. */
  readonly amount: number;
  /** What replaces a symbol; undefined where the column has numbers. */
  readonly unknown: number | undefined;
  readonly seed: number;
}

/**
 * The same batches with noise in what the encoder reads, drawn anew in each epoch; targets stay as they are (Vincent et al. 2008,
 * "Extracting and Composing Robust Features with Denoising Autoencoders").
 */
export function withNoise(batches: TaskBatches, { column, amount, unknown, seed }: Noise): TaskBatches {
  const name = inputOf(column);
  return {
    length: batches.length,
    *epoch(epoch) {
      const random = new RandomStream(seed, `noise ${epoch}`);
      const changed = (value: number) =>
        unknown === undefined ? value + amount * random.normal() : random.next() < amount ? unknown : value;
      for (const batch of batches.epoch(epoch)) {
        const x = batch.x as Readonly<Record<string, TensorData>>;
        // Padding gets noise as well; nothing reads it.
        const noisy = { ...x[name]!, data: x[name]!.data.map(changed) };
        yield { ...batch, x: { ...x, [name]: noisy } } as AnyBatch;
      }
    },
  };
}
