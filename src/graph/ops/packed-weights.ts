import {
  packedLength,
  packRowsF16,
  packWeights,
  recurrentBackwardF16,
  recurrentForwardWith,
} from "../../kernels/packed-weights.ts";
import type { View } from "../../plan/plan.ts";
import type { PackedDType } from "../../tensor-data.ts";
import type { Emitter } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** Weights `[D,rows,columns]` by columns in a format, see lib/weights-f16.wgsl and lib/weights-int8.wgsl. */
const columnsAs =
  (dtype: PackedDType) =>
  (e: Emitter, label: string, weight: Tensor, D: number, G: number, H: number): View => {
    const sizes = { D, G, H, K: weight.size / (D * G * H) };
    const kind = `by columns as ${dtype}`;
    const pack = (to: View) => [
      packWeights(e.target, `${label} ${kind}`, dtype, sizes, { weight: e.view(weight), to }),
    ];
    return e.derived(weight, kind, packedLength(dtype, sizes), pack, [], "i32");
  };

/** A weight as f16 by rows of so many columns, which lie at `from`. */
function rowsAsF16(e: Emitter, label: string, weight: Tensor, columns: number, from = e.view(weight)): View {
  const rows = weight.size / columns;
  const length = packedLength("f16", { D: 1, G: 1, H: columns, K: rows });
  const pack = (to: View) => [
    packRowsF16(e.target, `${label} by rows as f16`, { rows, columns }, { weight: from, to }),
  ];
  return e.derived(weight, "by rows as f16", length, pack, [], "i32");
}

/** For each format what packs R, and the kernel that reads it then. */
export const packedWith = {
  f16: { columns: columnsAs("f16"), kernel: recurrentForwardWith.f16 },
  int8: { columns: columnsAs("int8"), kernel: recurrentForwardWith.int8 },
} as const;

/** What packs R for the steps backward, and the kernels that read it then. */
export const f16Backward = { rows: rowsAsF16, ...recurrentBackwardF16 } as const;
