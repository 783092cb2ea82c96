/** Runs what is given one after the other, in the order in which it came: a state is read and written by one call at a time. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** @returns what `task` returns; what it throws stops none of those behind it */
  add<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task);
    this.#last = run.catch(() => undefined);
    return run;
  }
}
