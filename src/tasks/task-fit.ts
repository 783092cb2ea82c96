import { DisposedError } from "../index.ts";

/** What was measured on rows that were kept apart. */
export interface Validation {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What the training of a task T says while it goes on. */
export interface Progress<T = unknown> {
  /**
   * As it stands: between two updates it can predict, evaluate and save. It is gone when the loop is left before its end.
   * Not enumerable: a report is written as JSON, copied, and sent to a page without it.
   */
  readonly task: T;
  /** Updates so far, and at most. */
  readonly step: number;
  readonly steps: number;
  /** Passes over the rows: 1 is the first, and how many there are at most. */
  readonly epoch: number;
  readonly epochs: number;
  /** Of this update; at the end of an epoch the mean of its updates. */
  readonly loss: number;
  /** At the end of an epoch: what was measured on the rows that were kept apart. */
  readonly validation?: Validation;
  /** Seconds that the rest takes if all epochs are gone through at the pace so far. */
  readonly secondsLeft: number;
}

/**
 * A training that goes on: an async iteration of its {@link Progress}; awaited, during it or after it, it gives the task. Nothing
 * runs before it is iterated or awaited. A loop that is left by `break` ends the training, and there is no task then; `signal` of its
 * options ends it with one.
 */
export class TaskFit<T> implements AsyncGenerator<Progress<T>, T, undefined>, PromiseLike<T> {
  readonly #progress: AsyncGenerator<Progress<T>, T, undefined>;
  #last: IteratorResult<Progress<T>, T> | undefined;
  #done: Promise<T> | undefined;

  /** @internal */
  constructor(run: () => AsyncGenerator<Progress<T>, T, undefined>) {
    this.#progress = run();
  }

  async next(): Promise<IteratorResult<Progress<T>, T>> {
    const result = await this.#progress.next();
    // When it has ended, a generator gives its value once.
    if (!this.#last?.done) this.#last = result;
    return this.#last;
  }

  /** Ends it: no further step is started. */
  return(value: T | PromiseLike<T>): Promise<IteratorResult<Progress<T>, T>> {
    return this.#progress.return(value);
  }

  throw(error: unknown): Promise<IteratorResult<Progress<T>, T>> {
    return this.#progress.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#progress.return(undefined as T);
  }

  /** Trains to the end. @throws DisposedError when a loop was left before it */
  // biome-ignore lint/suspicious/noThenProperty: a training can be awaited as well as iterated
  then<R = T, E = never>(
    done?: ((task: T) => R | PromiseLike<R>) | null,
    failed?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#done ??= (async () => {
      for (;;) {
        const { done: isDone, value } = await this.next();
        if (!isDone) continue;
        if (value !== undefined) return value;
        throw new DisposedError("the training was left before its end, and there is no task; end it by its signal");
      }
    })();
    return this.#done.then(done, failed);
  }
}
