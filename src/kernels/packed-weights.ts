import type { Dispatch, Target, View } from "../plan/plan.ts";
import { weightsF16Wgsl } from "../shaders/lib/weights-f16.generated.ts";
import { weightsInt8Wgsl } from "../shaders/lib/weights-int8.generated.ts";
import { packF16Wgsl } from "../shaders/pack-f16.generated.ts";
import { packInt8Wgsl } from "../shaders/pack-int8.generated.ts";
import type { PackedDType } from "../tensor-data.ts";
import { defineKernel, dispatch, gridFor, type Kernel, read, readWrite, u32 } from "./kernel.ts";
import { recurrentForward } from "./recurrent.ts";
import { recurrentBackward } from "./recurrent-gradient.ts";
import { recurrentIntermediateBackward } from "./recurrent-intermediate.ts";
import { recurrentProjectBackward } from "./recurrent-projection.ts";

// Weights of recurrent steps in fewer bits than f32. What is multiplied with them, and all sums, stay f32.

/** Rounds to f16. See shaders/pack-f16.wgsl. */
export const packF16 = defineKernel({
  shader: packF16Wgsl,
  bindings: [read("weight", "u32", "[D,G,H,K] by strides"), readWrite("to", "u32", "[D,K,G,⌈H/4⌉,2]")],
  params: u32("D", "G", "H", "K", "unitStride", "columnStride"),
  variants: [{}],
});

/** Rounds to whole numbers with a scale for each row. See shaders/pack-int8.wgsl. */
export const packInt8 = defineKernel({
  shader: packInt8Wgsl,
  bindings: [read("weight", "u32", "[D,G,H,K]"), readWrite("to", "u32", "[D,K+4,G,⌈H/4⌉]")],
  params: u32("D", "G", "H", "K"),
  variants: [{}],
});

/** A format. */
interface Format {
  /** Words of u32 for four units of a column. */
  readonly words: number;
  /** Columns behind the K ones, with scales. */
  readonly scaleColumns: number;
  readonly shader: Kernel["shader"];
}

const formats: Readonly<Record<PackedDType, Format>> = {
  f16: { words: 2, scaleColumns: 0, shader: weightsF16Wgsl },
  int8: { words: 1, scaleColumns: 4, shader: weightsInt8Wgsl },
};

/** The sizes of weights: D directions, G gates, H rows a gate, K columns. */
export interface WeightSizes {
  readonly D: number;
  readonly G: number;
  readonly H: number;
  readonly K: number;
}

/** Words of u32 that weights take in a format. */
export const packedLength = (dtype: PackedDType, { D, G, H, K }: WeightSizes): number =>
  D * (K + formats[dtype].scaleColumns) * G * Math.ceil(H / 4) * formats[dtype].words;

interface PackedViews {
  readonly weight: View;
  readonly to: View;
}

/** Packs weights `[D,G,H,K]` by columns. */
export function packWeights(
  target: Target,
  label: string,
  dtype: PackedDType,
  sizes: WeightSizes,
  views: PackedViews,
): Dispatch {
  const { D, G, H, K } = sizes;
  const grid = (items: number) => gridFor(items, 64, target.maxWorkgroups);
  if (dtype === "int8")
    return dispatch(packInt8, { label, views, params: sizes, grid: grid(D * G * Math.ceil(H / 4)) });
  const params = { ...sizes, unitStride: K, columnStride: 1 };
  return dispatch(packF16, { label, views, params, grid: grid(packedLength(dtype, sizes)) });
}

/** Packs a matrix by rows as f16: `[rows,⌈columns/4⌉,2]`. */
export function packRowsF16(
  target: Target,
  label: string,
  { rows, columns }: { readonly rows: number; readonly columns: number },
  views: PackedViews,
): Dispatch {
  const sizes = { D: 1, G: 1, H: columns, K: rows };
  const params = { ...sizes, unitStride: 1, columnStride: columns };
  const grid = gridFor(packedLength("f16", sizes), 64, target.maxWorkgroups);
  return dispatch(packF16, { label, views, params, grid });
}

/** A kernel whose weights have another format. Only f16 is trained with. */
const withWeights = <K extends Pick<Kernel, "name" | "bindings" | "variants">>(kernel: K, dtype: PackedDType): K => ({
  ...kernel,
  name: `${kernel.name}-${dtype}`,
  bindings: kernel.bindings.map((one) => (one.name === "weight" ? { ...one, type: "u32" } : one)),
  variants: kernel.variants.filter(({ SAVE }) => dtype === "f16" || SAVE !== true),
  parts: { WEIGHTS: formats[dtype].shader },
});

/** recurrent-forward with packed weights. */
export const recurrentForwardWith = {
  f16: withWeights(recurrentForward, "f16"),
  int8: withWeights(recurrentForward, "int8"),
} as const;

/** The kernels of a step backward with R as f16. */
export const recurrentBackwardF16 = {
  step: withWeights(recurrentBackward, "f16"),
  project: withWeights(recurrentProjectBackward, "f16"),
  intermediate: withWeights(recurrentIntermediateBackward, "f16"),
} as const;
