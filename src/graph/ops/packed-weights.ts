import { packedLength, packWeights, recurrentForwardWith } from "../../kernels/packed-weights.ts";
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

/** For each format what packs R, and the kernel that reads it then. */
export const packedWith = {
  f16: { columns: columnsAs("f16"), kernel: recurrentForwardWith.f16 },
  int8: { columns: columnsAs("int8"), kernel: recurrentForwardWith.int8 },
} as const;
