import { gatherStateRows } from "../../kernels/row-gather.ts";
import { sizeOf } from "../../tensor-data.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

const op: Op<null> = {
  name: "row-gather",
  forward({ inputs: [x, rows], outputs: [y], label }, e) {
    const [L, N, ...row] = x!.shape as [number, number, ...number[]];
    const views = { source: e.view(x!), rows: e.view(rows!), to: e.allocate(y!, label) };
    e.emit(gatherStateRows(e.target, label, { L, N, C: sizeOf(row) }, views));
  },
};

/** Reorders the second axis of `x [L,N,...]`: entry n of the result is entry `rows[n]` of x; rows i32 `[N]`. Has no gradient. */
export const gatherRows = (label: string, x: Tensor, rows: Tensor): Tensor =>
  apply(op, label, [x, rows], [{ shape: x.shape, dtype: x.dtype }], null)[0]!;
