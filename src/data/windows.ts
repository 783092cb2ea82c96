import { checkCount, checkOptions, DataError, ShapeError } from "../errors.ts";
import type { Batch } from "./batch.ts";

/**
 * Cuts one stream of N tokens into batches for truncated back-propagation through time.
 *
 * The stream is cut into B contiguous rows of floor((N - 1) / B) tokens. Window s of an epoch reads the positions
 * s·T … s·T+T-1 of every row, so a row's next window continues where its last one ended, and the state can be carried
 * on; targets are the tokens one position later. What is left of a row after its last whole window is not used. An
 * epoch's first window says `resetState: true`, the others `false`, so trainings and evaluations carry the state by themselves. There is no shuffling: any step can be asked for, in any order, and
 * training that stopped after step k continues exactly with `at(k)`.
 */
export class Windows {
  /** Windows in an epoch. */
  readonly stepsPerEpoch: number;
  /** T: tokens of a row in one window. */
  readonly window: number;
  /** B: rows. */
  readonly batch: number;
  readonly #tokens: Int32Array;
  readonly #rowLength: number;

  /**
   * @param tokens the stream; it is not copied
   * @param options.window T, at least 1
   * @param options.batch B, at least 1
   * @param options.name what errors call the stream; default "the text"
   * @throws DataError when the stream is shorter than one window of every row and one token more
   */
  constructor(tokens: Int32Array, options: { window: number; batch: number; name?: string }) {
    checkOptions("Windows", options, ["window", "batch", "name"]);
    this.window = checkCount("Windows", "window", options.window);
    this.batch = checkCount("Windows", "batch", options.batch);
    checkTokens(tokens);
    this.#tokens = tokens;
    this.#rowLength = Math.floor((tokens.length - 1) / this.batch);
    this.stepsPerEpoch = Math.floor(this.#rowLength / this.window);
    if (this.stepsPerEpoch < 1) {
      throw new DataError(
        `${options.name ?? "the text"} is ${tokens.length} tokens long, but ${this.batch} rows with a window of ${this.window} need at least ` +
          `${this.batch * this.window + 1} (batch * window + 1); give more text, or a smaller batch or window`,
      );
    }
  }

  /** Tokens that an epoch trains on: stepsPerEpoch·T·B. */
  get tokensPerEpoch(): number {
    return this.stepsPerEpoch * this.window * this.batch;
  }

  /**
   * The batch of a training step, a new one at every call.
   *
   * @param step counts from 0, through all epochs
   * @returns x and target `[T,B]`, and resetState, which is true at the first step of an epoch
   */
  at(step: number): Batch {
    checkCount("Windows.at", "step", step, 0);
    const index = step % this.stepsPerEpoch;
    const shape = [this.window, this.batch];
    const x = new Int32Array(this.window * this.batch);
    const target = new Int32Array(this.window * this.batch);
    for (let b = 0; b < this.batch; b++) {
      const start = b * this.#rowLength + index * this.window;
      for (let t = 0; t < this.window; t++) {
        x[t * this.batch + b] = this.#tokens[start + t] as number;
        target[t * this.batch + b] = this.#tokens[start + t + 1] as number;
      }
    }
    return { x: { shape, data: x }, target: { shape, data: target }, resetState: index === 0 };
  }

  /** The batches from a step on, without end: epoch follows epoch. */
  *from(step = 0): Generator<Batch, never, undefined> {
    for (let s = step; ; s++) yield this.at(s);
  }

  /** The batches of one epoch. */
  *epoch(): Generator<Batch, void, undefined> {
    for (let s = 0; s < this.stepsPerEpoch; s++) yield this.at(s);
  }
}

function checkTokens(tokens: Int32Array): void {
  if (!(tokens instanceof Int32Array)) {
    throw new ShapeError("tokens are not an Int32Array; encode the text with a Vocabulary, or use Int32Array.from");
  }
}
