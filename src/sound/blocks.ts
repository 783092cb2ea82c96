/** Samples as they come, in blocks of one size: what does not fill a block waits for those behind it. */
export class Blocks {
  readonly #size: number;
  #waiting = new Float32Array(0);

  constructor(size: number) {
    this.#size = size;
  }

  /** Samples that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @returns the blocks that are whole by now */
  take(samples: Float32Array): Float32Array[] {
    const all = new Float32Array(this.#waiting.length + samples.length);
    all.set(this.#waiting);
    all.set(samples, this.#waiting.length);
    const count = Math.floor(all.length / this.#size);
    this.#waiting = all.slice(count * this.#size);
    return Array.from({ length: count }, (_, i) => all.subarray(i * this.#size, (i + 1) * this.#size));
  }

  reset(): void {
    this.#waiting = new Float32Array(0);
  }
}
