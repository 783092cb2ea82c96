import {
  type AnyBatch,
  type AnyLoss,
  BusyError,
  type Bytes,
  checkCount,
  checkNumber,
  checkOptions,
  type EpochReport,
  FileFormatError,
  loadTraining,
  type Metrics,
  type Module,
  makeTraining,
  type OptimizerSpec,
  OptionError,
  type Runtime,
  readTraining,
  type SavedTraining,
  type ScheduleSpec,
  type Signal,
  saveTraining,
  shown,
  split,
  type Training,
} from "../index.ts";
import { loadCell } from "./recurrent-layer.ts";
import { type Numbered, numbered } from "./rows.ts";
import { type Progress, TaskFit, type Validation } from "./task-fit.ts";

/** How a task learns; kept in its file. */
export interface LearningOptions {
  /** Default Adam with a learning rate of 3e-3. */
  readonly optimizer?: OptimizerSpec;
  /** Default constant. */
  readonly schedule?: ScheduleSpec;
  /** Limit of the gradient's global norm; default 1. */
  readonly clipNorm?: number;
  /** Of the initial weights, dropout, and the order of rows: the same seed gives the same training. Default 0. */
  readonly seed?: number;
}

export const learningNames = ["optimizer", "schedule", "clipNorm", "seed"] as const;

/** How long a task trains, and on what. */
export interface TaskFitOptions<Row> {
  /** Passes over the rows, at most; default 10, and of few rows as many as 1500 updates take, up to 300. */
  readonly epochs?: number;
  /** Rows in a batch; default 32. */
  readonly batch?: number;
  /**
   * Rows to measure on after each epoch, or the share of the rows that is kept apart for that; default 0.1, and none of fewer than
   * 20 rows.
   */
  readonly validation?: number | readonly Row[];
  /**
   * Stop after so many epochs in a row that were no better than the best before; default a fifth of the epochs, at least 3. Needs
   * a validation.
   */
  readonly patience?: number;
  /** Ends the training when it is aborted; the task is what it was trained to until then. */
  readonly signal?: Signal;
}

export const fitNames = ["epochs", "batch", "validation", "patience", "signal"] as const;

/** Batches in the order of an epoch. */
export interface TaskBatches {
  /** In an epoch. */
  readonly length: number;
  epoch(epoch: number): Iterable<AnyBatch>;
}

/** What a task has learned from, and how. */
export interface TaskParts<M extends Module = Module> {
  readonly model: M;
  readonly loss: AnyLoss;
  /** Where it comes from: how to learn, or the file that it goes on from. */
  readonly from: LearningOptions | SavedTraining;
}

/** Rows to train on, and rows to measure on. */
export interface RowParts<Row> {
  readonly training: readonly Numbered<Row>[];
  readonly validation: readonly Numbered<Row>[];
}

/** Keeps rows apart to measure on: those that are given, or a share. @throws DataError for no rows, OptionError for no share */
export type Divide<Row> = (
  who: string,
  rows: readonly Row[],
  validation: TaskFitOptions<Row>["validation"],
  seed: number,
) => RowParts<Row>;

const FEW_ROWS = 20;
/** Updates that a training has at least, whatever the rows: fewer rows are gone through more often. */
const UPDATES = 1500;
const [FEWEST_EPOCHS, MOST_EPOCHS] = [10, 300];

/** How often to go through rows of so many batches. */
const epochsFor = (batches: number): number =>
  Math.min(MOST_EPOCHS, Math.max(FEWEST_EPOCHS, Math.ceil(UPDATES / batches)));

/** Of tasks' files. */
const VERSION = 1;

/**
 * What all tasks share: training that goes on, a file that holds all of it, and the memory on the device. A task owns its model on
 * the runtime until it is disposed.
 */
export abstract class Task<Row, M extends Module = Module> {
  readonly runtime: Runtime;
  readonly model: M;
  readonly #training: Training;
  readonly #seed: number;
  #isFitting = false;

  protected constructor(runtime: Runtime, { model, loss, from }: TaskParts<M>) {
    this.runtime = runtime;
    this.model = model;
    const { seed = 0 } = "weights" in from ? from.spec : from;
    this.#seed = seed;
    try {
      if ("weights" in from) this.#training = loadTraining(runtime, model, from, { loss });
      else {
        const { optimizer = { name: "adam", lr: 3e-3 }, schedule, clipNorm = 1 } = from;
        runtime.initialize(model, { seed });
        const spec = { optimizer, clipNorm, seed, ...(schedule && { schedule }) };
        this.#training = makeTraining(runtime, model, spec, { loss });
      }
    } catch (error) {
      // Nobody has the task, so nobody could free its weights.
      runtime.release(model);
      throw error;
    }
  }

  /** What the file calls this task. */
  protected abstract readonly kind: string;
  /** What is measured beside the loss. */
  protected abstract readonly metrics: Metrics;
  /** What tells how good a validation is, the smaller the better. */
  protected abstract monitor(validation: Validation): number;
  /** Rows as batches; with a seed in an order of each epoch's own, else as they come. @throws DataError naming the row */
  protected abstract batches(rows: readonly Numbered<Row>[], batch: number, shuffle: number | undefined): TaskBatches;
  /** What building it anew needs, besides the weights: options, vocabularies, scaling. */
  protected abstract description(): Readonly<Record<string, unknown>>;

  /** How rows are kept apart to measure on. */
  protected divide(...given: Parameters<Divide<Row>>): RowParts<Row> {
    return divided(...given);
  }

  /** Updates that it was trained for. */
  get steps(): number {
    return this.#training.trainer.steps;
  }

  /**
   * Trains on, with the optimizer as it was left.
   * @throws OptionError; DataError for rows that do not fit, before anything runs; BusyError while it trains already
   */
  fit(rows: readonly Row[], options: TaskFitOptions<Row> = {}): TaskFit<this> {
    const run = (): AsyncGenerator<Progress<this>, this, undefined> => {
      checkOptions(`${this.kind}: fit`, options, fitNames);
      return this.train(this.divide(`${this.kind}: fit`, rows, options.validation, this.#seed), options);
    };
    return new TaskFit(async function* () {
      return yield* run();
    });
  }

  /** @internal Trains on rows that were divided already. */
  async *train(
    { training, validation }: RowParts<Row>,
    options: TaskFitOptions<Row>,
  ): AsyncGenerator<Progress<this>, this, undefined> {
    const { batch = 32, signal } = options;
    if (options.epochs !== undefined) checkCount(`${this.kind}: fit`, "epochs", options.epochs);
    checkCount(`${this.kind}: fit`, "batch", batch);
    const data = this.batches(training, batch, this.#seed);
    const epochs = options.epochs ?? epochsFor(data.length);
    const patience = options.patience ?? Math.max(3, Math.ceil(epochs / 5));
    const held = validation.length > 0 ? this.batches(validation, batch, undefined) : undefined;
    if (!held && options.patience !== undefined)
      throw new OptionError(`${this.kind}: fit: patience needs rows to measure on; give some as validation`);
    if (this.#isFitting) throw new BusyError(`${this.kind}: it trains already; wait for that, or stop it`);
    this.#isFitting = true;
    const { trainer } = this.#training;
    const before = trainer.steps;
    // A training that goes on does not begin with the order of the first epoch again.
    const first = Math.floor(before / data.length);
    const steps = before + epochs * data.length;
    let ended: EpochReport | undefined;
    const began = performance.now();
    const progress = (epoch: number, loss: number, step: number, measured?: EpochReport): Progress<this> => {
      const secondsLeft = (((performance.now() - began) / (step - before)) * (steps - step)) / 1000;
      const validation = measured?.validation as Validation | undefined;
      return reportOf(this, { step, steps, epoch, epochs, loss, secondsLeft, ...(validation && { validation }) });
    };
    try {
      const fit = trainer.fit((epoch: number) => data.epoch(first + epoch - 1), {
        epochs,
        ...(held && {
          validation: () => held.epoch(0),
          metrics: this.metrics,
          monitor: (evaluation) => this.monitor(evaluation as Validation),
          patience,
          restoreBest: true,
        }),
        ...(signal && { signal }),
        onEpoch: (report) => {
          ended = report as EpochReport;
        },
        ahead: 2,
      });
      for await (const { step, loss } of fit) {
        if (ended) yield progress(ended.epoch, ended.loss, ended.step, ended);
        ended = undefined;
        yield progress(Math.ceil((step - before) / data.length), loss, step);
      }
      if (ended) yield progress(ended.epoch, ended.loss, ended.step, ended);
      return this;
    } finally {
      this.#isFitting = false;
    }
  }

  /**
   * Everything that this task is, as the bytes of a safetensors file: weights, vocabularies, scaling, options, and what training
   * needs to go on.
   * @throws DivergedError when a weight is not finite
   */
  save(): Promise<Bytes> {
    return saveTraining(this.#training, { task: this.kind, version: VERSION, ...this.description() });
  }

  /** Frees what the task has on the device. */
  dispose(): void {
    this.runtime.release(this.model);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** What a report says can be written as JSON, copied and sent to a page; its task, which cannot, is found by its name alone. */
const reportOf = <T>(task: T, numbers: Omit<Progress, "task">): Progress<T> =>
  Object.defineProperty(numbers, "task", { value: task }) as Progress<T>;

/** Those of some options that are there, for what takes no others. */
export const picked = <O extends object, K extends keyof O>(options: O, names: readonly K[]): Pick<O, K> =>
  Object.fromEntries(names.filter((name) => name in options).map((name) => [name, options[name]])) as Pick<O, K>;

/** {@link Divide}, by chance. */
export function divided<Row>(
  who: string,
  rows: readonly Row[],
  validation: TaskFitOptions<Row>["validation"],
  seed: number,
): RowParts<Row> {
  const all = numbered(who, rows);
  if (Array.isArray(validation)) {
    const held = validation as readonly Row[];
    return { training: all, validation: held.length > 0 ? numbered(who, held, "validation row") : [] };
  }
  const share = (validation ?? (rows.length < FEW_ROWS ? 0 : 0.1)) as number;
  return split(all, checkNumber(who, "validation", share, 0, 0.9), { seed });
}

/**
 * A training of a new task: what goes wrong, or is left early, leaves nothing on the device.
 * @param make the task; vocabularies and scales are to know nothing but the rows to train on
 * @param divide as the task's own `divide`
 */
export function fitNew<Row, T extends Task<Row>>(
  kind: string,
  rows: readonly Row[],
  options: TaskFitOptions<Row> & LearningOptions & { readonly cell?: string },
  make: (parts: RowParts<Row>) => T,
  divide: Divide<Row> = divided,
): TaskFit<T> {
  return new TaskFit(async function* () {
    const parts = divide(`${kind}: fit`, rows, options.validation, options.seed ?? 0);
    await loadCell(options.cell);
    const task = make(parts);
    let isDone = false;
    try {
      yield* task.train(parts, picked(options, fitNames));
      isDone = true;
      return task;
    } finally {
      if (!isDone) task.dispose();
    }
  });
}

/**
 * Reads a task's file. @param kind which task it has to be of; any, where it is left out
 * @throws FileFormatError for what is no task's file, or another task's
 */
export function readTask(
  bytes: Uint8Array | ArrayBuffer,
  kind?: string,
  name = "the file",
): SavedTraining & { readonly kind: string } {
  const saved = readTraining(bytes, name);
  const { task, version } = saved.metadata;
  if (typeof task !== "string" || version !== VERSION)
    throw new FileFormatError(
      `the file is no task's: it has task ${shown(task)}, version ${shown(version)}; tasks of this version write version ${VERSION}`,
    );
  if (kind !== undefined && task !== kind)
    throw new FileFormatError(`the file is of a ${task}, not of a ${kind}; open it as that`);
  return { ...saved, kind: task };
}

/** {@link readTask}, with what the task's layers need. */
export async function openTask(bytes: Uint8Array | ArrayBuffer, kind: string): Promise<SavedTraining> {
  const saved = readTask(bytes, kind);
  await loadCell((saved.metadata.setting as { readonly cell?: unknown } | undefined)?.cell);
  return saved;
}

/** Which task a file is of: `sequence classifier`, `n-gram model`. @throws FileFormatError for what is no task's file */
export function kindOfFile(bytes: Uint8Array | ArrayBuffer, name = "the file"): string {
  const all = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  // A safetensors file begins with the length of its header in eight bytes, of which the last is 0; JSON has no such byte.
  const isJson = all[0] === "{".charCodeAt(0) && all[7] !== 0;
  if (!isJson) return readTask(bytes, undefined, name).kind;
  let task: unknown;
  try {
    ({ task } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(all)));
  } catch (cause) {
    throw new FileFormatError(`${name}: is no JSON, though it begins so: ${(cause as Error).message}`, { cause });
  }
  if (typeof task === "string") return task;
  throw new FileFormatError(`${name}: has task ${shown(task)}, expected the file of a task`);
}

/** Runs what builds a task from a file's metadata, which may hold anything. @throws FileFormatError */
export function fromFile<T>(kind: string, build: () => T): T {
  try {
    return build();
  } catch (cause) {
    throw new FileFormatError(`the file of a ${kind} is damaged: ${(cause as Error).message}`, { cause });
  }
}
