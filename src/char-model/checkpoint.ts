import { cellNamed } from "../cells/index.ts";
import { Vocabulary, type VocabularyJson } from "../data/vocabulary.ts";
import {
  checkOptions,
  DataError,
  DivergedError,
  FileFormatError,
  shown,
  shownNames,
  WebGpuRnnError,
} from "../errors.ts";
import { readJson } from "../io/read-json.ts";
import { readSafetensors, writeSafetensors } from "../io/safetensors.ts";
import { checkStateDict, type Module } from "../nn/module.ts";
import { type StateDict, sameShape, showShape } from "../tensor-data.ts";
import type { Schedule } from "../train/schedules.ts";
import { makeOptimizer, makeSchedule } from "../train/specs.ts";
import type { Trainer, TrainerOptions } from "../train/trainer.ts";
import { CharModel, type CharModelOptions } from "./char-model.ts";
import { textFingerprint } from "./char-text.ts";
import { checkSettings, MOST_STEPS, type TrainingSettings } from "./settings.ts";

// A checkpoint is one safetensors file. Its tensors are those of Trainer.stateDict (`model.*`, `optimizer.*`, `carry.*`) or,
// in a file that only generates, the model's alone, under their plain names. Its metadata has the key below, with JSON text:
//   { format, version, config, vocabulary }                                   weights only
//   { format, version, config, vocabulary, step, training, scheduleState }   a training that can go on

const KEY = "checkpoint";
const FORMAT = "webgpu-rnn character model";
const VERSION = 1;
const WEIGHTS_KEYS = ["format", "version", "config", "vocabulary"];
const TRAINING_KEYS = [...WEIGHTS_KEYS, "step", "training", "scheduleState"];

/** What a checkpoint asks of a runtime; `Runtime` has it. */
export interface CheckpointRuntime {
  initialize(model: Module, options: { readonly seed: number }): void;
  stateDict(model: Module): Promise<StateDict>;
  loadStateDict(model: Module, dict: StateDict): void;
  trainer(model: Module, options: TrainerOptions): Trainer;
}

/** A character model in training, with all that a checkpoint of it holds. */
export interface CharTraining {
  readonly model: CharModel;
  readonly vocabulary: Vocabulary;
  readonly trainer: Trainer;
  /** The one that the trainer was made with; one without a state need not be given. */
  readonly schedule?: Schedule;
  readonly training: TrainingSettings;
}

/** A character model's file, read and checked. */
export interface Checkpoint {
  /** What errors call it. */
  readonly name: string;
  readonly config: Required<CharModelOptions>;
  readonly vocabulary: Vocabulary;
  /** The model's weights by PyTorch name. */
  readonly weights: StateDict;
  /** Absent when the file holds weights only. */
  readonly progress?: {
    /** Steps that were done. */
    readonly step: number;
    readonly training: TrainingSettings;
    readonly scheduleState: readonly number[];
    /** For `Trainer.loadStateDict`. */
    readonly state: StateDict;
  };
}

/**
 * Starts to train a character model from its initial weights.
 * @throws OptionError for a size or setting that makes no sense, LimitError for a model that does not fit
 */
export function startTraining(
  runtime: CheckpointRuntime,
  start: {
    readonly config: Omit<CharModelOptions, "vocabSize">;
    readonly vocabulary: Vocabulary;
    readonly training: TrainingSettings;
  },
): Required<CharTraining> {
  const { vocabulary } = start;
  const training = checkSettings(start.training);
  const model = new CharModel({ ...start.config, vocabSize: vocabulary.size });
  runtime.initialize(model, { seed: training.seed });
  const schedule = makeSchedule(training.schedule);
  return { model, vocabulary, trainer: trainerOf(runtime, model, training, schedule), schedule, training };
}

function trainerOf(
  runtime: CheckpointRuntime,
  model: CharModel,
  training: TrainingSettings,
  schedule: Schedule,
): Trainer {
  const { clipNorm, clipValue } = training;
  return runtime.trainer(model, {
    optimizer: makeOptimizer(training.optimizer),
    schedule,
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(clipValue === undefined ? {} : { clipValue }),
  });
}

/**
 * A training as the bytes of a file. Waits for the steps that are under way, and holds all of them: the file's step is
 * `trainer.step`.
 * @throws DivergedError when a loss so far was not finite, or a number that would be saved is not
 */
export async function saveCheckpoint(saved: CharTraining): Promise<Uint8Array<ArrayBuffer>> {
  const { model, vocabulary, trainer, schedule } = saved;
  // All of one moment: training may go on while the numbers are read.
  const { step } = trainer;
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
  return write(tensors, model, vocabulary, { step, training: checkSettings(saved.training), scheduleState });
}

/** A model as the bytes of a file that generates but cannot go on training: a third of a checkpoint's size with Adam. */
export async function saveModel(
  runtime: CheckpointRuntime,
  { model, vocabulary }: { readonly model: CharModel; readonly vocabulary: Vocabulary },
): Promise<Uint8Array<ArrayBuffer>> {
  return write(await runtime.stateDict(model), model, vocabulary, {});
}

function write(tensors: StateDict, model: CharModel, vocabulary: Vocabulary, progress: object) {
  const content = { format: FORMAT, version: VERSION, config: model.options, vocabulary, ...progress };
  return writeSafetensors(tensors, { [KEY]: JSON.stringify(content) });
}

/**
 * Reads the file of a character model, strictly.
 * @param name what errors call it, such as its path
 * @throws FileFormatError when it is no safetensors file or a broken one, holds another architecture, or its tensors do
 *   not fit its own description
 */
export function readCheckpoint(bytes: Uint8Array | ArrayBuffer, name = "checkpoint"): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const content = parse(metadata[KEY], Object.keys(tensors), name);
  const vocabulary = wrap(name, () => Vocabulary.fromJSON(content.vocabulary as VocabularyJson));
  const config = wrap(name, () => checkConfig(content.config, vocabulary));
  for (const [tensor, { data }] of Object.entries(tensors)) {
    if (data instanceof Int32Array)
      throw new FileFormatError(
        `${name}: tensor ${shown(tensor)} holds integers, expected floating point; save it again`,
      );
  }
  const { step, training, scheduleState } = content;
  const keys = training === undefined ? WEIGHTS_KEYS : TRAINING_KEYS;
  const unknown = Object.keys(content).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw new FileFormatError(
      `${name}: its description has the unknown key ${shown(unknown)}, expected ${keys.join(", ")}; use the webgpu-rnn that wrote it`,
    );
  if (training === undefined) {
    const weights = Object.fromEntries(Object.entries(tensors).map(([key, t]) => [key.replace(/^model\./, ""), t]));
    wrap(name, () => checkStateDict(new CharModel(config), weights));
    return { name, config, vocabulary, weights };
  }
  if (!Number.isInteger(step) || (step as number) < 0 || (step as number) > MOST_STEPS)
    throw new FileFormatError(
      `${name}: step is ${shown(step)}, expected a whole number from 0 to ${MOST_STEPS}; the file is damaged`,
    );
  const settings = wrap(name, () => checkSettings(training as TrainingSettings));
  wrap(name, () => checkScheduleState(settings, scheduleState));
  const weights = wrap(name, () => checkTrainingState(tensors, config, settings));
  return {
    name,
    config,
    vocabulary,
    weights,
    progress: {
      step: step as number,
      training: settings,
      scheduleState: scheduleState as number[],
      state: tensors,
    },
  };
}

/** Checks that a schedule with these settings can go on from a state, and has it again afterwards. */
function checkScheduleState({ schedule: spec }: TrainingSettings, state: unknown): void {
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

function parse(text: string | undefined, tensors: readonly string[], name: string): Record<string, unknown> {
  if (text === undefined) {
    throw new FileFormatError(
      `${name}: is not a character model of webgpu-rnn: its metadata has no "${KEY}" (its tensors: ${shownNames(tensors) || "none"}); ` +
        "name a file that webgpu-rnn train or saveCheckpoint wrote",
    );
  }
  const content = readJson(text, `${name}: the metadata's "${KEY}"`);
  const { format, version } = (content ?? {}) as Record<string, unknown>;
  if (format !== FORMAT)
    throw new FileFormatError(
      `${name}: holds ${format === undefined ? "an unnamed format" : shown(format)}, expected "${FORMAT}"; name the file of a character model`,
    );
  if (version !== VERSION)
    throw new FileFormatError(
      `${name}: has format version ${shown(version)}, this webgpu-rnn reads version ${VERSION}; use the webgpu-rnn that wrote it`,
    );
  return content as Record<string, unknown>;
}

/** Gives an error about values the name of the file that they come from. */
function wrap<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof WebGpuRnnError)) throw cause;
    throw new FileFormatError(`${name}: ${cause.message}`, { cause });
  }
}

function checkConfig(config: unknown, vocabulary: Vocabulary): Required<CharModelOptions> {
  const given = (config ?? {}) as Required<CharModelOptions>;
  // A number of layers that only a damaged file has would build modules without end.
  if (given.numLayers > 10_000)
    throw new FileFormatError(`the model has ${given.numLayers} layers, expected at most 10000`);
  if (given.vocabSize !== vocabulary.size)
    throw new FileFormatError(
      `the model has vocabSize ${shown(given.vocabSize)}, and the vocabulary has ${vocabulary.size} characters; the file is damaged`,
    );
  return new CharModel(given).options;
}

/** Checks that the tensors are exactly those of a training with these settings; gives the model's. */
function checkTrainingState(
  tensors: StateDict,
  config: Required<CharModelOptions>,
  { optimizer, batch }: TrainingSettings,
): StateDict {
  const model = new CharModel(config);
  const states = cellNamed(model.rnn.cell).states.map((state) => `carry.${state}`);
  const groups: Record<string, StateDict> = { model: {} };
  const slots = makeOptimizer(optimizer).moments.filter((slot) => slot !== undefined);
  for (const slot of slots) groups[`optimizer.${slot}`] = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const group = Object.keys(groups).find((prefix) => name.startsWith(`${prefix}.`));
    if (group !== undefined) {
      groups[group]![name.slice(group.length + 1)] = tensor;
      continue;
    }
    if (!states.includes(name))
      throw new FileFormatError(
        `tensor ${shown(name)} is not part of a ${config.cell} trained with ${optimizer.name}; it was saved with another optimizer or cell`,
      );
    const shape = [config.numLayers, batch, config.hiddenSize];
    if (!sameShape(tensor.shape, shape))
      throw new FileFormatError(
        `tensor ${shown(name)} has shape ${showShape(tensor.shape)}, expected ${showShape(shape)}`,
      );
  }
  for (const [prefix, dict] of Object.entries(groups)) {
    try {
      checkStateDict(model, dict);
    } catch (cause) {
      throw new FileFormatError(`tensors "${prefix}.*": ${(cause as Error).message}`, { cause });
    }
  }
  return groups.model!;
}

/** Puts the weights of a file on a runtime, to generate with them. @throws LimitError when the model does not fit */
export function loadModel(
  runtime: CheckpointRuntime,
  { config, vocabulary, weights }: Checkpoint,
): { model: CharModel; vocabulary: Vocabulary } {
  const model = new CharModel(config);
  runtime.loadStateDict(model, weights);
  return { model, vocabulary };
}

/** Settings that a training may go on with in place of its own: they change no tensor. `lr` is the optimizer's. */
export interface ResumeChanges
  extends Partial<Pick<TrainingSettings, "clipNorm" | "clipValue" | "schedule" | "steps">> {
  readonly lr?: number;
}

/**
 * Goes on with a training, on the same machine or another: the next step is `trainer.step + 1`, and with
 * `windows.from(trainer.step)` of the same text the losses are those of a training that was never interrupted.
 * @throws FileFormatError when the file holds weights only; OptionError for a change that makes no sense
 */
export function resumeTraining(
  runtime: CheckpointRuntime,
  { name, config, vocabulary, progress }: Checkpoint,
  changes: ResumeChanges = {},
): Required<CharTraining> {
  if (!progress)
    throw new FileFormatError(
      `${name}: holds weights only, without the optimizer's state; training goes on from a file of saveCheckpoint`,
    );
  checkOptions("resumeTraining", changes, ["lr", "clipNorm", "clipValue", "schedule", "steps"]);
  const { lr, ...others } = changes;
  const saved = progress.training;
  const training = checkSettings({
    ...saved,
    ...others,
    optimizer: lr === undefined ? saved.optimizer : { ...saved.optimizer, lr },
  });
  const model = new CharModel(config);
  const schedule = makeSchedule(training.schedule);
  if (changes.schedule === undefined) schedule.restore?.([...progress.scheduleState]);
  const trainer = trainerOf(runtime, model, training, schedule);
  trainer.loadStateDict(progress.state, progress.step);
  return { model, vocabulary, trainer, schedule, training };
}

/**
 * Checks that a text is the one that a checkpoint was trained on.
 * @throws DataError when it is another one: training would go on, but not to the same losses
 */
export function checkSameText({ name, progress }: Checkpoint, text: string): void {
  const given = textFingerprint(text);
  if (progress && progress.training.text !== given)
    throw new DataError(
      `${name}: was trained on another text (fingerprint ${progress.training.text}, this one has ${given}); resume with the same files in the same order, unchanged`,
    );
}
