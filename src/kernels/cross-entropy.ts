import type { Dispatch, Target, View } from "../plan/plan.ts";
import { crossEntropyWgsl } from "../shaders/cross-entropy.generated.ts";
import { chooseVariant, variantsOf } from "./choose-variant.ts";
import { defineKernel, dispatch, f32, gridFor, i32, NAN_BITS, read, readWrite, u32 } from "./kernel.ts";

/** Loss of every row and, with GRADIENT, its gradient by the logits. */
export const crossEntropyRows = defineKernel({
  shader: crossEntropyWgsl,
  bindings: [
    read("logits", "f32", "[N,V]"),
    read("targets", "i32", "[N]"),
    read("weight", "f32", "[V]"),
    read("mask", "i32", "[N]"),
    read("count", "f32", "[1]"),
    readWrite("rowLoss", "f32", "[N]"),
    readWrite("gradient", "f32", "[N,V]"),
  ],
  params: [...u32("N", "V"), ...i32("ignoreIndex"), ...u32("hasWeight", "hasMask", "nan"), ...f32("smoothing")],
  variants: variantsOf("cross-entropy").flatMap((size) => [true, false].map((GRADIENT) => ({ ...size, GRADIENT }))),
  twin({ logits, targets, weight, mask, count, rowLoss, gradient }, params, { constants }) {
    const { N, V, ignoreIndex, hasWeight, hasMask, smoothing } = params;
    const weightOf = (v: number) => (hasWeight ? weight[v]! : 1);
    for (let n = 0; n < N; n++) {
      const row = logits.subarray(n * V, (n + 1) * V);
      const target = targets[n]!;
      const used = target !== ignoreIndex && !(hasMask && mask[n] === 0);
      let largest = -Infinity;
      for (const x of row) largest = Math.max(largest, x);
      let total = 0;
      for (const x of row) total += Math.exp(x - largest);
      const logTotal = Math.log(total) + largest;
      const goal = (v: number) =>
        (v === target ? (1 - smoothing) * weightOf(v) : 0) + (smoothing / V) * (smoothing ? weightOf(v) : 0);
      let loss = 0;
      let goals = 0;
      for (let v = 0; v < V; v++) {
        loss += goal(v) && goal(v) * (logTotal - row[v]!);
        goals += goal(v);
      }
      const bad = row.some((x) => !Number.isFinite(x)) || (used && !(target >= 0 && target < V));
      rowLoss[n] = bad ? Number.NaN : used ? loss : 0;
      if (!constants.GRADIENT) continue;
      for (let v = 0; v < V; v++) {
        const p = Math.exp(row[v]! - largest) / total;
        gradient[n * V + v] = used ? (goals * p - goal(v)) / (count[0] || 1) : 0;
      }
    }
  },
});

/** Cross-entropy of every row; without `gradient` the loss only. */
export function crossEntropyOfRows(
  target: Target,
  label: string,
  sizes: { readonly N: number; readonly V: number; readonly ignoreIndex: number; readonly smoothing: number },
  views: {
    logits: View;
    targets: View;
    weight: View | undefined;
    mask: View | undefined;
    count: View;
    rowLoss: View;
    gradient: View | undefined;
    unused: View;
  },
): Dispatch {
  const { weight, mask, gradient, unused, ...given } = views;
  const size = chooseVariant(target, "cross-entropy", { rows: sizes.N, length: sizes.V });
  return dispatch(crossEntropyRows, {
    label,
    // What is not given is not read; something of its type must be bound all the same.
    views: { ...given, weight: weight ?? given.logits, mask: mask ?? given.targets, gradient: gradient ?? unused },
    params: { ...sizes, hasWeight: Number(weight !== undefined), hasMask: Number(mask !== undefined), nan: NAN_BITS },
    constants: { ...size, GRADIENT: gradient !== undefined },
    grid: gridFor(sizes.N, size.ROWS, target.maxWorkgroups),
  });
}
