import type { AnyBatch } from "../data/batch.ts";
import { OptionError, shown } from "../errors.ts";
import type { Signal } from "../platform-types.ts";

/** Batches: an array, or any other iterable or async iterable of them. */
export type BatchSource = Iterable<AnyBatch> | AsyncIterable<AnyBatch>;

/** Batches for each epoch: the same ones, or a function that makes them, or promises them, for an epoch (1 is the first). */
export type EpochSource = BatchSource | ((epoch: number) => BatchSource | Promise<BatchSource>);

const iteratorOf = (source: unknown): Iterator<AnyBatch> | AsyncIterator<AnyBatch> | undefined => {
  const given = source as Partial<Iterable<AnyBatch> & AsyncIterable<AnyBatch>> | null | undefined;
  return given?.[Symbol.asyncIterator]?.() ?? given?.[Symbol.iterator]?.();
};

/**
 * Refuses what cannot be gone through so often: an iterator, such as what a generator function returns, is gone after one time.
 * @param what for messages: `fit: the batches`
 * @throws OptionError
 */
export function checkEpochs(what: string, source: EpochSource, epochs: number): void {
  if (typeof source === "function") return;
  const given = source as Partial<Iterable<AnyBatch> & AsyncIterable<AnyBatch>> | null | undefined;
  if (typeof given !== "object" || given === null || !(Symbol.iterator in given || Symbol.asyncIterator in given))
    throw new OptionError(
      `${what} are ${shown(source)}, expected an array, an iterable, an async iterable, or a function that makes one for each epoch`,
    );
  const isOnce = "next" in given;
  if (epochs > 1 && isOnce)
    throw new OptionError(
      `${what} are an iterator, which can be gone through once, for ${epochs} epochs; give a function that makes one for each epoch, (epoch) => batches(), or an array`,
    );
}

/** The batches of an epoch, one at a time. */
export class Batches {
  readonly #iterator: Iterator<AnyBatch> | AsyncIterator<AnyBatch>;
  readonly #signal: Signal | undefined;
  /** The source has no more, or failed: there is nothing to close. */
  #isOver = false;
  /** A batch is waited for. */
  #isPending = false;

  private constructor(iterator: Iterator<AnyBatch> | AsyncIterator<AnyBatch>, signal: Signal | undefined) {
    this.#iterator = iterator;
    this.#signal = signal;
  }

  /** @throws what the function throws that makes them; OptionError when it makes no batches */
  static async of(what: string, source: EpochSource, epoch: number, signal?: Signal): Promise<Batches> {
    const made = typeof source === "function" ? await source(epoch) : source;
    const iterator = iteratorOf(made);
    if (!iterator)
      throw new OptionError(`${what} of epoch ${epoch} are ${shown(made)}, expected an iterable of batches`);
    return new Batches(iterator, signal);
  }

  /** The next one; undefined when there are no more, or the signal is aborted, also while it is waited for. */
  async next(): Promise<AnyBatch | undefined> {
    if (this.#isOver || this.#signal?.aborted) return undefined;
    try {
      const result = this.#iterator.next();
      const next = "then" in result ? await this.#orAborted(Promise.resolve(result)) : result;
      if (next?.done) this.#isOver = true;
      return next?.done ? undefined : next?.value;
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  async #orAborted(next: Promise<IteratorResult<AnyBatch>>): Promise<IteratorResult<AnyBatch> | undefined> {
    const signal = this.#signal;
    if (!signal) return next;
    let stop = () => {};
    const aborted = new Promise<undefined>((resolve) => {
      stop = () => resolve(undefined);
      signal.addEventListener("abort", stop);
    });
    this.#isPending = true;
    try {
      const first = await Promise.race([next, aborted]);
      this.#isPending = first === undefined;
      return first;
    } finally {
      signal.removeEventListener("abort", stop);
      next.catch(() => {}); // it may still fail, and nobody waits any more
    }
  }

  /** Tells the source that no more is wanted. One that has not given its batch yet is not waited for. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const closed = this.#iterator.return?.();
    if (this.#isPending) Promise.resolve(closed).catch(() => {});
    else await closed;
  }

  /** For `for await`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<AnyBatch> {
    try {
      for (let batch = await this.next(); batch; batch = await this.next()) yield batch;
    } finally {
      await this.close();
    }
  }
}
