import type { columnSums } from "./column-sums.ts";
import type { TwinOf } from "./kernel.ts";

const columnSumsTwin: TwinOf<typeof columnSums> = (
  { a, b, stats, to },
  { N, D, C, row, batch, factor, accumulate },
  { constants },
) => {
  for (let d = 0; d < D; d++) {
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let n = 0; n < N; n++) {
        const at = n * row + d * batch + c;
        const [mean, inverse] = constants.NORMALIZED ? [stats[2 * n]!, stats[2 * n + 1]!] : [0, 1];
        sum += a[at]! * (constants.TIMES || constants.NORMALIZED ? (b[at]! - mean) * inverse : 1);
      }
      to[d * C + c] = factor * sum + (accumulate ? to[d * C + c]! : 0);
    }
  }
};

/** The twins of the kernels in column-sums.ts, by their names. */
export const columnSumsTwins = {
  "column-sums": columnSumsTwin,
};
