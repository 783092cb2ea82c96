import type { AnyBatch } from "../data/batch.ts";
import type { SessionInput } from "../infer/session-trace.ts";
import type { Signal } from "../platform-types.ts";
import type { Trainer } from "../train/trainer.ts";
import type { Times } from "./time-in-turns.ts";
import type { TuningTable } from "./tuning-table.ts";

/** What is tuned, a call or a training step, and how long that may take. */
export interface TuneOptions {
  /** For calls of the model: what `forward` is given, as for `runtime.session`: `{ x: [T,B,C] }`. Either this, or `trainer` and `batch`. */
  readonly inputs?: Readonly<Record<string, SessionInput>>;
  /** For training: a trainer of this model. Its weights and its state stay as they are. */
  readonly trainer?: Trainer;
  /** What the trainer's steps are given: a batch, of which only the shapes count, or the sizes of a window of tokens. */
  readonly batch?: AnyBatch | { readonly T: number; readonly B: number };
  /**
   * Seconds at most, default 50; what is under way then (a pipeline that compiles) is waited for. Questions that were not reached
   * keep the built-in choice.
   */
  readonly timeLimit?: number;
  /** Keep the table on this machine, for `Runtime.open({ tuned: "kept" })`; default true. */
  readonly keep?: boolean;
  /** Ends the tuning: it throws the signal's reason, and keeps nothing. */
  readonly signal?: Signal;
  /** Is told of each question that was answered. */
  readonly onProgress?: (progress: TuningProgress) => void;
}

export interface TuningProgress {
  /** Questions that are done. */
  readonly done: number;
  /** Questions that are known so far. */
  readonly of: number;
  /** The latest one. */
  readonly question: TunedQuestion;
}

/** A question that the plan of the model asked: which variant of a kernel for a shape. */
export interface TunedQuestion {
  readonly kernel: string;
  readonly shape: Readonly<Record<string, number>>;
  /** The kernel and the class of the shape, as in the table. */
  readonly key: string;
  /** The built-in choice first. */
  readonly candidates: readonly TunedCandidate[];
  readonly chosen: unknown;
}

export interface TunedCandidate {
  readonly variant: unknown;
  /**
   * Of all dispatches in one replay that the question decides; absent for a variant with a fault, one that there was no time
   * for, and on a software adapter one that is predicted to be more than twice as slow as another.
   */
  readonly microseconds?: Times;
  /** Microseconds that the model of the hardware predicts, of one dispatch or one step; absent for kernels that it does not have. */
  readonly predicted?: number;
  /** Where it differs from its float64 twin: it was not timed, and is not taken. */
  readonly fault?: string;
}

/** What a tuning found. */
export interface Tuned {
  /** For `Runtime.open({ tuned: table })`, as JSON. Empty where nothing was found. */
  readonly table: TuningTable;
  readonly questions: readonly TunedQuestion[];
  /** Microseconds of the whole plan with the built-in choices and with the tuned ones; absent where these are the same. */
  readonly whole?: { readonly default: Times; readonly tuned: Times };
  /** How long it took. */
  readonly seconds: number;
  /** Where the table is kept, in words; absent where it is not. */
  readonly keptAt?: string;
  /** What did not go as asked, in a sentence each. */
  readonly notes: readonly string[];
}
