/** Batches that stand alone, and the same as one batch. */
import type { Batch } from "../../src/node.ts";
import { windows } from "./training-runs.ts";

/** Of 2, 3 and 1 rows; of the last some targets do not count. */
export const T = 4;
export const parts: readonly Batch[] = [2, 3, 1].map((B, i) => {
  const [batch] = windows(1, T, B) as [Batch];
  const shifted = batch.x.data.map((token, k) => (token + i * (k + 1)) % 7) as Int32Array;
  const target = batch.target.data.map((token, k) => (i === 2 && k > 0 ? -100 : token)) as Int32Array;
  return { x: { shape: [T, B], data: shifted }, target: { shape: [T, B], data: target } };
});
/** The same as one batch: rows side by side. */
export const whole: Batch = (() => {
  const join = (name: "x" | "target") => {
    const rows = parts.flatMap(({ x: { shape } }, i) => Array.from({ length: shape[1]! }, (_, b) => [i, b] as const));
    const data = Int32Array.from({ length: T * rows.length }, (_, k) => {
      const [i, b] = rows[k % rows.length]!;
      const { shape, data: of } = parts[i]![name];
      return of[Math.floor(k / rows.length) * shape[1]! + b]!;
    });
    return { shape: [T, rows.length], data };
  };
  return { x: join("x"), target: join("target") };
})();
