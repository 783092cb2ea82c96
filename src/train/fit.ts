import type { AnyBatch } from "../data/batch.ts";
import { checkCount, checkOptions, DataError, DivergedError, OptionError, shown } from "../errors.ts";
import type { Signal } from "../platform-types.ts";
import { Batches, type BatchSource, checkEpochs, type EpochSource } from "./epochs.ts";
import type { Evaluation } from "./evaluate.ts";
import { checkMetrics, type Metrics } from "./metrics.ts";
import type { StartedStep, StepReport } from "./step-report.ts";

export interface FitOptions<M extends Metrics = Metrics> {
  /** How often to go through the batches; default 1. */
  readonly epochs?: number;
  /** Stop after so many steps; default: when the epochs end. */
  readonly steps?: number;
  /**
   * Batches to measure on when an epoch ends, also one that `steps` ends; or a function that makes them for an epoch. The state
   * that training carries is left alone. `plateau` schedules are told the loss.
   */
  readonly validation?: EpochSource;
  /** What else to measure on the validation's batches, by names of one's own. */
  readonly metrics?: M;
  /**
   * What tells of a validation how good it is, the smaller the better: `({ metrics }) => -metrics.accuracy`. Default: its loss.
   */
  monitor?(validation: Evaluation<M>): number;
  /** Stop when so many epochs in a row were no better than the best one before, by their validation; default: never. */
  readonly patience?: number;
  /**
   * When training ends, put back the weights (and their averages) of the epoch with the best validation. Also when `signal` ends it
   * or it diverges, but not when its loop is left. Moments and the step stay. Default false.
   */
  readonly restoreBest?: boolean;
  /** Called with each report; what it promises is waited for. */
  onStep?(report: StepReport): unknown;
  /** Called when an epoch ends, after its validation; what it promises is waited for. */
  onEpoch?(report: EpochReport<M>): unknown;
  /** Stop when it is aborted; steps that are under way are reported still, and nothing is measured any more. */
  readonly signal?: Signal;
  /**
   * Steps that may be started before the report of an earlier one is taken: this hides how long reading a loss back takes,
   * and a loop that is left by `break` then leaves the trainer up to so many steps further than its last report. Default 0.
   */
  readonly ahead?: number;
}

/** What an epoch did. */
export interface EpochReport<M extends Metrics = Metrics> {
  /** 1 is the first of this fit. */
  readonly epoch: number;
  /** The trainer's step at its end. */
  readonly step: number;
  /** Mean of the losses of its steps. */
  readonly loss: number;
  /** Absent without `validation`, and where `signal` ended the epoch. */
  readonly validation?: Evaluation<M>;
}

/** What a fit did. */
export interface History<M extends Metrics = Metrics> {
  readonly epochs: readonly EpochReport<M>[];
  /** Steps of this fit. */
  readonly steps: number;
  /** Why it ended: all epochs are done, or what ended it before; "left" for a loop that was left, or that has not ended. */
  readonly ended: "epochs" | "steps" | "patience" | "signal" | "left";
  /** The epoch with the best validation; absent where nothing was measured, or only NaN. */
  readonly best?: number;
}

/** What measures on a fit's validation. */
interface FitEvaluator<M extends Metrics> {
  run(batches: BatchSource): Promise<Evaluation<M>>;
  dispose(): void;
}

/** What a fit asks of its trainer. */
export interface FitHost<M extends Metrics> {
  /** Batches that make a step. */
  readonly accumulate: number;
  start(batches: readonly AnyBatch[]): StartedStep;
  /** @throws BusyError while another fit goes on */
  begin(): void;
  end(): void;
  measure(metrics: M | undefined): Promise<FitEvaluator<M>>;
  observe(validationLoss: number): void;
  /** Keeps the weights; what it gives puts them back. */
  snapshot(): Promise<() => void>;
}

const OPTIONS = [
  "epochs",
  "steps",
  "validation",
  "metrics",
  "monitor",
  "patience",
  "restoreBest",
  "onStep",
  "onEpoch",
  "signal",
  "ahead",
];

/** @throws OptionError for an unknown option, a number that means nothing, or what needs a validation and has none */
function checkFit(data: EpochSource, options: FitOptions): void {
  checkOptions("fit", options, OPTIONS);
  const { steps = 0, ahead = 0, epochs = 1, validation, metrics, patience } = options;
  if (!(steps >= 0)) throw new OptionError(`fit: steps is ${steps}, expected a number of at least 0`);
  checkCount("fit", "ahead", ahead, 0);
  if (epochs !== Number.POSITIVE_INFINITY) checkCount("fit", "epochs", epochs);
  if (patience !== undefined) checkCount("fit", "patience", patience);
  checkEpochs("fit: the batches", data, epochs);
  if (validation !== undefined) checkEpochs("fit: the validation's batches", validation, epochs);
  else {
    for (const name of ["metrics", "monitor", "patience", "restoreBest"] as const)
      if (options[name]) throw new OptionError(`fit: ${name} needs batches to measure on; give them as validation`);
  }
  if (metrics !== undefined) checkMetrics("fit", metrics);
}

/**
 * A training that goes on: an async generator of the reports of its steps; or, where it is awaited, a promise that trains to the
 * end. Nothing runs before it is iterated or awaited; so what returns one from an async function, or resolves a promise with one,
 * trains to the end.
 */
export class Fit<M extends Metrics = Metrics> implements AsyncGenerator<StepReport, undefined, undefined> {
  readonly #reports: AsyncGenerator<StepReport, void, undefined>;
  readonly #run: FitRun<M>;
  #history: Promise<History<M>> | undefined;

  /** @internal Made by `Trainer.fit`. */
  constructor(host: FitHost<M>, data: EpochSource, options: FitOptions<M>) {
    this.#run = new FitRun(host, data, options);
    this.#reports = this.#run.reports();
  }

  /** What was done so far. */
  get history(): History<M> {
    return this.#run.history;
  }

  async next(): Promise<IteratorResult<StepReport, undefined>> {
    const { done, value } = await this.#reports.next();
    return done ? { done, value: undefined } : { done: false, value: value as StepReport };
  }

  /** Ends it: no further step is started. */
  async return(_value?: unknown): Promise<IteratorResult<StepReport, undefined>> {
    await this.#reports.return();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<StepReport, undefined>> {
    await this.#reports.throw(error);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Trains to the end. */
  // biome-ignore lint/suspicious/noThenProperty: a fit can be awaited as well as iterated
  then<R = History<M>, E = never>(
    done?: ((history: History<M>) => R | PromiseLike<R>) | null,
    failed?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#history ??= (async () => {
      for (;;) if ((await this.#reports.next()).done) return this.history;
    })();
    return this.#history.then(done, failed);
  }
}

/** What a fit has come to. */
class FitRun<M extends Metrics> {
  readonly #host: FitHost<M>;
  readonly #data: EpochSource;
  readonly #options: FitOptions<M>;
  readonly #epochs: EpochReport<M>[] = [];
  /** Steps that were started, and the last that was reported. */
  #started = 0;
  #step = 0;
  #ended: History["ended"] = "left";
  /** The best epoch so far, and what `monitor` said of it. */
  #best: { readonly epoch: number; readonly value: number } | undefined;
  #restore: (() => void) | undefined;

  constructor(host: FitHost<M>, data: EpochSource, options: FitOptions<M>) {
    this.#host = host;
    this.#data = data;
    this.#options = options;
  }

  get history(): History<M> {
    return {
      epochs: [...this.#epochs],
      steps: this.#started,
      ended: this.#ended,
      ...(this.#best && { best: this.#best.epoch }),
    };
  }

  async *reports(): AsyncGenerator<StepReport, void, undefined> {
    checkFit(this.#data, this.#options as FitOptions);
    const { validation, metrics } = this.#options;
    this.#host.begin();
    let evaluator: FitEvaluator<M> | undefined;
    try {
      const { epochs = 1 } = this.#options;
      for (let epoch = 1; epoch <= epochs && !this.#isOver(); epoch++) {
        const losses = yield* this.#epoch(epoch);
        if (losses.length === 0) break;
        // Averages of the weights are there after the first step.
        if (validation && !this.#isAborted) evaluator ??= await this.#host.measure(metrics);
        await this.#endEpoch(epoch, losses, evaluator);
      }
      if (!this.#isOver()) this.#ended = "epochs";
      this.#restore?.();
    } catch (error) {
      if (error instanceof DivergedError) this.#restore?.();
      throw error;
    } finally {
      evaluator?.dispose();
      this.#host.end();
    }
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** Whether something other than the number of epochs has ended it. */
  #isOver(): boolean {
    if (this.#isAborted) this.#ended = "signal";
    else if (this.#ended === "left" && this.#started >= (this.#options.steps ?? Number.POSITIVE_INFINITY))
      this.#ended = "steps";
    return this.#ended !== "left";
  }

  /**
   * Starts a step for each batch of an epoch, or each `accumulate` of them, and yields their reports in order, at most `ahead`
   * steps late. Whatever ends it early (no more batches, an error), the reports of the steps that were started before come first.
   * @returns the losses
   * @throws what the batches or a step throw; DataError when there is no batch at all
   */
  async *#epoch(epoch: number): AsyncGenerator<StepReport, number[], undefined> {
    const { signal, ahead = 0, onStep } = this.#options;
    const running: Promise<StepReport>[] = [];
    const losses: number[] = [];
    const source = await Batches.of("fit: the batches", this.#data, epoch, signal);
    const take = async () => {
      const report = await running.shift()!;
      losses.push(report.loss);
      this.#step = report.step;
      await onStep?.(report);
      return report;
    };
    try {
      let first: { readonly error: unknown } | undefined;
      while (!this.#isOver()) {
        try {
          const batches = await this.#nextStep(source);
          if (batches.length === 0) break;
          const { begun, report } = this.#host.start(batches);
          await begun;
          running.push(report);
        } catch (error) {
          first = { error };
          break;
        }
        this.#started++;
        if (running.length > ahead) yield await take();
      }
      while (running.length > 0) yield await take();
      if (first) throw first.error;
      if (losses.length === 0 && !this.#isOver()) throw noBatch(epoch);
    } finally {
      await Promise.allSettled(running);
      await source.close();
    }
    return losses;
  }

  /** The batches of the next step: fewer where the epoch ends, none where it has ended or is aborted. */
  async #nextStep(source: Batches): Promise<AnyBatch[]> {
    const batches: AnyBatch[] = [];
    while (batches.length < this.#host.accumulate) {
      const batch = await source.next();
      if (this.#isAborted) return [];
      if (batch === undefined) break;
      batches.push(batch);
    }
    return batches;
  }

  async #endEpoch(epoch: number, losses: readonly number[], evaluator: FitEvaluator<M> | undefined): Promise<void> {
    const validation = evaluator && (await this.#measure(epoch, evaluator));
    const loss = losses.reduce((a, b) => a + b, 0) / losses.length;
    const report: EpochReport<M> = { epoch, step: this.#step, loss, ...(validation && { validation }) };
    this.#epochs.push(report);
    if (validation) {
      const { monitor = ({ loss }) => loss } = this.#options;
      const value = monitor(validation);
      if (typeof value !== "number") throw new OptionError(`fit: monitor gave ${shown(value)}, expected a number`);
      this.#host.observe(validation.loss);
      if (value < (this.#best?.value ?? Number.POSITIVE_INFINITY)) {
        this.#best = { epoch, value };
        if (this.#options.restoreBest) this.#restore = await this.#host.snapshot();
      } else if (epoch - (this.#best?.epoch ?? 0) >= (this.#options.patience ?? Number.POSITIVE_INFINITY))
        this.#ended = "patience";
    }
    await this.#options.onEpoch?.(report);
  }

  /** The validation after an epoch; undefined where it was aborted. */
  async #measure(epoch: number, evaluator: FitEvaluator<M>): Promise<Evaluation<M> | undefined> {
    const { signal, validation } = this.#options;
    const batches = await Batches.of("fit: the validation's batches", validation!, epoch, signal);
    try {
      const measured = await evaluator.run(batches);
      return this.#isAborted ? undefined : measured;
    } catch (error) {
      if (this.#isAborted) return undefined;
      throw error;
    }
  }
}

const noBatch = (epoch: number): DataError =>
  new DataError(
    epoch === 1
      ? "fit: there is no batch to train on"
      : `fit: there is no batch in epoch ${epoch}; give a function that makes them for each epoch, (epoch) => batches(), or an array`,
  );
