import type { AnyBatch } from "../data/batch.ts";
import { checkCount, checkOptions, DataError, OptionError } from "../errors.ts";

/** What a training step did. */
export interface StepReport {
  /** 1 is the first. */
  readonly step: number;
  /** As the loss defines it: by default the mean over the targets, in nats. */
  readonly loss: number;
  /** Global norm of the gradient, before it is clipped by norm. */
  readonly gradNorm: number;
  readonly lr: number;
  /**
   * Entries of the target (of the first one, where there are several): smoothed over the last steps; by the clock, so what
   * the loop's body takes counts too.
   */
  readonly tokensPerSecond: number;
}

export interface FitOptions {
  /** Stop after so many; default: when the batches end. */
  readonly steps?: number;
  /** Stop when it is aborted; steps that are under way are reported still. */
  readonly signal?: AbortSignal;
  /**
   * Steps that may be started before the report of an earlier one is taken: this hides how long reading a loss back takes,
   * and a loop that is left by `break` then leaves the trainer up to so many steps further than its last report. Default 0.
   */
  readonly ahead?: number;
}

/** A step that was asked for. */
export interface StartedStep {
  /** Resolves when it is on the device's queue; rejects for a batch that does not fit. */
  readonly begun: Promise<void>;
  readonly report: Promise<StepReport>;
}

/** @throws OptionError for an unknown option or a number that means nothing */
export function checkFit(options: FitOptions): void {
  checkOptions("fit", options, ["steps", "signal", "ahead"]);
  const { steps = 0, ahead = 0 } = options;
  if (!(steps >= 0)) throw new OptionError(`fit: steps is ${steps}, expected a number of at least 0`);
  checkCount("fit", "ahead", ahead, 0);
}

/**
 * Starts a step for each batch and yields their reports in order, at most `ahead` steps late. Whatever ends
 * it early (no more batches, an error), the reports of the steps that were started before come first.
 * @throws what the batches or a step throw; DataError when there is no batch at all
 */
export async function* runSteps(
  start: (batch: AnyBatch) => StartedStep,
  batches: Iterable<AnyBatch>,
  { steps = Number.POSITIVE_INFINITY, signal, ahead = 0 }: FitOptions,
): AsyncGenerator<StepReport> {
  const running: Promise<StepReport>[] = [];
  const source = batches[Symbol.iterator]();
  let isExhausted = false;
  try {
    let first: { readonly error: unknown } | undefined;
    let started = 0;
    while (started < steps && !signal?.aborted) {
      try {
        const next = source.next();
        if (next.done) {
          isExhausted = true;
          break;
        }
        const { begun, report } = start(next.value);
        await begun;
        running.push(report);
      } catch (error) {
        first = { error };
        break;
      }
      started++;
      if (running.length > ahead) yield await running.shift()!;
    }
    while (running.length > 0) yield await running.shift()!;
    if (first) throw first.error;
    if (started === 0 && steps > 0 && !signal?.aborted) throw new DataError("fit: there is no batch to train on");
  } finally {
    await Promise.allSettled(running);
    if (!isExhausted) source.return?.();
  }
}
