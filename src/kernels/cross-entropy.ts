import type { Dispatch, Target, View } from "../plan/plan.ts";
import { defineKernel, dispatch, gridFor, i32, read, readWrite, u32 } from "./kernel.ts";

/** Counts the targets that are not ignored (at least 1). */
export const crossEntropyCount = defineKernel({
  name: "cross-entropy-count",
  bindings: [read("targets", "i32", "[N]"), readWrite("count", "f32", "[1]")],
  params: [...u32("N"), ...i32("ignoreIndex")],
  variants: [{}],
  twin({ targets, count }, { N, ignoreIndex }) {
    let n = 0;
    for (let i = 0; i < N; i++) if (targets[i] !== ignoreIndex) n++;
    count[0] = Math.max(n, 1);
  },
});

const NAN_BITS = 0x7fc00000;
const shared = { LANES: 64, ROWS: 1 };
const single = { LANES: 1, ROWS: 32 };

/** Loss of every row and, with GRADIENT, its gradient by the logits. */
export const crossEntropyRows = defineKernel({
  name: "cross-entropy",
  bindings: [
    read("logits", "f32", "[N,V]"),
    read("targets", "i32", "[N]"),
    read("count", "f32", "[1]"),
    readWrite("rowLoss", "f32", "[N]"),
    readWrite("gradient", "f32", "[N,V]"),
  ],
  params: [...u32("N", "V"), ...i32("ignoreIndex"), ...u32("nan")],
  variants: [shared, single].flatMap((size) => [true, false].map((GRADIENT) => ({ ...size, GRADIENT }))),
  twin({ logits, targets, count, rowLoss, gradient }, { N, V, ignoreIndex }, { constants }) {
    for (let n = 0; n < N; n++) {
      const row = logits.subarray(n * V, (n + 1) * V);
      const target = targets[n]!;
      const used = target !== ignoreIndex;
      let largest = -Infinity;
      for (const x of row) largest = Math.max(largest, x);
      let total = 0;
      for (const x of row) total += Math.exp(x - largest);
      const bad = row.some((x) => !Number.isFinite(x));
      rowLoss[n] = bad ? Number.NaN : used ? Math.log(total) + largest - row[target]! : 0;
      if (!constants.GRADIENT) continue;
      const scale = used ? 1 / count[0]! : 0;
      for (let v = 0; v < V; v++) {
        gradient[n * V + v] = (Math.exp(row[v]! - largest) / total - (v === target ? 1 : 0)) * scale;
      }
    }
  },
});

/** Mean loss over the targets that count. */
export const crossEntropyMean = defineKernel({
  name: "cross-entropy-mean",
  bindings: [read("rowLoss", "f32", "[N]"), read("count", "f32", "[1]"), readWrite("loss", "f32", "[1]")],
  params: u32("N"),
  variants: [{}],
  twin({ rowLoss, count, loss }, { N }) {
    let sum = 0;
    for (let n = 0; n < N; n++) sum += rowLoss[n]!;
    loss[0] = sum / count[0]!;
  },
});

/** The three commands of a mean cross-entropy; without `gradient` the loss only. */
export function meanCrossEntropy(
  target: Target,
  label: string,
  sizes: { readonly N: number; readonly V: number; readonly ignoreIndex: number },
  views: {
    logits: View;
    targets: View;
    count: View;
    rowLoss: View;
    loss: View;
    gradient: View | undefined;
    unused: View;
  },
): Dispatch[] {
  const { N, V, ignoreIndex } = sizes;
  const { logits, targets, count, rowLoss, loss, gradient } = views;
  const size = V > 256 && !target.software ? shared : single;
  return [
    dispatch(crossEntropyCount, {
      label: `${label} count`,
      views: { targets, count },
      params: { N, ignoreIndex },
      grid: [1, 1, 1],
    }),
    dispatch(crossEntropyRows, {
      label,
      views: { logits, targets, count, rowLoss, gradient: gradient ?? views.unused },
      params: { N, V, ignoreIndex, nan: NAN_BITS },
      constants: { ...size, GRADIENT: gradient !== undefined },
      grid: gridFor(N, size.ROWS, target.maxWorkgroups),
    }),
    dispatch(crossEntropyMean, {
      label: `${label} mean`,
      views: { rowLoss, count, loss },
      params: { N },
      grid: [1, 1, 1],
    }),
  ];
}
