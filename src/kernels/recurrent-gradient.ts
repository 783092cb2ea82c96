import { weightsF32Wgsl } from "../shaders/lib/weights-f32.generated.ts";
import { recurrentBackwardWgsl } from "../shaders/recurrent-backward.generated.ts";
import { defineKernel, type Numbers, read, readWrite, u32 } from "./kernel.ts";
import { recurrence } from "./recurrence.ts";
import { goesWith, sliceTiles, tiles } from "./recurrent.ts";

/** The members of the struct `Transposed` in shaders/lib/recurrent-product.wgsl. */
const transposed = u32("U", "K", "headUnits", "slot", "count", "weightGate", "weightGates", "hasCarry");
export type TransposedParams = Numbers<typeof transposed>;

/** What all kernels of a step backward are told. */
export const gradientParams = [...recurrence, ...transposed] as const;
export type RecurrentGradientParams = Numbers<typeof gradientParams>;

/** One step backward of a recurrent layer. See shaders/recurrent-backward.wgsl. */
export const recurrentBackward = defineKernel({
  shader: recurrentBackwardWgsl,
  bindings: [
    read("weight", "vec4f", "[D,G,K,⌈U/4⌉]"),
    read("learned", "f32", "[D,N,H]"),
    read("outputGradient", "f32", "[T,B,D,P]"),
    read("control", "i32", "seed [1], mask [T,B]"),
    read("h", "f32", "[slots,B,D,P]"),
    read("states", "f32", "as in recurrent-forward"),
    readWrite("gates", "f32", "[times,B,directions,W,H]"),
    readWrite("carry", "f32", "h [D,B,P], cell states [S-1,D,B,H]"),
  ],
  params: [...gradientParams, ...u32("hasOutput", "hasProduct", "stepCount", "T")],
  runsCell: true,
  parts: { WEIGHTS: weightsF32Wgsl },
  goesWith,
  variants: [...tiles, ...sliceTiles].flatMap((tile) => [false, true].map((FINISH) => ({ ...tile, FINISH }))),
});
