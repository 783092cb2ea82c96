/** Made-up data, the same on every machine: for tests, lessons and first tries. Nothing of it was observed anywhere. */
export { type AmbiguousWord, ambiguousWords } from "./ambiguous.ts";
export { type DateInWords, datesInWords } from "./dates.ts";
export {
  type MotifLabel,
  type MotifOptions,
  type MotifRow,
  motifLabels,
  motifSequences,
  motifs,
  type ReadingFrameLabel,
  type ReadingFrameOptions,
  type ReadingFrameRow,
  readingFrameLabels,
  readingFrames,
} from "./dna.ts";
export type { DataOptions, Language, TextDataOptions } from "./draw.ts";
export {
  type AddingOptions,
  type AddingRow,
  addingProblem,
  type CopyMemoryOptions,
  type CopyRow,
  copyMemory,
  type PronounOptions,
  type PronounRow,
  pronounAtDistance,
} from "./memory.ts";
export {
  type NumberInWords,
  type NumbersInWordsOptions,
  numbersInWords,
  numberToWords,
  wordsToNumber,
} from "./numbers.ts";
export { type SentencePair, sentencePairs } from "./pairs.ts";
export { type Review, type ReviewLabel, reviewLabels, reviews } from "./reviews.ts";
export { type TaggedSentence, taggedSentences } from "./sentences.ts";
export { type SeasonalSeries, type SeasonalSeriesOptions, seasonalSeries } from "./series.ts";
export {
  type CaptionedShape,
  captionedShapes,
  type Motion,
  type MovingShape,
  type MovingShapeOptions,
  motionLabels,
  movingShapes,
  type ShapeOptions,
} from "./shapes.ts";
