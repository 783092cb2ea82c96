import type { matmul } from "../kernels/matmul.ts";
import { Calls } from "./calls.ts";
import type { NativeOf } from "./native.ts";

/** The stretches of an axis before and after a gap, with how far what comes after it is shifted. */
function stretches(size: number, split: number, shift: number): { from: number; count: number; shift: number }[] {
  if (split >= size || split === 0 || shift === 0) return [{ from: 0, count: size, shift: split === 0 ? shift : 0 }];
  return [
    { from: 0, count: split, shift: 0 },
    { from: split, count: size - split, shift },
  ];
}

/** A product is a call of the module's for each batch, and for what lies before and after a gap in `a`. */
const product: NativeOf<typeof matmul> = (at, p, { wasm, panels }) => {
  const calls = new Calls();
  const [aRow, aColumn, bRow, bColumn, cRow] = [4 * p.aRow, 4 * p.aColumn, 4 * p.bRow, 4 * p.bColumn, 4 * p.cRow];
  for (let z = 0; z < p.Z; z++) {
    for (const rows of stretches(p.M, p.mSplit, p.mShift)) {
      const c = at.c + 4 * (z * p.cBatch + rows.from * p.cRow);
      const sum = at.c + 4 * (p.sumAt + z * p.sumBatch + rows.from);
      const columns = stretches(p.K, p.kSplit, p.kShift);
      for (const { from, count, shift } of columns) {
        const a = at.a + 4 * (z * p.aBatch + rows.from * p.aRow + rows.shift + from * p.aColumn + shift);
        const b = at.b + 4 * (z * p.bBatch + from * p.bRow);
        const bias = p.hasBias && from === 0 ? at.bias + 4 * z * p.biasBatch : 0;
        const adds = p.accumulate || from > 0 ? 1 : 0;
        const { count: M } = rows;
        calls.add(wasm.product, M, p.N, count, a, aRow, aColumn, b, bRow, bColumn, c, cRow, bias, adds, panels);
        if (p.hasSum) calls.add(wasm.rowSums, M, count, a, aRow, aColumn, sum, adds);
      }
    }
  }
  return calls.run;
};

export const productNatives = { matmul: product, "matmul-tiled": product };
