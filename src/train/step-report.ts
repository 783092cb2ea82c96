import type { StateDict } from "../tensor-data.ts";

/** What a training step did. */
export interface StepReport {
  /** 1 is the first. */
  readonly step: number;
  /** As the loss defines it: by default the mean over the targets, in nats. */
  readonly loss: number;
  /** Global norm of the gradient, before it is clipped by norm. */
  readonly gradNorm: number;
  /** The optimizer's, times the schedule's factor; groups may have others. */
  readonly lr: number;
  /**
   * Entries of the target (of the first one, where there are several): smoothed over the last steps; by the clock, so what
   * the loop's body takes counts too.
   */
  readonly tokensPerSecond: number;
}

/** What a step with gradients that were given did. */
export type AppliedReport = Pick<StepReport, "step" | "gradNorm" | "lr">;

/** Gradients of batches, for an exchange with others. */
export interface Gradients {
  /** By the names of the state dict; parameters without a gradient are left out. */
  readonly gradients: StateDict;
  readonly loss: number;
  /** What the loss and the gradients are the mean over: targets that count, or batches where the loss does not tell; 1 for a sum. */
  readonly count: number;
}

/** A step that was asked for. */
export interface StartedStep {
  /** Resolves when it is on the device's queue; rejects for a batch that does not fit. */
  readonly begun: Promise<void>;
  readonly report: Promise<StepReport>;
}
