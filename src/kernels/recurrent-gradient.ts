import { recurrentBackwardWgsl } from "../shaders/recurrent-backward.generated.ts";
import { recurrentIntermediateBackwardWgsl } from "../shaders/recurrent-intermediate-backward.generated.ts";
import { recurrentProjectBackwardWgsl } from "../shaders/recurrent-project-backward.generated.ts";
import { defineKernel, type Numbers, read, readWrite, u32 } from "./kernel.ts";
import { recurrence } from "./recurrence.ts";
import { goesWith, tiles } from "./recurrent.ts";

/** The members of the struct `Transposed` in shaders/lib/recurrent-product.wgsl. */
const transposed = u32("U", "K", "headUnits", "slot", "count", "weightGate", "weightGates", "hasCarry");
export type TransposedParams = Numbers<typeof transposed>;

const params = [...recurrence, ...transposed] as const;
export type RecurrentGradientParams = Numbers<typeof params>;

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
  params: [...params, ...u32("hasOutput")],
  runsCell: true,
  goesWith,
  variants: tiles.flatMap((tile) => [false, true].map((FINISH) => ({ ...tile, FINISH }))),
});

/** The second dispatch of a backward step of a cell with an intermediate vector. See shaders/recurrent-intermediate-backward.wgsl. */
export const recurrentIntermediateBackward = defineKernel({
  shader: recurrentIntermediateBackwardWgsl,
  bindings: [
    read("weight", "vec4f", "[D,G,K,⌈U/4⌉]"),
    read("learned", "f32", "[D,N,H]"),
    read("control", "i32", "seed [1], mask [T,B]"),
    read("h", "f32", "[slots,B,D,P]"),
    read("states", "f32", "as in recurrent-forward"),
    readWrite("gates", "f32", "[times,B,directions,W,H]"),
    readWrite("carry", "f32", "h [D,B,P], cell states [S-1,D,B,H]"),
  ],
  params,
  runsCell: true,
  goesWith: (constants, cell) => goesWith(constants, cell) && cell.intermediate !== undefined,
  variants: tiles,
});

/** The first dispatch of a backward step with a projection. See shaders/recurrent-project-backward.wgsl. */
export const recurrentProjectBackward = defineKernel({
  shader: recurrentProjectBackwardWgsl,
  bindings: [
    read("weight", "vec4f", "[D,G,H,⌈P/4⌉]"),
    read("outputGradient", "f32", "[T,B,D,P]"),
    read("control", "i32", "seed [1], mask [T,B]"),
    readWrite("gates", "f32", "[times,B,directions,W,H]"),
    readWrite("carry", "f32", "h [D,B,P], cell states [S-1,D,B,H]"),
  ],
  params: [...params, ...u32("hasOutput")],
  variants: [1, 4, 8].map((ROWS) => ({ ROWS, LANES: 32, HEADS: false })),
});
