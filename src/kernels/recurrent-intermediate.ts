import type { Dispatch, Target, View } from "../plan/plan.ts";
import { weightsF32Wgsl } from "../shaders/lib/weights-f32.generated.ts";
import { recurrentIntermediateBackwardWgsl } from "../shaders/recurrent-intermediate-backward.generated.ts";
import { defineKernel, dispatch, read, readWrite } from "./kernel.ts";
import { hOf, type Recurrence, recurrenceParams } from "./recurrence.ts";
import { goesWith, tiles } from "./recurrent.ts";
import { tileOf } from "./recurrent-dispatch.ts";
import { gradientParams } from "./recurrent-gradient.ts";
import { type BackwardStep, throughR } from "./recurrent-gradient-dispatch.ts";

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
  params: gradientParams,
  runsCell: true,
  parts: { WEIGHTS: weightsF32Wgsl },
  goesWith: (constants, cell) => goesWith(constants, cell) && cell.intermediate !== undefined,
  variants: tiles,
});

/** The gradients that come through the intermediate vector, after `stepBackward`; `weight` is R by rows. */
export function intermediateBackward(
  target: Target,
  r: Recurrence,
  call: BackwardStep & {
    readonly weight: View;
    /** Default: the one that reads R as f32. */
    readonly kernel?: typeof recurrentIntermediateBackward | undefined;
  },
): Dispatch {
  const { chunk, weight, h, carry } = call;
  const { constants, grid } = tileOf(target, call.label, r, chunk, 1);
  const last = r.cell.intermediate!.gates;
  return dispatch(call.kernel ?? recurrentIntermediateBackward, {
    label: call.label,
    cell: r.cell.name,
    views: {
      weight,
      learned: call.learned ?? h,
      control: r.control?.view ?? h,
      h: hOf(r, chunk, h),
      states: chunk.states,
      gates: chunk.gates,
      carry,
    },
    params: {
      ...recurrenceParams(r, chunk, call.t),
      ...throughR(r, r.H, r.cell.gates.length - last, last),
      hasCarry: 1,
    },
    constants,
    grid,
  });
}
