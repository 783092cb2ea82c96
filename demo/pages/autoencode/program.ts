/** An autoencoder of pen strokes: each becomes two numbers, and a stroke again. */
import type { Runtime } from "webgpu-rnn";
import { SequenceAutoencoder } from "webgpu-rnn/tasks";
import { type Stroke, strokes } from "./strokes.ts";

/** Strokes that the training has, and others to be shown: eight of these are odd. */
export const trained = (seed: number) => strokes({ count: 600, seed });
export const shown = (seed: number) => strokes({ count: 80, seed: seed + 10_000, odd: 8 });

export function train(runtime: Runtime, seed: number) {
  const rows = trained(seed).map(({ moves }) => ({ moves }));
  return SequenceAutoencoder.fit(runtime, rows, {
    vectorSize: 2, // a point on a map
    cell: "gru",
    hiddenSize: 32,
    noise: 0.05,
    epochs: 25,
    optimizer: { name: "adam", lr: 0.01 },
    seed,
  });
}

/** The vector of each stroke, what comes back of it, and how far that is from the stroke. */
export async function squeeze(coder: SequenceAutoencoder, list: readonly Pick<Stroke, "moves">[]) {
  const rows = list.map(({ moves }) => ({ moves }));
  const vectors = await coder.encode(rows);
  const restored = (await coder.decode(vectors)) as number[][][];
  const errors = await coder.errors(rows);
  return vectors.map((vector, i) => ({ vector: [...vector], restored: restored[i]!, error: errors[i]! }));
}

/** The stroke of a place on the map. */
export async function restore(coder: SequenceAutoencoder, vector: readonly number[]) {
  return (await coder.decode(vector)) as number[][];
}

/** Strokes on the straight way from one to another. */
export async function between(coder: SequenceAutoencoder, from: Stroke, to: Stroke) {
  return (await coder.interpolate({ moves: from.moves }, { moves: to.moves }, { steps: 7 })) as number[][][];
}
