import type { TwinOf } from "./kernel.ts";
import type { holdRows, maskRows, sequenceMask } from "./mask.ts";

const sequenceMaskTwin: TwinOf<typeof sequenceMask> = (
  { lengths, given, mask },
  { T, B, hasLengths, hasGiven, givenT, givenB },
) => {
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      const before = !hasLengths || t < lengths[b]!;
      const unmasked = !hasGiven || given[t * givenT + b * givenB] !== 0;
      mask[t * B + b] = before && unmasked ? 1 : 0;
    }
  }
};

const maskRowsTwin: TwinOf<typeof maskRows> = ({ x, mask, y }, { N, C, accumulate }) => {
  for (let i = 0; i < N * C; i++) {
    y[i] = (mask[Math.floor(i / C)] ? x[i]! : 0) + (accumulate ? y[i]! : 0);
  }
};

const holdRowsTwin: TwinOf<typeof holdRows> = ({ x, old, steps, y }, { N, B, C }) => {
  for (let i = 0; i < N * B * C; i++) y[i] = (steps[Math.floor(i / C) % B] ? x : old)[i]!;
};

/** The twins of the kernels in mask.ts, by their names. */
export const maskTwins = {
  "sequence-mask": sequenceMaskTwin,
  "mask-rows": maskRowsTwin,
  "hold-rows": holdRowsTwin,
};
