import type { Dispatch, Target, View } from "../plan/plan.ts";
import { weightsF16Wgsl } from "../shaders/lib/weights-f16.generated.ts";
import { weightsInt8Wgsl } from "../shaders/lib/weights-int8.generated.ts";
import { packF16Wgsl } from "../shaders/pack-f16.generated.ts";
import { packInt8Wgsl } from "../shaders/pack-int8.generated.ts";
import type { PackedDType } from "../tensor-data.ts";
import { defineKernel, dispatch, gridFor, type Kernel, read, readWrite, u32 } from "./kernel.ts";
import { recurrentForward } from "./recurrent.ts";

// Weights of recurrent steps in fewer bits than f32. What is multiplied with them, and all sums, stay f32.

const params = u32("D", "G", "H", "K");

/** Rounds to f16. See shaders/pack-f16.wgsl. */
export const packF16 = defineKernel({
  shader: packF16Wgsl,
  bindings: [read("weight", "u32", "[D,G,H,K]"), readWrite("to", "u32", "[D,K,G,⌈H/4⌉,2]")],
  params,
  variants: [{}],
});

/** Rounds to whole numbers with a scale for each row. See shaders/pack-int8.wgsl. */
export const packInt8 = defineKernel({
  shader: packInt8Wgsl,
  bindings: [read("weight", "u32", "[D,G,H,K]"), readWrite("to", "u32", "[D,K+4,G,⌈H/4⌉]")],
  params,
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

/** Packs weights `[D,G,H,K]` by columns. */
export function packWeights(
  target: Target,
  label: string,
  dtype: PackedDType,
  sizes: WeightSizes,
  views: { readonly weight: View; readonly to: View },
): Dispatch {
  const { D, G, H } = sizes;
  const items = dtype === "f16" ? packedLength(dtype, sizes) : D * G * Math.ceil(H / 4);
  const call = { label, views, params: sizes, grid: gridFor(items, 64, target.maxWorkgroups) };
  return dtype === "f16" ? dispatch(packF16, call) : dispatch(packInt8, call);
}

/** A kernel whose weights have another format. It saves nothing for a backward pass. */
const withWeights = <K extends Pick<Kernel, "name" | "bindings" | "variants">>(kernel: K, dtype: PackedDType): K => ({
  ...kernel,
  name: `${kernel.name}-${dtype}`,
  bindings: kernel.bindings.map((one) => (one.name === "weight" ? { ...one, type: "u32" } : one)),
  variants: kernel.variants.filter(({ SAVE }) => SAVE !== true),
  parts: { WEIGHTS: formats[dtype].shader },
});

/** recurrent-forward with packed weights. */
export const recurrentForwardWith = {
  f16: withWeights(recurrentForward, "f16"),
  int8: withWeights(recurrentForward, "int8"),
} as const;
