/// <reference lib="esnext.disposable" preserve="true" />
// The public face of webgpu-rnn: re-exports only.
export {
  type Activation,
  type ActivationName,
  type Activations,
  activationNames,
  type Cell,
  type CellGradient,
  type CellParameter,
  cellNames,
  defineCell,
  type FullCell,
  type IntermediateProduct,
  type Unit,
  type Values,
} from "./cells/index.ts";
export { CharModel, type CharModelCell, type CharModelOptions, charModelCells } from "./char-model/char-model.ts";
export { type CharText, type CharTextOptions, prepareText, textFingerprint } from "./char-model/char-text.ts";
export {
  type CharTraining,
  type Checkpoint,
  type CheckpointRuntime,
  checkSameText,
  loadModel,
  modelFile,
  type ResumeChanges,
  readCheckpoint,
  resumeTraining,
  saveCheckpoint,
  saveModel,
  startTraining,
} from "./char-model/checkpoint.ts";
export type { TrainingSettings } from "./char-model/settings.ts";
export type { AnyBatch, Batch, BatchPart } from "./data/batch.ts";
export {
  Batches,
  type BatchesOptions,
  batches,
  collate,
  type Fields,
  type TensorsOf,
} from "./data/batches.ts";
export type {
  Field,
  FieldSource,
  NumbersFieldOptions,
  NumbersValue,
  RecordOf,
  SequenceFieldOptions,
  SeriesFieldOptions,
  SeriesValue,
  TextValue,
  TokensFieldOptions,
  TokensValue,
} from "./data/fields.ts";
export * as field from "./data/fields.ts";
export {
  type Normalizable,
  Normalizer,
  type NormalizerJson,
  type NormalizerOptions,
  normalizer,
} from "./data/normalizer.ts";
export { type PaddingOptions, type PadSequencesOptions, padSequences, type TensorOf } from "./data/padding.ts";
export { type SplitFractions, type SplitOptions, type SplitParts, split } from "./data/split.ts";
export {
  type EncodeOptions,
  type SpecialToken,
  Vocabulary,
  type VocabularyJson,
  type VocabularyOptions,
} from "./data/vocabulary.ts";
export { Windows } from "./data/windows.ts";
export * from "./errors.ts";
export type { RealSteps } from "./graph/ops/mask.ts";
export { Tensor } from "./graph/tensor.ts";
export type { BeamSearchOptions, Hypothesis } from "./infer/beam-search.ts";
export type { GenerateBatchOptions, Generated, GeneratedBatch, GenerateOptions } from "./infer/generate.ts";
export type { Predicted } from "./infer/predictor.ts";
export type { InputSpecs, Program, ProgramOptions } from "./infer/program.ts";
export type { Session, SessionOptions } from "./infer/session.ts";
export type { SessionInput } from "./infer/session-trace.ts";
export { type CheckpointStore, checkpointStore } from "./io/checkpoint-store.ts";
export { readSafetensors, type Safetensors, writeSafetensors } from "./io/safetensors.ts";
export {
  type WeightLayout,
  type WeightLayoutCell,
  type WeightLayoutOptions,
  weightLayoutNames,
} from "./io/weight-formats.ts";
export { exportWeights, importWeights } from "./io/weight-layouts.ts";
export {
  AdditiveAttention,
  type AdditiveAttentionOptions,
  type Attended,
  Attention,
  type AttentionInputs,
  MultiplicativeAttention,
  type MultiplicativeAttentionOptions,
} from "./nn/attention.ts";
export {
  type ContrastiveOptions,
  type CosineOptions,
  contrastive,
  cosineLoss,
  type FocalOptions,
  focal,
  type KLDivOptions,
  klDiv,
  type PoissonNLLOptions,
  poissonNLL,
  type QuantileOptions,
  quantile,
} from "./nn/composed-losses.ts";
export { Conv1d, type Conv1dOptions } from "./nn/conv1d.ts";
export {
  Conv2d,
  type Conv2dOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  type ConvTransposeOptions,
} from "./nn/convolutions.ts";
export { type CrossEntropyOptions, crossEntropy } from "./nn/cross-entropy.ts";
export { type CTCLengths, type CTCLoss, type CTCOptions, ctc } from "./nn/ctc.ts";
export { Dropout, type DropoutOptions } from "./nn/dropout.ts";
export { Embedding, type EmbeddingOptions } from "./nn/embedding.ts";
export * as functional from "./nn/functional.ts";
export { GRU, type GRUOptions, type GRUState } from "./nn/gru.ts";
export { IndRNN, type IndRNNOptions, type IndRNNState } from "./nn/ind-rnn.ts";
export * as init from "./nn/init.ts";
export { LayerNorm, type LayerNormOptions } from "./nn/layer-norm.ts";
export { Linear, type LinearOptions } from "./nn/linear.ts";
export { addLosses, type Loss, type LossAndCount, type RealTargets, type Reduction } from "./nn/loss.ts";
export {
  type BCEWithLogitsOptions,
  bceWithLogits,
  type HuberOptions,
  huber,
  l1,
  mse,
  type PointwiseLossOptions,
  type SmoothL1Options,
  smoothL1,
} from "./nn/losses.ts";
export { LSTM, type LSTMOptions, type LSTMState } from "./nn/lstm.ts";
export { MGU, type MGUState } from "./nn/mgu.ts";
export { MinGRU } from "./nn/min-gru.ts";
export { MinLSTM } from "./nn/min-lstm.ts";
export { MinRecurrent, type MinRecurrentOptions, type MinState } from "./nn/min-recurrent.ts";
export { Module, Parameter, type ParameterPart, parameterCount } from "./nn/module.ts";
export { Recurrent, type RecurrentState } from "./nn/recurrent.ts";
export type { Merge, RecurrentOptions } from "./nn/recurrent-options.ts";
export { RNN, type RNNOptions, type RNNState } from "./nn/rnn.ts";
export { SLSTM, type SLSTMOptions, type SLSTMState } from "./nn/slstm.ts";
export { SRU, type SRUState } from "./nn/sru.ts";
export { type LayerStep, type OnStep, stepByStep } from "./nn/step-by-step.ts";
export type { StoredOptions } from "./nn/stored-weights.ts";
export { type Summary, type SummaryInput, type SummaryRow, summary } from "./nn/summary.ts";
export { countPlan, type PlanCounts } from "./plan/count-plan.ts";
export type { MemoryReport } from "./plan/memory-report.ts";
export type {
  BufferSpec,
  Clear,
  Command,
  Constants,
  Copy,
  Derivation,
  Dispatch,
  Plan,
  Role,
  Target,
  VariantChoice,
  View,
} from "./plan/plan.ts";
export type { PlanLimits } from "./plan/plan-budget.ts";
export { printPlan, showBytes } from "./plan/print-plan.ts";
export type { Bytes, Signal, WebGPUDevice } from "./platform-types.ts";
export { RandomStream } from "./random.ts";
export { Runtime, type RuntimeInfo, type RuntimeOptions } from "./runtime.ts";
export type { DType, NumberArray, Shape, StateDict, TensorData, WeightDType } from "./tensor-data.ts";
export { type CellCheck, type CheckCellOptions, checkCell } from "./testing/check-cell.ts";
export type { Ranges } from "./testing/differences.ts";
export type { AnyLoss, LossFunction } from "./train/any-loss.ts";
export type { BatchSource, EpochSource } from "./train/epochs.ts";
export type { Evaluation } from "./train/evaluate.ts";
export type { EpochReport, Fit, FitOptions, History } from "./train/fit.ts";
export {
  accuracy,
  type ClassMetricOptions,
  confusion,
  type F1Options,
  f1,
  type Measurement,
  type Metric,
  type MetricFunction,
  type MetricResults,
  type MetricState,
  type Metrics,
  mae,
  perplexity,
  rmse,
  topK,
} from "./train/metrics.ts";
export {
  type AdadeltaOptions,
  type AdagradOptions,
  adadelta,
  adagrad,
  type FtrlOptions,
  ftrl,
  type RMSpropOptions,
  rmsprop,
} from "./train/optimizers/adagrad.ts";
export {
  type AdamaxOptions,
  type AdamOptions,
  adam,
  adamax,
  adamW,
  type LionOptions,
  lion,
  type NAdamOptions,
  nadam,
  type RAdamOptions,
  radam,
} from "./train/optimizers/adam.ts";
export {
  type ASGDOptions,
  asgd,
  type RpropOptions,
  rprop,
  type SGDOptions,
  sgd,
} from "./train/optimizers/sgd.ts";
export type { Optimizer } from "./train/optimizers.ts";
export type { ParameterGroup } from "./train/parameter-groups.ts";
export { constant, cosine, plateau, type Schedule, stepDecay, warmup } from "./train/schedules.ts";
export {
  makeOptimizer,
  makeSchedule,
  type OptimizerSpec,
  optimizerNames,
  type ScheduleSpec,
  scheduleNames,
} from "./train/specs.ts";
export type { AppliedReport, Gradients, StepReport } from "./train/step-report.ts";
export { Trainer } from "./train/trainer.ts";
export type { TrainerOptions } from "./train/trainer-options.ts";
export {
  loadTraining,
  makeTraining,
  readTraining,
  type SavedTraining,
  saveTraining,
  type Training,
  type TrainingRuntime,
  type TrainingSpec,
} from "./train/training-file.ts";
export type { Times } from "./tuning/time-in-turns.ts";
export type { Tuned, TunedCandidate, TunedQuestion, TuneOptions, TuningProgress } from "./tuning/tune-options.ts";
export type { TuningInUse, TuningTable } from "./tuning/tuning-table.ts";
