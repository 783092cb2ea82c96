import type { Dispatch, Target, View } from "../plan/plan.ts";
import { weightsF32Wgsl } from "../shaders/lib/weights-f32.generated.ts";
import { recurrentProjectWgsl } from "../shaders/recurrent-project.generated.ts";
import { recurrentProjectBackwardWgsl } from "../shaders/recurrent-project-backward.generated.ts";
import { defineKernel, dispatch, read, readWrite, u32 } from "./kernel.ts";
import { type Chunk, hOf, type Recurrence, recurrence, recurrenceParams } from "./recurrence.ts";
import { blockFor, type Step, type Way } from "./recurrent-dispatch.ts";
import { gradientParams } from "./recurrent-gradient.ts";
import { type BackwardStep, throughH } from "./recurrent-gradient-dispatch.ts";

/** A step's projection. See shaders/recurrent-project.wgsl. */
export const recurrentProject = defineKernel({
  shader: recurrentProjectWgsl,
  bindings: [
    read("weight", "vec4f", "[D,H,⌈P/4⌉]"),
    read("control", "i32", "seed [1], mask [T,B]"),
    readWrite("h", "f32", "[slots,B,D,P]"),
    read("states", "f32", "as in recurrent-forward"),
  ],
  params: recurrence,
  variants: [1, 4, 8].map((ROWS) => ({ ROWS, LANES: 32 })),
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
  params: [...gradientParams, ...u32("hasOutput")],
  parts: { WEIGHTS: weightsF32Wgsl },
  variants: [1, 4, 8].map((ROWS) => ({ ROWS, LANES: 32, HEADS: false })),
});

/** The grid of the two kernels of a projection. */
function projectionGrid(target: Target, r: Recurrence, { directions }: Chunk, back: Way) {
  const ROWS = Math.min(8, blockFor(target, r, back).ROWS);
  const invocations = Math.ceil(r.P / 4) * Math.ceil(r.B / ROWS);
  return { ROWS, grid: [Math.ceil(invocations / 32), 1, directions] as [number, number, number] };
}

/** The projection of step `t`; `weight` is W_hr by columns. */
export function projectForward(target: Target, r: Recurrence, call: Step & { readonly weight: View }): Dispatch {
  const { label, t, chunk, weight, h } = call;
  const { ROWS, grid } = projectionGrid(target, r, chunk, 0);
  return dispatch(recurrentProject, {
    label,
    views: { weight, control: r.control?.view ?? weight, h: hOf(r, chunk, h), states: chunk.states },
    params: recurrenceParams(r, chunk, t),
    constants: { ROWS, LANES: 32 },
    grid,
  });
}

/** dh of step `t`, before `stepBackward`; `weight` is R by rows, undefined where no product flows in. */
export function projectBackward(
  target: Target,
  r: Recurrence,
  call: BackwardStep & {
    readonly hasCarry: boolean;
    readonly weight: View | undefined;
    /** Default: the one that reads R as f32. */
    readonly kernel?: typeof recurrentProjectBackward | undefined;
  },
): Dispatch {
  const { label, chunk, weight, outputGradient, h, carry } = call;
  const { ROWS, grid } = projectionGrid(target, r, chunk, 1);
  return dispatch(call.kernel ?? recurrentProjectBackward, {
    label,
    views: {
      weight: weight ?? h,
      outputGradient: outputGradient ?? h,
      control: r.control?.view ?? h,
      gates: chunk.gates,
      carry,
    },
    params: {
      ...recurrenceParams(r, chunk, call.t),
      ...throughH(r, r.P, weight !== undefined),
      hasCarry: call.hasCarry ? 1 : 0,
      hasOutput: outputGradient ? 1 : 0,
    },
    constants: { ROWS, LANES: 32, HEADS: false },
    grid,
  });
}
