/** What is in a string by the rules that made-up strings follow: the networks are never told them. */
import { type MotifLabel, motifSequences, type ReadingFrameLabel } from "webgpu-rnn/tasks/data";

const stops = ["TAA", "TAG", "TGA"];
const motifLength = motifSequences.alpha.length;

/** The frame of each letter: from ATG three letters at a time to a stop, or to the end. */
export function framesByRule(sequence: string): ReadingFrameLabel[] {
  const labels: ReadingFrameLabel[] = [];
  for (let t = 0; t < sequence.length; ) {
    if (!sequence.startsWith("ATG", t)) {
      labels.push("outside");
      t++;
      continue;
    }
    for (let codon = ""; t < sequence.length && !stops.includes(codon); t += 3) {
      codon = sequence.slice(t, t + 3);
      labels.push(...(["1", "2", "3"] as const).slice(0, codon.length));
    }
  }
  return labels;
}

/** The first motif with at most one letter replaced. */
export function motifByRule(sequence: string): { readonly label: MotifLabel; readonly start: number } {
  for (let start = 0; start + motifLength <= sequence.length; start++)
    for (const [label, motif] of Object.entries(motifSequences) as [MotifLabel, string][])
      if ([...motif].filter((letter, i) => letter !== sequence[start + i]).length <= 1) return { label, start };
  return { label: "none", start: -1 };
}
