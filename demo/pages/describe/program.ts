/** A captioner of made-up pictures of one shape, and how it writes about a picture. */
import type { Runtime } from "webgpu-rnn";
import { Captioner } from "webgpu-rnn/tasks";
import { captionedShapes, type Language } from "webgpu-rnn/tasks/data";

/** Rows and columns of a picture. */
const size = 16;

interface Settings {
  readonly language: Language;
  readonly seed: number;
}

/** Grey pictures with their captions. */
export const pictures = ({ language, seed }: Settings, count: number) =>
  captionedShapes({ count, language, seed, size }).map(({ image, caption }) => ({ image, caption }));

/** Trains on 2000 pictures, each grey and in black and white, as a reader draws. */
export function train(runtime: Runtime, settings: Settings) {
  const rows = pictures(settings, 2000).flatMap(({ image, caption }) => [
    { image, caption },
    { image: image.map(Math.round), caption },
  ]);
  return Captioner.fit(runtime, rows, {
    cell: "gru",
    unit: "words",
    hiddenSize: 64,
    embeddingDim: 24,
    dropout: 0,
    epochs: 7,
    batch: 64,
    optimizer: { name: "adam", lr: 0.01 },
    seed: settings.seed,
  });
}

const MOST_WORDS = 12;

/** The caption of a picture, word by word: each with its probability after those before it. */
export async function describe(captioner: Captioner, image: readonly number[]) {
  const words: { word: string; probability: number }[] = [];
  let before = 0;
  while (words.length < MOST_WORDS) {
    const { targetUnits, logProbability } = await captioner.caption(image, { length: words.length + 1 });
    if (targetUnits.length === words.length) break;
    words.push({ word: targetUnits.at(-1)!, probability: Math.exp(logProbability - before) });
    before = logProbability;
  }
  return words;
}

interface Wish {
  readonly image: readonly number[];
  readonly temperature: number;
  readonly seed: number;
}

/** Captions that are sampled, each word by its probability. */
export const sample = (captioner: Captioner, { image, temperature, seed }: Wish) =>
  captioner.caption(image, { samples: 12, temperature, seed, length: MOST_WORDS });
