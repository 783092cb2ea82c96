/** How fast training is, and how long the rest takes. */
export class StepClock {
  readonly #steps: number;
  readonly #tokens: number;
  readonly #now: () => number;
  /** The first report. The time before it does not count: it went to the shaders' compiler. */
  #first: { step: number; at: number } | undefined;
  /** The last reports, with the seconds of training before each. Reports come in bursts, so two of them tell nothing. */
  #last: { step: number; trained: number }[] = [];
  #trained = 0;
  #at = 0;

  /**
   * @param steps the last step
   * @param tokens of one step
   * @param now milliseconds
   */
  constructor(steps: number, tokens: number, now: () => number = () => performance.now()) {
    this.#steps = steps;
    this.#tokens = tokens;
    this.#now = now;
  }

  /** Training goes on, after validation, a sample or a checkpoint. */
  resume(): void {
    this.#at = this.#now();
  }

  /** A step is reported: tokens a second of training alone, and the seconds that all that is left will take. */
  tick(step: number): { secondsLeft: number | null; tokensPerSecond: number } {
    const now = this.#now();
    this.#trained += (now - this.#at) / 1000;
    this.#at = now;
    this.#first ??= { step, at: now };
    const done = step - this.#first.step;
    const oldest = this.#last[0] ?? { step: step - 1, trained: 0 };
    this.#last = [...this.#last.slice(-31), { step, trained: this.#trained }];
    return {
      secondsLeft: done === 0 ? null : ((now - this.#first.at) / 1000 / done) * (this.#steps - step),
      tokensPerSecond: ((step - oldest.step) * this.#tokens) / Math.max(1e-6, this.#trained - oldest.trained),
    };
  }
}
