import { checkOptions, DivergedError, FileFormatError, OptionError, shown } from "../errors.ts";
import { checkKeys, type FileKind, inFile, plainJson, readDescribed, writeDescribed } from "../io/description.ts";
import type { Module } from "../nn/module.ts";
import type { Bytes } from "../platform-types.ts";
import type { StateDict } from "../tensor-data.ts";
import type { AnyLoss } from "./any-loss.ts";
import type { Schedule } from "./schedules.ts";
import { makeOptimizer, makeSchedule, type OptimizerSpec, type ScheduleSpec } from "./specs.ts";
import type { Trainer } from "./trainer.ts";
import type { TrainerOptions } from "./trainer-options.ts";

// The file of a training: the tensors of Trainer.stateDict (`model.*`, `optimizer.*`, `carry.*`), and in the metadata
//   { format, version, spec, step, scheduleState, metadata }

const kind: FileKind = {
  key: "training",
  format: "webgpu-rnn training",
  version: 1,
  what: "training",
  writers: "saveTraining",
};
const KEYS = ["format", "version", "spec", "step", "scheduleState", "metadata"];

/** The step is a counter of 32 bits for the noise. */
export const MOST_STEPS = 2 ** 32 - 1;

/** How a model is trained, as plain data: the trainer's options, the optimizer and the schedule by name. All but the loss. */
export interface TrainingSpec extends Omit<TrainerOptions, "optimizer" | "schedule" | "loss"> {
  readonly optimizer: OptimizerSpec;
  /** Default constant. */
  readonly schedule?: ScheduleSpec;
}

/** A model in training whose file can be written. */
export interface Training<M extends Module = Module> {
  readonly model: M;
  readonly trainer: Trainer;
  /** The trainer's: `plateau` is told validation losses with `observe`. */
  readonly schedule: Schedule;
  readonly spec: TrainingSpec;
}

/** What a training's file holds, read and checked. */
export interface SavedTraining {
  /** What errors call it. */
  readonly name: string;
  readonly spec: TrainingSpec;
  /** Steps that were done. */
  readonly step: number;
  readonly scheduleState: readonly number[];
  /** What was given to `saveTraining`, as JSON. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The model's weights by PyTorch name, for `runtime.loadStateDict`. */
  readonly weights: StateDict;
  /** For `Trainer.loadStateDict`. */
  readonly state: StateDict;
}

/** What making and loading a training asks of a runtime; `Runtime` has it. */
export interface TrainingRuntime {
  trainer(model: Module, options: TrainerOptions): Trainer;
}

/**
 * Makes a trainer of plain data, so that its training can be saved and resumed.
 * @param options.loss as in `TrainerOptions`; a function is not saved, and is given again to `loadTraining`
 * @throws OptionError for an unknown optimizer, schedule or option, and for one that no file can hold
 */
export function makeTraining<M extends Module>(
  runtime: TrainingRuntime,
  model: M,
  spec: TrainingSpec,
  options: { readonly loss?: AnyLoss } = {},
): Training<M> {
  checkOptions("makeTraining", options, ["loss"]);
  if (typeof (spec?.optimizer as { Trainer?: unknown })?.Trainer === "function")
    throw new OptionError(
      'makeTraining: optimizer is what adam() and its like return, which no file can hold; give its settings, such as { name: "adam", lr: 1e-3 }',
    );
  plainJson("training", spec);
  const { optimizer, schedule: scheduled, ...others } = spec;
  const schedule = makeSchedule(scheduled);
  const { loss } = options;
  const trainer = runtime.trainer(model, {
    ...others,
    optimizer: makeOptimizer(optimizer),
    schedule,
    ...(loss !== undefined && { loss }),
  });
  return { model, trainer, schedule, spec };
}

/** What of a training is no setting, all of one moment: training may go on while the numbers are read. */
export interface Progress {
  readonly step: number;
  readonly scheduleState: readonly number[];
  readonly tensors: StateDict;
}

/**
 * Reads where a training is.
 * @throws DivergedError when a loss so far was not finite, or a number that would be saved is not
 */
export async function progressOf({
  trainer,
  schedule,
}: Pick<Training, "trainer"> & { schedule?: Schedule }): Promise<Progress> {
  const { steps: step } = trainer;
  const scheduleState = schedule?.state?.() ?? [];
  const tensors = await trainer.stateDict();
  for (const [name, { data }] of Object.entries(tensors)) {
    // The update of the last step can overflow after a loss that was still finite.
    if (!data.every(Number.isFinite)) {
      throw new DivergedError(
        step,
        `training diverged in step ${step}: ${name} has a value that is not finite; go back to the last checkpoint with a smaller learning rate or a clipNorm`,
      );
    }
  }
  return { step, scheduleState, tensors };
}

/**
 * A training as the bytes of a safetensors file: weights, optimizer, step, seed, schedule and carried states, and what else going
 * on needs. Waits for the steps that are under way, and holds all of them: the file's step is `trainer.steps`.
 *
 * ```ts
 * const training = makeTraining(runtime, model, { optimizer: { name: "adam", lr: 0.01 }, schedule: { name: "plateau" }, seed: 1 });
 * const bytes = await saveTraining(training, { vocabulary });
 * // Later, or elsewhere:
 * const saved = readTraining(bytes);
 * const vocabulary = Vocabulary.fromJSON(saved.metadata.vocabulary);
 * const { trainer } = loadTraining(runtime, new Classifier(vocabulary.size), saved);
 * for await (const report of trainer.fit(data.from(trainer.steps))) …
 * ```
 * @param metadata whatever JSON can hold, and what has `toJSON`, such as a Vocabulary or a Normalizer; default nothing
 * @throws DivergedError when a loss so far was not finite, or a number that would be saved is not; OptionError for metadata that
 *   JSON cannot hold
 */
export async function saveTraining(
  training: Training,
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<Bytes> {
  const content = { spec: plainJson("training", training.spec), metadata: plainJson("metadata", metadata) };
  const { step, scheduleState, tensors } = await progressOf(training);
  return writeDescribed(kind, { ...content, step, scheduleState }, tensors);
}

/**
 * Reads the file of a training, strictly. Its metadata may say how to build the model.
 * @param name what errors call it, such as its path
 * @throws FileFormatError when it is no safetensors file or a broken one, or is not the file of a training
 */
export function readTraining(bytes: Uint8Array | ArrayBuffer, name = "training"): SavedTraining {
  const { content, tensors } = readDescribed(bytes, name, kind);
  checkKeys(name, content, KEYS);
  const { spec, metadata } = content as { spec: TrainingSpec; metadata: unknown };
  if (!isObject(metadata))
    throw new FileFormatError(`${name}: metadata is ${shown(metadata)}, expected an object; the file is damaged`);
  if (!isObject(spec))
    throw new FileFormatError(`${name}: spec is ${shown(spec)}, expected an object; the file is damaged`);
  const { step, scheduleState } = checkProgress(name, content, spec);
  inFile(name, () => makeOptimizer(spec.optimizer));
  const weights: StateDict = {};
  for (const [tensor, data] of Object.entries(tensors))
    if (tensor.startsWith("model.")) weights[tensor.slice("model.".length)] = data;
  return { name, spec, step, scheduleState, metadata, weights, state: tensors };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Goes on with a training, on the same machine or another: the next step is `trainer.steps + 1`, and with the batches that follow
 * (`data.from(trainer.steps)`) its losses are those of a training that was never interrupted.
 * @param model built as the one that was saved; its weights become those of the file
 * @param options.loss the one that it was trained with, where that is not `crossEntropy()`
 * @param options.changes settings to go on with in place of the saved ones; another schedule begins at the step where the training is
 * @throws StateDictError when model or optimizer are not those of the file; OptionError for a change that makes no sense
 */
export function loadTraining<M extends Module>(
  runtime: TrainingRuntime,
  model: M,
  saved: SavedTraining,
  options: { readonly loss?: AnyLoss; readonly changes?: Partial<TrainingSpec> } = {},
): Training<M> {
  checkOptions("loadTraining", options, ["loss", "changes"]);
  const { loss, changes = {} } = options;
  const training = makeTraining(runtime, model, { ...saved.spec, ...changes }, loss === undefined ? {} : { loss });
  try {
    if (changes.schedule === undefined) training.schedule.restore?.([...saved.scheduleState]);
    training.trainer.loadStateDict(saved.state, saved.step);
  } catch (error) {
    training.trainer.dispose();
    throw error;
  }
  return training;
}

/**
 * Checks the step of a file's description, and that its schedule can go on from the state that is there.
 * @throws FileFormatError
 */
export function checkProgress(
  name: string,
  { step, scheduleState }: Readonly<Record<string, unknown>>,
  spec: Pick<TrainingSpec, "schedule">,
): { step: number; scheduleState: readonly number[] } {
  if (!Number.isInteger(step) || (step as number) < 0 || (step as number) > MOST_STEPS)
    throw new FileFormatError(
      `${name}: step is ${shown(step)}, expected a whole number from 0 to ${MOST_STEPS}; the file is damaged`,
    );
  inFile(name, () => checkScheduleState(spec.schedule, scheduleState));
  return { step: step as number, scheduleState: scheduleState as number[] };
}

function checkScheduleState(spec: ScheduleSpec | undefined, state: unknown): void {
  const expected = "the file is damaged, or its schedule was changed";
  if (!Array.isArray(state) || !state.every(Number.isFinite))
    throw new FileFormatError(`scheduleState is ${shown(state)}, expected numbers; ${expected}`);
  const schedule = makeSchedule(spec);
  schedule.restore?.([...state]);
  const restored = schedule.state?.() ?? [];
  if (restored.length !== state.length || restored.some((one, i) => one !== state[i]))
    throw new FileFormatError(
      `scheduleState is ${shown(state)}, and the schedule ${shown(spec?.name ?? "constant")} has no such state; ${expected}`,
    );
}
