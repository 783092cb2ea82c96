// The public face of webgpu-rnn/tasks: re-exports only.
export { areaUnderCurve } from "./autoencode/area-under-curve.ts";
export type { SequenceAutoencoderOptions } from "./autoencode/autoencoder-setting.ts";
export type { Decoded } from "./autoencode/coded-column.ts";
export {
  type AutoencoderReport,
  type DecodeOptions,
  SequenceAutoencoder,
} from "./autoencode/sequence-autoencoder.ts";
export type { ClassReport } from "./classify/class-report.ts";
export type { ClassifierOptions } from "./classify/classifier.ts";
export { type Pooling, poolings } from "./classify/classifier-model.ts";
export { FeedForward, type FeedForwardOptions } from "./classify/feed-forward.ts";
export type { ClassWeights } from "./classify/labels.ts";
export type { Classified } from "./classify/row-classifier.ts";
export { SequenceClassifier, type SequenceClassifierOptions } from "./classify/sequence-classifier.ts";
export {
  SequenceTagger,
  type SequenceTaggerOptions,
  type Tagged,
  type TaggerReport,
} from "./classify/sequence-tagger.ts";
export type { StepInfluence } from "./classify/step-influence.ts";
export type { TaggedStep, TagStream } from "./classify/tag-stream.ts";
export {
  type ColumnKind,
  type ColumnKinds,
  type ColumnOptions,
  columnKinds,
  guessColumns,
  type PartOptions,
  type TaskRow,
} from "./columns.ts";
export type { BacktestReport, ForecastMethod, Interval, MethodScores } from "./forecast/backtest.ts";
export type { ForecastOptions } from "./forecast/forecast-setting.ts";
export {
  type BacktestOptions,
  type Forecast,
  type ForecastAhead,
  Forecaster,
  type ForecasterOptions,
} from "./forecast/forecaster.ts";
export type { Missing, SeriesColumns, SeriesRoles } from "./forecast/time-series.ts";
export { gates, type LayerGates } from "./inside/gates.ts";
export {
  type GradientFlow,
  type GradientFlowOptions,
  gradientFlow,
  type LayerFlow,
  spectralNorm,
} from "./inside/gradient-flow.ts";
export type { GateValues, LayerValues } from "./inside/layer-steps.ts";
export type { LossOptions } from "./inside/state-gradients.ts";
export { type StatefulModel, type TruncatedBPTTOptions, truncatedBPTT } from "./inside/truncated-bptt.ts";
export { type GradientPath, type Unrolled, type UnrolledLayer, type UnrollOptions, unroll } from "./inside/unroll.ts";
export type { CompleteOptions, Completions } from "./language/language-completion.ts";
export {
  LanguageModel,
  type TextProbability,
  type TextReport,
  type TextStates,
  type WriteOptions,
} from "./language/language-model.ts";
export type { LanguageModelOptions } from "./language/language-options.ts";
export { NGramClassifier, type NGramClassifierOptions, type NGramPrediction } from "./ngram/ngram-classifier.ts";
export {
  type NGramGenerateOptions,
  NGramModel,
  type NGramProbability,
  type NGramSparsity,
} from "./ngram/ngram-model.ts";
export { type NGramOptions, type NGramSmoothing, ngramSmoothings } from "./ngram/ngram-options.ts";
export type { NGramText } from "./ngram/ngram-text.ts";
export { type RecurrentOptionsOfTask, taskCells } from "./recurrent-layer.ts";
export { kindOfFile, type LearningOptions, type Task, type TaskFitOptions } from "./task.ts";
export type { Progress, TaskFit, Validation } from "./task-fit.ts";
export { type TextUnit, textOf, textUnits, unitsOf } from "./text-units.ts";
export { type Captioned, Captioner, type CaptionerOptions, type Vector } from "./write/captioner.ts";
export { type AttentionKind, attentions } from "./write/decoder.ts";
export { type Conditioning, conditionings } from "./write/image-reader.ts";
export type { SampleOptions, SearchOptions } from "./write/search.ts";
export type { TeacherForcing } from "./write/teacher-forcing.ts";
export { bleu, editDistance, type TextScores } from "./write/text-scores.ts";
export type { TextWriter, WriterReport, Written } from "./write/text-writer.ts";
export { type Translated, Translator, type TranslatorOptions } from "./write/translator.ts";
