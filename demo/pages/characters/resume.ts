/** A model from a file, and the page's text for it. */
import {
  type CharModel,
  type CharText,
  type CharTraining,
  type Checkpoint,
  loadModel,
  prepareText,
  type Runtime,
  readCheckpoint,
  resumeTraining,
  type TrainingSettings,
  type Vocabulary,
} from "webgpu-rnn";
import type { Network } from "./program.ts";

/** What a model of a file was made and trained with; what the file does not say is left out. */
export function networkOf({ config, progress }: Checkpoint): Partial<Network> {
  const { cell, hiddenSize: units, numLayers: layers, embeddingDim: embedding } = config;
  const {
    window,
    batch,
    clipNorm: clip = 0,
    optimizer,
    seed,
  } = progress?.training ?? ({} as Partial<TrainingSettings>);
  const { lr: rate } = (optimizer ?? {}) as { lr?: number };
  const known = { cell, units, layers, embedding, window, batch, rate, seed, ...(progress && { clip }) };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}

/** The characters of a text that a vocabulary has, and how many it has not. */
export function onlyKnown(text: string, vocabulary: Vocabulary): { known: string; skipped: number } {
  const symbols = new Set(vocabulary.symbols);
  const all = [...text];
  const known = all.filter((character) => symbols.has(character));
  return { known: known.join(""), skipped: all.length - known.length };
}

/** Rows of one window that a text has to train on, beside the part that is kept apart. */
export function rowsOf(text: string, window: number, validationFraction: number): number {
  const { length } = [...text];
  return Math.floor((length - Math.floor(length * validationFraction) - 1) / window);
}

/** A model, which learns where its file has what that needs and the text is long enough; else it can write. */
export interface Resumed {
  readonly model: CharModel;
  readonly vocabulary: Vocabulary;
  readonly whole: string;
  /** Steps that the file's training had done. */
  readonly step: number;
  /** Characters of the text that it does not know. */
  readonly skipped: number;
  readonly learns?: { readonly training: CharTraining; readonly text: CharText };
}

/** @param rate in place of the file's */
export function resume(runtime: Runtime, bytes: Uint8Array, name: string, whole: string, rate?: number): Resumed {
  const checkpoint = readCheckpoint(bytes, name);
  const { vocabulary, progress } = checkpoint;
  const { known, skipped } = onlyKnown(whole, vocabulary);
  const settings = progress?.training;
  const step = progress?.step ?? 0;
  if (!settings || rowsOf(known, settings.window, settings.validationFraction) < settings.batch)
    return { ...loadModel(runtime, checkpoint), whole, step, skipped };
  const { window, batch, validationFraction } = settings;
  const text = prepareText(known, { window, batch, validationFraction, vocabulary });
  // The text may be another one; a file that is saved from here on names this one.
  const changed = { ...checkpoint, progress: { ...progress, training: { ...settings, text: text.fingerprint } } };
  const training = resumeTraining(runtime, changed, rate === undefined ? {} : { lr: rate });
  return { model: training.model, vocabulary, whole, step, skipped, learns: { training, text } };
}
