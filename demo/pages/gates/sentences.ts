/** Made-up sentences about one person: who was it, he or she? */
import { Vocabulary } from "webgpu-rnn";
import { type Language, pronounAtDistance } from "webgpu-rnn/tasks/data";
import type { Row } from "./program.ts";

export const labelsOf = { en: ["he", "she"], ko: ["그는", "그녀는"] } as const;

/** How many words stand between the person and the question in training. */
const distances = [6, 12, 18, 24];
const batchSize = 16;
export const testDistance = 12;

/** "Anna" is one word and "my father" two: a full stop before Anna makes rows of a distance equally long. */
const even = (words: readonly string[], distance: number) => [".", ...words].slice(-distance - 3);

export function rowsAt(language: Language, distance: number, count: number, seed: number): Row[] {
  const labels: readonly string[] = labelsOf[language];
  return pronounAtDistance({ language, distance, count, seed }).map(({ words, label }) => ({
    words: even(words, distance),
    label: labels.indexOf(label),
  }));
}

export function* batchesOf(language: Language, count: number, seed: number): Generator<Row[]> {
  for (let b = 1; b <= count; b++)
    yield rowsAt(language, distances[b % distances.length]!, batchSize, seed * 10_000 + b);
}

/** The persons of the sentences, those that are he first. */
export function personsOf(language: Language): string[] {
  const [first] = labelsOf[language];
  const rows = pronounAtDistance({ language, distance: 0, count: 400 });
  const found = new Map(rows.map(({ words, label }) => [words.slice(0, -1).join(" "), label === first]));
  return [...found]
    .sort(([a, isHe], [b, isHeToo]) => Number(isHeToo) - Number(isHe) || (a < b ? -1 : 1))
    .map(([name]) => name);
}

export const vocabularyOf = (language: Language): Vocabulary =>
  Vocabulary.fromTexts(
    pronounAtDistance({ language, distance: 30, count: 1000 }).map(({ words }) => [".", ...words]),
    { special: [] },
  );

/** A sentence about a person that the reader chose. */
export function sentenceAbout(language: Language, person: string, distance: number): string[] {
  const [row] = pronounAtDistance({ language, distance, count: 1, seed: 7 });
  return even([...person.split(" "), ...row!.words.slice(-distance - 1)], distance);
}
