// The public face of webgpu-rnn: re-exports only.
export { type Cell, cellNames, defineCell, type Values } from "./cells/index.ts";
export type { Batch } from "./data/batch.ts";
export { Vocabulary, type VocabularyJson } from "./data/vocabulary.ts";
export { split, Windows } from "./data/windows.ts";
export * from "./errors.ts";
export { Tensor } from "./graph/tensor.ts";
export type { Generated, GenerateOptions } from "./infer/generate.ts";
export type { Program, ProgramOptions } from "./infer/program.ts";
export { readSafetensors, type Safetensors, writeSafetensors } from "./io/safetensors.ts";
export { CharModel, type CharModelCell, type CharModelOptions, charModelCells } from "./nn/char-model.ts";
export { Embedding, type EmbeddingOptions } from "./nn/embedding.ts";
export { GRU, type GRUState } from "./nn/gru.ts";
export * as init from "./nn/init.ts";
export { Linear, type LinearOptions } from "./nn/linear.ts";
export { crossEntropy, type Loss } from "./nn/losses.ts";
export { LSTM, type LSTMState } from "./nn/lstm.ts";
export { Module, Parameter, type ParameterPart, parameterCount } from "./nn/module.ts";
export { Recurrent, type RecurrentOptions, type RecurrentState } from "./nn/recurrent.ts";
export { RNN, type RNNOptions, type RNNState } from "./nn/rnn.ts";
export { countPlan, type PlanCounts } from "./plan/count-plan.ts";
export type { BufferSpec, Clear, Command, Constants, Copy, Dispatch, Plan, Role, Target, View } from "./plan/plan.ts";
export { printPlan, showBytes } from "./plan/print-plan.ts";
export { RandomStream } from "./random.ts";
export { Runtime, type RuntimeInfo, type RuntimeOptions } from "./runtime.ts";
export type { DType, NumberArray, Shape, StateDict, TensorData } from "./tensor-data.ts";
export { type CharText, type CharTextOptions, prepareText, textFingerprint } from "./train/char-text.ts";
export {
  type CharTraining,
  type Checkpoint,
  type CheckpointRuntime,
  checkSameText,
  loadModel,
  type ResumeChanges,
  readCheckpoint,
  resumeTraining,
  saveCheckpoint,
  saveModel,
  startTraining,
} from "./train/checkpoint.ts";
export {
  type AdagradOptions,
  type AdamOptions,
  adagrad,
  adam,
  adamW,
  type Optimizer,
  type RMSpropOptions,
  rmsprop,
  type SGDOptions,
  sgd,
} from "./train/optimizers.ts";
export { constant, cosine, plateau, type Schedule, stepDecay, warmup } from "./train/schedules.ts";
export {
  makeOptimizer,
  makeSchedule,
  type OptimizerSpec,
  optimizerNames,
  type ScheduleSpec,
  scheduleNames,
  type TrainingSettings,
} from "./train/settings.ts";
export { type StepReport, Trainer, type TrainerOptions } from "./train/trainer.ts";
