import { direct } from "./direct.ts";

/** scan-chunks has none: the scheduler takes scans in one pass here. */
export const sequenceNatives = {
  "additive-scores": direct("additiveScores"),
  "additive-scores-backward": direct("additiveScoresBackward", ["BY_V"]),
  blend: direct("blend"),
  "cumulative-sum": direct("cumulativeSum"),
  dropout: direct("dropout"),
  pool: direct("pool", ["MEAN", "MAX"]),
  "pool-backward": direct("poolBackward", ["MEAN"]),
  "scan-backward": direct("scanBackward"),
  "scan-forward": direct("scanForward"),
  "scan-gates": direct("scanGates", ["PAIR"]),
  "scan-gates-backward": direct("scanGatesBackward", ["PAIR"]),
  windows: direct("windows"),
  "windows-backward": direct("windowsBackward"),
};
