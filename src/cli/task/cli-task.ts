import type { Runtime } from "../../node.ts";
import type { Task, TaskFit, TaskFitOptions } from "../../tasks/index.ts";

/** What `--task` and the options beside it say, by the names of the tasks' options. */
export type TaskFlags = Readonly<Record<string, unknown>>;

/** Any task, as the command line has it. */
export type AnyTask = Task<object>;

/** A task on the command line. `T` is what it trains. */
export interface CliTask<T = AnyTask> {
  /** As `--task` names it, and as its files do. */
  readonly name: string;
  readonly kind: string;
  /** What it does, for the help. */
  readonly about: string;
  /** Options of the command line besides those of all tasks, by attribute name. */
  readonly takes: readonly string[];
  /** Made-up rows, for `--demo`. */
  demo(): readonly object[];
  /** What it takes the columns for, told before training. */
  describe(rows: readonly object[], flags: TaskFlags): string;
  fit(runtime: Runtime, rows: readonly object[], flags: TaskFlags & TaskFitOptions<object>): TaskFit<T>;
  load(runtime: Runtime, bytes: Uint8Array): T;
  /** A text of the command line as a row. */
  rowOf(task: T, text: string): object;
  /** What the model says of rows: a record of each, for scripts, and lines, for people. */
  predict(task: T, rows: readonly object[]): Promise<readonly Said[]>;
  evaluate(task: T, rows: readonly object[]): Promise<Said>;
}

export interface Said {
  readonly record: object;
  readonly lines: readonly string[];
}
