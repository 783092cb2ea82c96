import type { matmul } from "../kernels/matmul.ts";
import { Calls, type Range, ranges } from "./calls.ts";
import { type NativeOf, panelsOf, threadsFor } from "./native.ts";

/** The stretches of an axis before and after a gap, with how far what comes after it is shifted. */
function stretches(size: number, split: number, shift: number): { from: number; count: number; shift: number }[] {
  if (split >= size || split <= 0 || shift === 0) return [{ from: 0, count: size, shift: split <= 0 ? shift : 0 }];
  return [
    { from: 0, count: split, shift: 0 },
    { from: split, count: size - split, shift },
  ];
}

/** A product is a call of the module's for each batch, for what lies before and after a gap in `a`, and for each thread. */
const product: NativeOf<typeof matmul> = (at, p, context) => {
  const { wasm } = context;
  const calls = new Calls();
  const [aRow, aColumn, bRow, bColumn, cRow] = [4 * p.aRow, 4 * p.aColumn, 4 * p.bRow, 4 * p.bColumn, 4 * p.cRow];
  /** Rows and columns of the result in one batch, between gaps. */
  const add = (calls: Calls, panels: number, z: number, rows: Range & { readonly shift: number }, columns: Range) => {
    for (let k0 = 0; k0 < p.K; k0 += p.kPart) addPart(calls, panels, z, rows, columns, k0);
  };
  /** The same for the part of K that begins at `k0`. */
  const addPart = (
    calls: Calls,
    panels: number,
    z: number,
    rows: Range & { readonly shift: number },
    columns: Range,
    k0: number,
  ) => {
    const part = (k0 / p.kPart) * p.cPart;
    const c = at.c + 4 * (part + z * p.cBatch + rows.from * p.cRow + columns.from);
    const sum = at.c + 4 * (part + p.sumAt + z * p.sumBatch + rows.from);
    for (const { from, count, shift } of stretches(Math.min(p.kPart, p.K - k0), p.kSplit - k0, p.kShift)) {
      const k = k0 + from;
      const a = at.a + 4 * (z * p.aBatch + rows.from * p.aRow + rows.shift + k * p.aColumn + shift);
      const b = at.b + 4 * (z * p.bBatch + k * p.bRow + columns.from * p.bColumn);
      const bias = p.hasBias && from === 0 ? at.bias + 4 * (z * p.biasBatch + columns.from) : 0;
      const adds = p.accumulate || from > 0 ? 1 : 0;
      const [M, N] = [rows.count, columns.count];
      calls.add(wasm.product, M, N, count, a, aRow, aColumn, b, bRow, bColumn, c, cRow, bias, adds, panels);
      if (p.hasSum && columns.from === 0) calls.add(wasm.rowSums, M, count, a, aRow, aColumn, sum, adds);
    }
  };
  for (let z = 0; z < p.Z; z++) {
    for (const rows of stretches(p.M, p.mSplit, p.mShift)) {
      const threads = threadsFor(context, 2 * rows.count * p.N * p.K);
      // A part has the same results as the whole: it is as many rows that decide how a product is computed.
      const parts = ranges(rows.count, threads, 4, 8);
      const isByRows = parts.length > 1 || rows.count >= 16;
      calls.divide(context.team, isByRows ? parts : ranges(p.N, threads, 8, 64), (calls, range, thread) => {
        const panels = panelsOf(context, thread);
        if (!isByRows) add(calls, panels, z, rows, range);
        else {
          const own = { from: rows.from + range.from, count: range.count, shift: rows.shift };
          add(calls, panels, z, own, { from: 0, count: p.N });
        }
      });
    }
  }
  return calls.run;
};

export const productNatives = { matmul: product, "matmul-tiled": product };
