// The public face of webgpu-rnn/tasks: re-exports only.
export { areaUnderCurve } from "./area-under-curve.ts";
export type { SequenceAutoencoderOptions } from "./autoencoder-setting.ts";
export type { BacktestReport, ForecastMethod, Interval, MethodScores } from "./backtest.ts";
export { type Captioned, Captioner, type CaptionerOptions, type Vector } from "./captioner.ts";
export type { ClassReport } from "./class-report.ts";
export type { ClassifierOptions } from "./classifier.ts";
export { type Pooling, poolings } from "./classifier-model.ts";
export type { Decoded } from "./coded-column.ts";
export {
  type ColumnKind,
  type ColumnKinds,
  type ColumnOptions,
  columnKinds,
  guessColumns,
  type TaskRow,
} from "./columns.ts";
export { type AttentionKind, attentions } from "./decoder.ts";
export { FeedForward, type FeedForwardOptions } from "./feed-forward.ts";
export type { ForecastOptions } from "./forecast-setting.ts";
export {
  type BacktestOptions,
  type Forecast,
  type ForecastAhead,
  Forecaster,
  type ForecasterOptions,
} from "./forecaster.ts";
export { gates, type LayerGates } from "./gates.ts";
export {
  type GradientFlow,
  type GradientFlowOptions,
  gradientFlow,
  type LayerFlow,
  spectralNorm,
} from "./gradient-flow.ts";
export { type Conditioning, conditionings } from "./image-reader.ts";
export type { ClassWeights } from "./labels.ts";
export type { CompleteOptions, Completions } from "./language-completion.ts";
export {
  LanguageModel,
  type TextProbability,
  type TextReport,
  type TextStates,
  type WriteOptions,
} from "./language-model.ts";
export type { LanguageModelOptions } from "./language-options.ts";
export type { GateValues, LayerValues } from "./layer-steps.ts";
export { NGramClassifier, type NGramClassifierOptions, type NGramPrediction } from "./ngram-classifier.ts";
export { type NGramGenerateOptions, NGramModel, type NGramProbability, type NGramSparsity } from "./ngram-model.ts";
export type { NGramOptions, NGramSmoothing } from "./ngram-options.ts";
export type { NGramText } from "./ngram-text.ts";
export { type RecurrentOptionsOfTask, taskCells } from "./recurrent-layer.ts";
export type { Classified } from "./row-classifier.ts";
export type { SampleOptions, SearchOptions } from "./search.ts";
export {
  type AutoencoderReport,
  type DecodeOptions,
  SequenceAutoencoder,
} from "./sequence-autoencoder.ts";
export { SequenceClassifier, type SequenceClassifierOptions } from "./sequence-classifier.ts";
export {
  SequenceTagger,
  type SequenceTaggerOptions,
  type Tagged,
  type TaggerReport,
} from "./sequence-tagger.ts";
export type { LossOptions } from "./state-gradients.ts";
export type { StepInfluence } from "./step-influence.ts";
export type { TaggedStep, TagStream } from "./tag-stream.ts";
export { kindOfFile, type LearningOptions, type Task, type TaskFitOptions } from "./task.ts";
export type { Progress, TaskFit, Validation } from "./task-fit.ts";
export type { TeacherForcing } from "./teacher-forcing.ts";
export { bleu, editDistance, type TextScores } from "./text-scores.ts";
export { type TextUnit, textOf, textUnits, unitsOf } from "./text-units.ts";
export type { TextWriter, WriterReport, Written } from "./text-writer.ts";
export type { Missing, SeriesColumns, SeriesRoles } from "./time-series.ts";
export { type Translated, Translator, type TranslatorOptions } from "./translator.ts";
export { type StatefulModel, type TruncatedBPTTOptions, truncatedBPTT } from "./truncated-bptt.ts";
export { type GradientPath, type Unrolled, type UnrolledLayer, type UnrollOptions, unroll } from "./unroll.ts";
