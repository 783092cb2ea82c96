import type { columnGather } from "./column-gather.ts";
import type { TwinOf } from "./kernel.ts";

const columnGatherTwin: TwinOf<typeof columnGather> = (
  { tokens, weight, bias, y },
  { N, D, M, V, row, batch, hasBias },
) => {
  for (let n = 0; n < N; n++) {
    const v = tokens[n]!;
    for (let d = 0; d < D; d++) {
      for (let m = 0; m < M; m++) {
        const column = v >= 0 && v < V ? weight[(d * M + m) * V + v]! : Number.NaN;
        y[n * row + d * batch + m] = column + (hasBias ? bias[d * M + m]! : 0);
      }
    }
  }
};

/** The twins of the kernels in column-gather.ts, by their names. */
export const columnGatherTwins = {
  "column-gather": columnGatherTwin,
};
