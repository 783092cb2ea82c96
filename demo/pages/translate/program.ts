/** A translator of made-up texts, and how it searches for the likeliest translation. */
import type { Runtime } from "webgpu-rnn";
import { Translator } from "webgpu-rnn/tasks";
import { datesInWords, type Language, numbersInWords, sentencePairs } from "webgpu-rnn/tasks/data";

export type Lesson = "sentences" | "dates" | "digitsToDates" | "numbers" | "digitsToNumbers";

interface Settings {
  readonly lesson: Lesson;
  /** Of the words; sentences are translated from it into the other one. */
  readonly language: Language;
  readonly seed: number;
}

/** Texts and their translations. */
export function pairs({ lesson, language, seed }: Settings, count: number) {
  if (lesson === "sentences") return sentencePairs({ count, language, seed });
  const rows = lesson.toLowerCase().endsWith("dates")
    ? datesInWords({ count, language, seed }).map(({ words, iso }) => ({ words, digits: iso }))
    : numbersInWords({ count, language, seed, max: 99_999 });
  return rows.map(({ words, digits }) =>
    // Without hyphens, words can be put together again with spaces alone.
    lesson.startsWith("digits")
      ? { source: digits, target: words.replaceAll("-", " ") }
      : { source: words, target: digits },
  );
}

/** An encoder of both directions, and a decoder that looks back at it by attention. */
export function train(runtime: Runtime, settings: Settings) {
  const { lesson, language, seed } = settings;
  const unitIf = (hasWords: boolean) =>
    lesson === "sentences" || (hasWords && language === "en") ? "words" : "characters";
  return Translator.fit(runtime, pairs(settings, 1500), {
    sourceUnit: unitIf(lesson === "numbers"),
    targetUnit: unitIf(lesson === "digitsToNumbers"),
    cell: "gru",
    attention: "additive",
    hiddenSize: 48,
    embeddingDim: 24,
    epochs: lesson === "sentences" || lesson === "dates" ? 6 : 15,
    optimizer: { name: "adam", lr: 0.01 },
    seed,
  });
}

const MOST_UNITS = 40;

/** The likeliest translation, and the hypotheses that a beam search kept at each step, the best first. */
export async function search(translator: Translator, { text, beam }: { readonly text: string; readonly beam: number }) {
  const steps = [];
  for (let length = 1; ; length++) {
    const best = await translator.translate(text, { beam, nBest: beam, length });
    const kept = [best, ...(best.alternatives ?? [])].map(({ targetUnits: units, logProbability }) => {
      const hasEnded = units.length < length;
      return { units, hasEnded, score: logProbability / (units.length + (hasEnded ? 1 : 0)) };
    });
    steps.push(kept);
    if (length === MOST_UNITS || kept.every(({ hasEnded }) => hasEnded)) return { ...best, steps };
  }
}
