/** Samples as they come, in blocks of one size: what does not fill a block waits for those behind it. */
export class Blocks {
  readonly #size: number;
  #waiting = new Float32Array(0);

  constructor(size: number) {
    this.#size = size;
  }

  /** @returns the blocks that are whole by now */
  take(samples: Float32Array): Float32Array[] {
    const all = joined([this.#waiting, samples]);
    const count = Math.floor(all.length / this.#size);
    this.#waiting = all.slice(count * this.#size);
    return Array.from({ length: count }, (_, i) => all.subarray(i * this.#size, (i + 1) * this.#size));
  }

  reset(): void {
    this.#waiting = new Float32Array(0);
  }
}

/** One behind the other. */
export function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
