import type { SkippedFile } from "../io/files.ts";
import type { CharModelOptions, RuntimeInfo, TrainingSettings } from "../node.ts";
import type { CheckRecord } from "./check-step.ts";

/** The training runs, on this machine and with these settings. A second one follows when the device was lost. */
export interface StartRecord {
  readonly type: "start";
  readonly backend: "gpu" | "wasm" | "cpu";
  readonly adapter?: RuntimeInfo["adapter"];
  /** Why this backend. */
  readonly reason: string;
  readonly tuned?: RuntimeInfo["tuned"];
  readonly config: Required<CharModelOptions>;
  /** Numbers that the model learns. */
  readonly parameters: number;
  readonly text: { readonly name: string; readonly files: number; readonly characters: number };
  readonly training: TrainingSettings;
  /** Steps that were done before; more than 0 after --resume. */
  readonly step: number;
  /** The last step. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Characters that validation measures on, 0 for none. */
  readonly validationCharacters: number;
  readonly out: string;
}

export interface StepRecord {
  readonly type: "step";
  readonly step: number;
  /** Nats per character. */
  readonly loss: number;
  readonly bitsPerCharacter: number;
  readonly gradNorm: number;
  readonly lr: number;
  readonly tokensPerSecond: number;
  /** What is left of the run, in seconds; null as long as that is unknown. */
  readonly secondsLeft: number | null;
}

export interface ValidationRecord {
  readonly type: "validation";
  readonly step: number;
  readonly loss: number;
  readonly bitsPerCharacter: number;
}

export interface SampleRecord {
  readonly type: "sample";
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
}

export interface CheckpointRecord {
  readonly type: "checkpoint";
  readonly step: number;
  readonly path: string;
  readonly bytes: number;
}

/** Something went wrong and the training goes on. */
export interface WarningRecord {
  readonly type: "warning";
  readonly step: number;
  /** That of an error, or `SKIPPED`: files in the folders that are no text. */
  readonly code: string;
  readonly message: string;
  /** All that were skipped. */
  readonly files?: readonly SkippedFile[];
}

export interface EndRecord {
  readonly type: "end";
  readonly step: number;
  readonly steps: number;
  /** Ended by Ctrl-C. */
  readonly interrupted: boolean;
  readonly seconds: number;
  /** The file with the last step; absent when nothing was trained. */
  readonly checkpoint?: string;
  /** How to go on, as a command. */
  readonly resume?: string;
}

export interface ErrorRecord {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  /** The last step that was started. */
  readonly step?: number;
  /** The last good checkpoint of this run. */
  readonly checkpoint?: { readonly path: string; readonly step: number };
}

/** What a training tells, in the order of time; `--json` prints one record per line. */
export type TrainRecord =
  | CheckRecord
  | StartRecord
  | StepRecord
  | ValidationRecord
  | SampleRecord
  | CheckpointRecord
  | WarningRecord
  | EndRecord
  | ErrorRecord;

export interface Reporter {
  report(record: TrainRecord): void;
  /** Takes a progress bar away; more may be reported afterwards. */
  close(): void;
}

/** One record per line. */
export function jsonReporter(write: (line: string) => void): Reporter {
  return { report: (record) => write(`${JSON.stringify(record)}\n`), close: () => {} };
}
