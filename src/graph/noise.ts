import { hashName } from "../random.ts";
import type { Tensor } from "./tensor.ts";

// Layers that draw random numbers ask here whether they are being traced for training, and for their random numbers.
let seed: Tensor | undefined;
let uses = new Map<string, number>();

/**
 * Traces with noise on. Ops draw from counters that start with the seed, so a plan replayed with another seed draws other
 * noise, its backward draws the same noise as its forward, and GPU and CPU draw alike.
 * @param from i32 `[1]`, written before each replay
 */
export function withNoise<T>(from: Tensor, trace: () => T): T {
  const before = { seed, uses };
  seed = from;
  uses = new Map();
  try {
    return trace();
  } finally {
    ({ seed, uses } = before);
  }
}

/** The seed of the noise, undefined when noise is off: the model is evaluated, or generates. */
export const noiseSeed = (): Tensor | undefined => seed;

/** A stream of random numbers of its own for each use of a module: 32 bits. */
export function noiseStream(label: string): number {
  const use = uses.get(label) ?? 0;
  uses.set(label, use + 1);
  return hashName(`${label} ${use}`);
}
