/** Strings to read: made up, typed or changed. */
import { motifSequences, motifs, readingFrames } from "webgpu-rnn/tasks/data";
import { framesByRule, motifByRule } from "./rule.ts";

/** Letters that are read at most. */
export const MOST = 60;

/** A string with a reading frame and the motif beta. */
export const example: string = "GCTAATGGCACGTTCCGATTAACGTCGGCATTGCCATTCACTC";

/** What is read of a text: the letters of DNA; U of RNA stands for T. */
export const lettersOf = (text: string): string =>
  text
    .toUpperCase()
    .replaceAll("U", "T")
    .replace(/[^ACGT]/g, "")
    .slice(0, MOST);

/** A string with a reading frame, and perhaps a motif after that. */
export function madeUpString(seed: number): string {
  const framed = readingFrames({ count: 40, length: 26, seed }).find(({ labels }) => labels.includes("1"))!;
  const planted = motifs({ count: 4, length: 18, seed })[seed % 4]!;
  return framed.sequence + planted.sequence;
}

/** Puts a motif where another one is, else near the end. */
export function withMotif(sequence: string, label: keyof typeof motifSequences): string {
  const motif = motifSequences[label];
  const known = motifByRule(sequence).start;
  const start = known < 0 ? Math.max(0, sequence.length - motif.length - 5) : known;
  return lettersOf(sequence.slice(0, start) + motif + sequence.slice(start + motif.length));
}

/** A letter more after the first codon of the first frame: all codons after it are read elsewhere. */
export function withShift(sequence: string): string {
  const start = framesByRule(sequence).indexOf("1");
  const at = start < 0 ? 0 : start + 3;
  return lettersOf(`${sequence.slice(0, at)}C${sequence.slice(at)}`);
}
