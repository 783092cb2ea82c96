/** What a page and its worker say to each other. */
import type { RuntimeInfo } from "../../src/index.ts";

/** What a training reports after a step. */
export interface Report<View = unknown> {
  readonly step: number;
  /** At most. */
  readonly steps: number;
  /** What charts show, by name. */
  readonly values?: Readonly<Record<string, number>>;
  /** What the page shows beside that, as plain data; the last one counts. */
  readonly view?: View;
  /** Pauses here, as the reader could. */
  readonly pause?: boolean;
}

export type Point = Readonly<Record<string, number>> & { readonly step: number };

export type BackendWish = "auto" | "gpu" | "wasm" | "cpu";

export type Request =
  | { readonly type: "open"; readonly backend: BackendWish }
  /** `run` numbers the trainings of a page: what a worker says of an earlier one is dropped. */
  | { readonly type: "start"; readonly run: number; readonly settings: unknown; readonly stepsPerSecond: number }
  /** `oneStep` of a training that is paused. */
  | { readonly type: "pause" | "continue" | "oneStep" }
  | { readonly type: "speed"; readonly stepsPerSecond: number }
  | { readonly type: "ask"; readonly id: number; readonly question: string; readonly argument: unknown };

export interface Failure {
  /** Of the library's errors, or empty. */
  readonly code: string;
  readonly message: string;
}

export type Message =
  | { readonly type: "opened"; readonly info: RuntimeInfo }
  | { readonly type: "failed"; readonly failure: Failure }
  | {
      readonly type: "reports";
      readonly run: number;
      readonly points: readonly Point[];
      readonly step: number;
      readonly steps: number;
      readonly view?: unknown;
      readonly stepsPerSecond: number;
      /** Of itself, not because the page asked for it. */
      readonly pauses?: boolean;
    }
  | { readonly type: "done"; readonly run: number }
  | { readonly type: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly type: "refused"; readonly id: number; readonly failure: Failure };
