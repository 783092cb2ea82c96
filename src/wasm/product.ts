import type { matmul } from "../kernels/matmul.ts";
import type { NativeOf } from "./native.ts";

/** The stretches of an axis before and after a gap, with how far what comes after it is shifted. */
function stretches(size: number, split: number, shift: number): { from: number; to: number; shift: number }[] {
  if (split >= size || shift === 0) return [{ from: 0, to: size, shift: 0 }];
  const all = [
    { from: 0, to: split, shift: 0 },
    { from: split, to: size, shift },
  ];
  return all.filter(({ from, to }) => to > from);
}

/** A product is a call of the module's for each batch, and for what lies before and after a gap in `a`. */
const product: NativeOf<typeof matmul> = (at, p, { wasm, panels }) => {
  const calls: (readonly number[])[] = [];
  const sums: (readonly number[])[] = [];
  const parts = stretches(p.K, p.kSplit, p.kShift);
  for (let z = 0; z < p.Z; z++) {
    for (const rows of stretches(p.M, p.mSplit, p.mShift)) {
      const M = rows.to - rows.from;
      for (const [i, { from, to, shift }] of parts.entries()) {
        const a = at.a + 4 * (z * p.aBatch + rows.from * p.aRow + rows.shift + from * p.aColumn + shift);
        const b = at.b + 4 * (z * p.bBatch + from * p.bRow);
        const c = at.c + 4 * (z * p.cBatch + rows.from * p.cRow);
        const bias = p.hasBias && i === 0 ? at.bias + 4 * z * p.biasBatch : 0;
        const accumulate = p.accumulate || i > 0 ? 1 : 0;
        const strides = { aRow: 4 * p.aRow, aColumn: 4 * p.aColumn, bRow: 4 * p.bRow, bColumn: 4 * p.bColumn };
        const { aRow, aColumn, bRow, bColumn } = strides;
        calls.push([M, p.N, to - from, a, aRow, aColumn, b, bRow, bColumn, c, 4 * p.cRow, bias, accumulate, panels]);
        if (p.hasSum) {
          const sum = at.c + 4 * (p.sumAt + z * p.sumBatch + rows.from);
          sums.push([M, to - from, a, aRow, aColumn, sum, accumulate]);
        }
      }
    }
  }
  const call = wasm.product as (...numbers: number[]) => void;
  const addUp = wasm.rowSums as (...numbers: number[]) => void;
  return () => {
    for (const numbers of calls) call(...numbers);
    for (const numbers of sums) addUp(...numbers);
  };
};

export const productNatives = { matmul: product, "matmul-tiled": product };
