/** Makes a text and a model fit each other. */
import type { CharModelOptions, TrainingSettings, Vocabulary } from "../src/index.ts";
import type { Settings } from "./messages.ts";

interface Cut {
  readonly window: number;
  readonly batch: number;
  readonly validationFraction: number;
}

/** How many rows of one window a text has to train on, at most `batch`; at least one, for which it may be too short. */
export function fitBatch(text: string, { window, batch, validationFraction }: Cut): number {
  const { length } = [...text];
  const trainedOn = length - Math.floor(length * validationFraction);
  return Math.max(1, Math.min(batch, Math.floor((trainedOn - 1) / window)));
}

/** Whether a text is long enough for all the rows that a training was begun with. */
export function hasRows(text: string, cut: Cut): boolean {
  const { length } = [...text];
  const trainedOn = length - Math.floor(length * cut.validationFraction);
  return (trainedOn - 1) / cut.window >= cut.batch;
}

/** The characters of a text that a vocabulary has, and how many it has not. */
export function onlyKnown(text: string, vocabulary: Vocabulary): { known: string; skipped: number } {
  const characters = new Set(vocabulary.symbols);
  let known = "";
  let skipped = 0;
  for (const character of text) {
    if (characters.has(character)) known += character;
    else skipped++;
  }
  return { known, skipped };
}

/** The page's settings that a model was made with. */
export function settingsOf(options: Required<CharModelOptions>, training?: TrainingSettings): Settings {
  const { cell, hiddenSize, numLayers, embeddingDim } = options;
  return {
    cell,
    hiddenSize,
    numLayers,
    embeddingDim,
    window: training?.window ?? 0,
    batch: training?.batch ?? 0,
    learningRate: (training?.optimizer as { lr?: number } | undefined)?.lr ?? 0,
    clipNorm: training?.clipNorm ?? 0,
    steps: training?.steps ?? 0,
  };
}
