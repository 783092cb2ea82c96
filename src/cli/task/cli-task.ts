import type { Runtime } from "../../node.ts";
import type { TaskFit, TaskFitOptions } from "../../tasks/index.ts";
import { optimizerFlagNames, scheduleFlagNames } from "../train-options.ts";

/** What `--task` and the options beside it say, by the names of the tasks' options. */
export type TaskFlags = Readonly<Record<string, unknown>>;

/** What training makes. */
export interface Trained {
  /** Updates that it was trained for, where it learns by updates. */
  readonly steps?: number;
  save(): Uint8Array | Promise<Uint8Array>;
}

/** Rows that are made up, and the options that fit them. */
export interface Demo {
  readonly rows: readonly object[];
  readonly flags?: TaskFlags;
}

/** How a task reads a file. */
export interface Reading {
  /** A text file is one row, not one for each line. */
  readonly isOneText?: boolean;
  /** What looks like a number in a table is a text, too. */
  readonly onlyTexts?: boolean;
}

/** A task on the command line. `T` is what it trains. */
export interface CliTask<T extends Trained = Trained> {
  /** As `--task` names it. */
  readonly name: string;
  /** As its files name it. */
  readonly kind: string;
  /** What it does, for the help. */
  readonly about: string;
  /** Options of `train` besides `--task`, `--demo` and those of the file that is written, by attribute name. */
  readonly takes: readonly string[];
  /** Of its files; default safetensors. */
  readonly extension?: string;
  /** Where it computes, where there is no choice. */
  readonly backend?: "cpu";
  /** What `predict` and `evaluate` take besides: `--text` where a model does not know which column has the texts. */
  readonly asks?: readonly ("text" | "beam")[];
  demo(): Demo;
  /** @param of the options, or a model */
  reading?(of: TaskFlags | T): Reading;
  /** What it takes the columns for, told before training. */
  describe(rows: readonly object[], flags: TaskFlags): string;
  fit(runtime: Runtime, rows: readonly object[], flags: TaskFlags & TaskFitOptions<object>): TaskFit<T> | T;
  load(runtime: Runtime, bytes: Uint8Array): T | Promise<T>;
  /** A text of the command line as a row. Absent where rows count together: they come from a file, or all of standard input. */
  rowOf?(task: T, text: string): object;
  /** What a model says without rows; absent where it needs some. */
  predictNone?(task: T): Promise<readonly Said[]>;
  /** What the model says of rows: records, for scripts, and lines, for people. */
  predict(task: T, rows: readonly object[], flags: TaskFlags): Promise<readonly Said[]>;
  evaluate(task: T, rows: readonly object[], flags: TaskFlags): Promise<Said>;
}

export interface Said {
  readonly record: object;
  readonly lines: readonly string[];
}

/** Options of all tasks that are trained step by step. */
export const learned: readonly string[] = [
  ...["epochs", "batch", "seed", "validationFraction", "backend", "threads", "tuned"],
  ...["cell", "hiddenSize", "numLayers", "dropout", "clipNorm"],
  ...optimizerFlagNames,
  ...scheduleFlagNames,
];
