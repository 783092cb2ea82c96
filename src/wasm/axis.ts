import { direct } from "./direct.ts";
import type { Native } from "./native.ts";

/** Every number is put into its place among those found so far; where a whole axis is sorted, the twin's sort is faster. */
const MOST = 256;

const topK = direct("topK", ["SMALLEST"]);

/** "beam-step" has a few dozen candidates to put in order, and stays with its twin. */
export const axisNatives = {
  "beam-candidates": direct("beamCandidates"),
  gather: direct("gather"),
  "gather-backward": direct("gatherBackward"),
  "top-k": ((at, numbers, context) => (numbers.K! > MOST ? undefined : topK(at, numbers, context))) satisfies Native,
};
