import type { cumulativeSum, gather, gatherBackward, topK } from "./axis.ts";
import type { TwinOf } from "./kernel.ts";

/** Whether number p at place i goes before number q at place j. */
function isBefore(p: number, i: number, q: number, j: number, smallest: boolean): boolean {
  if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) && (!Number.isNaN(q) || i < j);
  if (p === q) return i < j;
  return smallest ? p < q : p > q;
}

const topKTwin: TwinOf<typeof topK> = ({ x, y, index }, { A, R, C, K }, { constants: { SMALLEST } }) => {
  for (let a = 0; a < A; a++) {
    for (let c = 0; c < C; c++) {
      const of = (r: number) => x[(a * R + r) * C + c]!;
      const order = Array.from({ length: R }, (_, r) => r);
      order.sort((r, s) => (isBefore(of(r), r, of(s), s, SMALLEST === true) ? -1 : 1));
      for (let k = 0; k < K; k++) {
        y[(a * K + k) * C + c] = of(order[k]!);
        index[(a * K + k) * C + c] = order[k]!;
      }
    }
  }
};

const gatherTwin: TwinOf<typeof gather> = ({ x, index, y }, { A, R, C, K }) => {
  for (let i = 0; i < A * K * C; i++) {
    const a = Math.floor(i / (K * C));
    const r = index[i]!;
    const missing = y instanceof Int32Array ? 0x7fc00000 : Number.NaN;
    y[i] = r >= 0 && r < R ? x[(a * R + r) * C + (i % C)]! : missing;
  }
};

const gatherBackwardTwin: TwinOf<typeof gatherBackward> = (
  { index, outputGradient, gradient },
  { A, R, C, K, accumulate },
) => {
  if (!accumulate) gradient.fill(0, 0, A * R * C);
  for (let i = 0; i < A * K * C; i++) {
    const a = Math.floor(i / (K * C));
    const r = index[i]!;
    if (r >= 0 && r < R) gradient[(a * R + r) * C + (i % C)]! += outputGradient[i]!;
  }
};

const cumulativeSumTwin: TwinOf<typeof cumulativeSum> = ({ x, y }, { A, R, C, reverse, accumulate }) => {
  for (let a = 0; a < A; a++) {
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let s = 0; s < R; s++) {
        const at = (a * R + (reverse ? R - 1 - s : s)) * C + c;
        sum += x[at]!;
        y[at] = sum + (accumulate ? y[at]! : 0);
      }
    }
  }
};

/** The twins of the kernels in axis.ts, by their names. */
export const axisTwins = {
  "top-k": topKTwin,
  gather: gatherTwin,
  "gather-backward": gatherBackwardTwin,
  "cumulative-sum": cumulativeSumTwin,
};
