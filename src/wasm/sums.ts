import { direct } from "./direct.ts";

/** "norm-finish" adds up no more than 64 numbers. */
export const sumNatives = {
  "column-sums": direct("columnSums", ["TIMES", "NORMALIZED"]),
  "norm-partial": direct("normPartial"),
};
