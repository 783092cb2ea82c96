import { cellNamed } from "../cells/cell.ts";
import { Vocabulary, type VocabularyJson } from "../data/vocabulary.ts";
import { checkOptions, DataError, FileFormatError, shown } from "../errors.ts";
import { checkKeys, type FileKind, inFile, readDescribed, writeDescribed } from "../io/description.ts";
import { checkStateDict, type Module } from "../nn/module.ts";
import type { Bytes } from "../platform-types.ts";
import { type StateDict, sameShape, showShape } from "../tensor-data.ts";
import type { Schedule } from "../train/schedules.ts";
import { makeOptimizer } from "../train/specs.ts";
import type { Trainer } from "../train/trainer.ts";
import {
  checkProgress,
  loadTraining,
  makeTraining,
  progressOf,
  type TrainingRuntime,
  type TrainingSpec,
} from "../train/training-file.ts";
import { CharModel, type CharModelOptions } from "./char-model.ts";
import { textFingerprint } from "./char-text.ts";
import { checkSettings, type TrainingSettings } from "./settings.ts";

// A checkpoint is one safetensors file. Its tensors are those of Trainer.stateDict (`model.*`, `optimizer.*`, `carry.*`) or,
// in a file that only generates, the model's alone, under their plain names. Its metadata has the key below, with JSON text:
//   { format, version, config, vocabulary }                                   weights only
//   { format, version, config, vocabulary, step, training, scheduleState }   a training that can go on

const kind: FileKind = {
  key: "checkpoint",
  format: "webgpu-rnn character model",
  version: 1,
  what: "character model",
  writers: "webgpu-rnn train or saveCheckpoint",
};
const WEIGHTS_KEYS = ["format", "version", "config", "vocabulary"];
const TRAINING_KEYS = [...WEIGHTS_KEYS, "step", "training", "scheduleState"];

/** What a checkpoint asks of a runtime; `Runtime` has it. */
export interface CheckpointRuntime extends TrainingRuntime {
  initialize(model: Module, options: { readonly seed: number }): void;
  stateDict(model: Module): Promise<StateDict>;
  loadStateDict(model: Module, dict: StateDict): void;
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
  const { trainer, schedule } = makeTraining(runtime, model, specOf(training));
  return { model, vocabulary, trainer, schedule, training };
}

function specOf({ optimizer, clipNorm, clipValue, schedule }: TrainingSettings): TrainingSpec {
  return {
    optimizer,
    carryState: true,
    ...(schedule && { schedule }),
    ...(clipNorm !== undefined && { clipNorm }),
    ...(clipValue !== undefined && { clipValue }),
  };
}

/**
 * A training as the bytes of a file. Waits for the steps that are under way, and holds all of them: the file's step is
 * `trainer.steps`.
 * @throws DivergedError when a loss so far was not finite, or a number that would be saved is not
 */
export async function saveCheckpoint(saved: CharTraining): Promise<Bytes> {
  const { model, vocabulary } = saved;
  const { tensors, ...progress } = await progressOf(saved);
  const settings = { training: checkSettings(saved.training), ...progress };
  return writeDescribed(kind, { config: model.options, vocabulary, ...settings }, tensors);
}

/** A model as the bytes of a file that generates but cannot go on training: a third of a checkpoint's size with Adam. */
export async function saveModel(
  runtime: CheckpointRuntime,
  { model, vocabulary }: { readonly model: CharModel; readonly vocabulary: Vocabulary },
): Promise<Bytes> {
  return modelFile({ config: model.options, vocabulary, weights: await runtime.stateDict(model) });
}

/** What `saveModel` writes, of weights that are at hand, such as those of a checkpoint that was read. */
export const modelFile = ({
  config,
  vocabulary,
  weights,
}: Pick<Checkpoint, "config" | "vocabulary" | "weights">): Bytes =>
  writeDescribed(kind, { config, vocabulary }, weights);

/**
 * Reads the file of a character model, strictly.
 * @param name what errors call it, such as its path
 * @throws FileFormatError when it is no safetensors file or a broken one, holds another architecture, or its tensors do
 *   not fit its own description
 */
export function readCheckpoint(bytes: Uint8Array | ArrayBuffer, name = "checkpoint"): Checkpoint {
  const { content, tensors } = readDescribed(bytes, name, kind);
  const vocabulary = inFile(name, () => Vocabulary.fromJSON(content.vocabulary as VocabularyJson));
  const config = inFile(name, () => checkConfig(content.config, vocabulary));
  for (const [tensor, { data }] of Object.entries(tensors)) {
    if (data instanceof Int32Array)
      throw new FileFormatError(
        `${name}: tensor ${shown(tensor)} holds integers, expected floating point; save it again`,
      );
  }
  const { training } = content;
  checkKeys(name, content, training === undefined ? WEIGHTS_KEYS : TRAINING_KEYS);
  if (training === undefined) {
    const weights = Object.fromEntries(Object.entries(tensors).map(([key, t]) => [key.replace(/^model\./, ""), t]));
    inFile(name, () => checkStateDict(new CharModel(config), weights));
    return { name, config, vocabulary, weights };
  }
  const settings = inFile(name, () => checkSettings(training as TrainingSettings));
  const { step, scheduleState } = checkProgress(name, content, settings);
  const weights = inFile(name, () => checkTrainingState(tensors, config, settings));
  return {
    name,
    config,
    vocabulary,
    weights,
    progress: {
      step,
      training: settings,
      scheduleState,
      state: tensors,
    },
  };
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
 * Goes on with a training, on the same machine or another: the next step is `trainer.steps + 1`, and with
 * `windows.from(trainer.steps)` of the same text the losses are those of a training that was never interrupted.
 * @throws FileFormatError when the file holds weights only; OptionError for a change that makes no sense
 */
export function resumeTraining(
  runtime: CheckpointRuntime,
  { name, config, vocabulary, weights, progress }: Checkpoint,
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
  const file = { name, metadata: {}, weights, spec: specOf(training), ...progress };
  // Another schedule begins anew, at the step where the training is.
  const another = changes.schedule && { changes: { schedule: changes.schedule } };
  const { model, trainer, schedule } = loadTraining(runtime, new CharModel(config), file, another);
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
