/** How near texts that a model wrote are to those that it should have written. */
export interface TextScores {
  /** The share of rows whose text is right to the last character. */
  readonly exact: number;
  /** Edits (insertions, deletions, substitutions of characters) to make them right, by the number of characters of the right ones. */
  readonly characterErrorRate: number;
  /** Corpus BLEU-4, from 0 to 1, see {@link bleu}. */
  readonly bleu: number;
}

/**
 * The fewest insertions, deletions and substitutions that make one sequence of the other (Levenshtein, "Binary codes capable of
 * correcting deletions, insertions, and reversals", Soviet Physics Doklady 10, 1966).
 */
export function editDistance(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  /** Of what was read of a so far, to each beginning of b. */
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}

/** How often a sequence has each n-gram. */
function ngrams(units: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= units.length; i++) {
    const key = JSON.stringify(units.slice(i, i + n));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

const MOST_UNITS = 4;

/**
 * Corpus BLEU with one reference for each text (Papineni, Roukos, Ward and Zhu, "BLEU: a Method for Automatic Evaluation of Machine
 * Translation", ACL 2002): the geometric mean of the shares p_n of n-grams that the reference has too, n from 1 to 4, each counted
 * at most as often as there, times the brevity penalty: e^(1 - r/c) where the c units written are fewer than the r of the
 * references. Counts are those of all texts together. No smoothing. Orders that no written text is long enough for are left out.
 * @param written units (words or characters) of each text @param references as many
 * @returns from 0 to 1
 */
export function bleu(written: readonly (readonly string[])[], references: readonly (readonly string[])[]): number {
  const lengthOf = (texts: readonly (readonly string[])[]) => texts.reduce((sum, { length }) => sum + length, 0);
  const [c, r] = [lengthOf(written), lengthOf(references)];
  const logarithms: number[] = [];
  for (let n = 1; n <= MOST_UNITS; n++) {
    let [hits, all] = [0, 0];
    for (const [i, units] of written.entries()) {
      const known = ngrams(references[i]!, n);
      for (const [key, count] of ngrams(units, n)) {
        hits += Math.min(count, known.get(key) ?? 0);
        all += count;
      }
    }
    if (all > 0) logarithms.push(Math.log(hits / all));
  }
  if (logarithms.length === 0) return 0;
  const mean = logarithms.reduce((a, b) => a + b, 0) / logarithms.length;
  return Math.exp(mean + Math.min(0, 1 - r / c));
}

/** @param unitsOf what BLEU counts in a text */
export function textScores(
  written: readonly string[],
  references: readonly string[],
  unitsOf: (text: string) => readonly string[],
): TextScores {
  const characters = references.map((text) => [...text]);
  const edits = characters.reduce((sum, right, i) => sum + editDistance([...written[i]!], right), 0);
  return {
    exact: references.filter((text, i) => text === written[i]).length / references.length,
    characterErrorRate: edits / characters.reduce((sum, { length }) => sum + length, 0),
    bleu: bleu(written.map(unitsOf), references.map(unitsOf)),
  };
}
