import type { Dispatch, Target, View } from "../plan/plan.ts";
import { dispatch } from "./kernel.ts";
import { gateSlots, hOf, type Recurrence, recurrenceParams } from "./recurrence.ts";
import { type Step, tileOf } from "./recurrent-dispatch.ts";
import { recurrentBackward, type TransposedParams } from "./recurrent-gradient.ts";

/** What a step backward binds besides. */
export interface BackwardStep extends Step {
  readonly learned: View | undefined;
  readonly outputGradient: View | undefined;
  readonly carry: View;
}

/** Rᵀ·(gradients by r of `count` gates from `slot` on), for U numbers of a row. */
export const throughR = (
  r: Recurrence,
  U: number,
  slot: number,
  count: number,
): Omit<TransposedParams, "hasCarry"> => ({
  U,
  K: r.H / r.options.numHeads,
  headUnits: U / r.options.numHeads,
  slot,
  count,
  weightGate: slot,
  weightGates: r.cell.gates.length,
});

/** Rᵀ·(gradients by r of the gates that saw h): what flows into the h before. `has`: false for a product of nothing. */
export const throughH = (r: Recurrence, U: number, has: boolean): Omit<TransposedParams, "hasCarry"> =>
  throughR(r, U, 0, has ? r.cell.gates.length - (r.cell.intermediate?.gates ?? 0) : 0);

/**
 * `stepCount` steps backward, from `t` on; `finish` instead folds what step `t` left into the carry.
 * `weight`: R by rows (undefined where no product flows into any of them); with a projection and not `finish`, W_hr by rows.
 */
export function stepBackward(
  target: Target,
  r: Recurrence,
  call: BackwardStep & {
    readonly stepCount: number;
    readonly finish: boolean;
    /** Whether a product, and the carry, flow into the first of the steps; into the others both do. */
    readonly hasProduct: boolean;
    readonly hasCarry: boolean;
    readonly weight: View | undefined;
    /** Default: the one of a layer by itself that reads R as f32. */
    readonly kernel?: typeof recurrentBackward | undefined;
    /** Steps of a layer; default those of `r`. */
    readonly T?: number;
  },
): Dispatch {
  const { chunk, weight, outputGradient, finish, h } = call;
  const isProjected = r.P < r.H && !finish;
  const U = finish ? r.P : r.H;
  const product = isProjected
    ? { U, K: r.P, headUnits: U, slot: gateSlots(r) - 1, count: 1, weightGate: 0, weightGates: 1 }
    : throughH(r, U, weight !== undefined);
  const { constants, grid } = tileOf(target, call.label, r, chunk, 1, U);
  return dispatch(call.kernel ?? recurrentBackward, {
    label: call.label,
    cell: r.cell.name,
    views: {
      weight: weight ?? h,
      learned: call.learned ?? h,
      outputGradient: outputGradient ?? h,
      control: r.control?.view ?? h,
      h: hOf(r, chunk, h),
      states: chunk.states,
      gates: chunk.gates,
      carry: call.carry,
    },
    params: {
      ...recurrenceParams(r, chunk, call.t),
      ...product,
      hasCarry: call.hasCarry ? 1 : 0,
      hasOutput: outputGradient ? 1 : 0,
      hasProduct: call.hasProduct ? 1 : 0,
      stepCount: call.stepCount,
      T: call.T ?? r.T,
    },
    constants: { ...constants, FINISH: finish },
    grid,
  });
}
