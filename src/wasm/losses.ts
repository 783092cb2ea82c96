import { direct } from "./direct.ts";

/** The sums over rows, "cross-entropy-count" and "cross-entropy-mean", are as fast in their twins. */
export const lossNatives = {
  "cross-entropy": direct("crossEntropy", ["GRADIENT"]),
  "log-sum-exp": direct("logSumExp"),
  "pointwise-loss": direct("pointwiseLoss"),
};
