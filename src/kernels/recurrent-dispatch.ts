import { LimitError } from "../errors.ts";
import type { Dispatch, Target, View } from "../plan/plan.ts";
import { chooseVariant } from "./choose-variant.ts";
import { dispatch, gridFor } from "./kernel.ts";
import { type Chunk, gateSlots, hOf, type Recurrence, recurrenceParams } from "./recurrence.ts";
import { recurrentForward, recurrentInitial, recurrentProject } from "./recurrent.ts";
import {
  recurrentBackward,
  recurrentIntermediateBackward,
  recurrentProjectBackward,
  type TransposedParams,
} from "./recurrent-gradient.ts";

/** What every step is told. */
interface Step {
  readonly label: string;
  readonly t: number;
  readonly chunk: Chunk;
  /** h of the whole sequence. */
  readonly h: View;
}

/** What a step backward binds besides. */
interface BackwardStep extends Step {
  readonly learned: View | undefined;
  readonly outputGradient: View | undefined;
  readonly carry: View;
}

/** Sequences for each invocation. */
const rowsFor = (target: Target, { B, H }: Recurrence): number =>
  chooseVariant(target, "recurrent", { B, units: B * H }).ROWS;

/** A workgroup that owns a row has a lane for every four units; every adapter allows 256. */
const MAX_LANES = 256;

/** The variant for a step, and its grid. `U`: how many results a row has. */
function tileOf(
  target: Target,
  label: string,
  r: Recurrence,
  count: number,
  U: number,
): { tile: Record<string, number | boolean>; grid: [number, number, number] } {
  const words = Math.ceil(U / 4);
  const HEADS = r.options.numHeads > 1;
  if (r.cell.acrossUnits) {
    if (words > MAX_LANES) {
      throw new LimitError(
        `${label}: hiddenSize ${r.H} with a cell that takes means over all units (layer normalisation), at most ${4 * MAX_LANES} fit into a workgroup; choose a smaller hiddenSize, or leave layerNorm out`,
      );
    }
    const LANES = Math.max(32, 2 ** Math.ceil(Math.log2(words)));
    return { tile: { ROWS: 1, LANES, HEADS: false, ACROSS_UNITS: true }, grid: [r.B, 1, count] };
  }
  const ROWS = HEADS ? 1 : rowsFor(target, r);
  const grid: [number, number, number] = [Math.ceil((words * Math.ceil(r.B / ROWS)) / 32), 1, count];
  return { tile: { ROWS, LANES: 32, HEADS, ACROSS_UNITS: false }, grid };
}

/** The states before the first step of a chunk, put into their slots. */
export function putInitialStates(
  target: Target,
  r: Recurrence,
  call: Step & { readonly h0: View; readonly cellStates0: View | undefined },
): Dispatch {
  const { label, t, chunk, h, h0, cellStates0 } = call;
  const [groups] = gridFor(r.B * r.H, 64, target.maxWorkgroups);
  return dispatch(recurrentInitial, {
    label,
    views: {
      h0,
      cellStates0: cellStates0 ?? h0,
      control: r.control?.view ?? h0,
      h: hOf(r, chunk, h),
      states: chunk.states,
    },
    params: recurrenceParams(r, chunk, t),
    grid: [groups, 1, chunk.directions],
  });
}

/** Step `t` forward. `intermediate`: the first of the two products of a cell that has them. */
export function stepForward(
  target: Target,
  r: Recurrence,
  call: Step & {
    readonly save: boolean;
    readonly intermediate: boolean;
    /** R by columns; undefined for a cell without R. */
    readonly weight: View | undefined;
    readonly bias: View | undefined;
    readonly learned: View | undefined;
    /** Something to bind where nothing is read. */
    readonly unused: View;
  },
): Dispatch {
  const { chunk, bias, intermediate, unused } = call;
  const isSecond = r.cell.intermediate !== undefined && !intermediate;
  const { tile, grid } = tileOf(target, call.label, r, chunk.directions, r.H);
  const { numHeads } = r.options;
  return dispatch(recurrentForward, {
    label: call.label,
    cell: r.cell.name,
    views: {
      weight: call.weight ?? unused,
      bias: bias ?? unused,
      learned: call.learned ?? unused,
      control: r.control?.view ?? unused,
      gates: chunk.gates,
      h: hOf(r, chunk, call.h),
      states: chunk.states,
    },
    params: {
      ...recurrenceParams(r, chunk, call.t),
      K: (isSecond ? r.H : r.P) / numHeads,
      headUnits: r.H / numHeads,
      hasBias: bias ? 1 : 0,
    },
    constants: { ...tile, SAVE: call.save && !intermediate, INTERMEDIATE: intermediate },
    grid,
  });
}

/** The grid of the two kernels of a projection. */
function projectionGrid(target: Target, r: Recurrence, { directions }: Chunk) {
  const ROWS = rowsFor(target, r);
  const invocations = Math.ceil(r.P / 4) * Math.ceil(r.B / ROWS);
  return { ROWS, grid: [Math.ceil(invocations / 32), 1, directions] as [number, number, number] };
}

/** The projection of step `t`; `weight` is W_hr by columns. */
export function projectForward(target: Target, r: Recurrence, call: Step & { readonly weight: View }): Dispatch {
  const { label, t, chunk, weight, h } = call;
  const { ROWS, grid } = projectionGrid(target, r, chunk);
  return dispatch(recurrentProject, {
    label,
    views: { weight, control: r.control?.view ?? weight, h: hOf(r, chunk, h), states: chunk.states },
    params: recurrenceParams(r, chunk, t),
    constants: { ROWS, LANES: 32 },
    grid,
  });
}

/** Rᵀ·(gradients by r of `count` gates from `slot` on), for U numbers of a row. */
const throughR = (r: Recurrence, U: number, slot: number, count: number): Omit<TransposedParams, "hasCarry"> => ({
  U,
  K: r.H / r.options.numHeads,
  headUnits: U / r.options.numHeads,
  slot,
  count,
  weightGate: slot,
  weightGates: r.cell.gates.length,
});

/** Rᵀ·(gradients by r of the gates that saw h): what flows into the h before. `has`: false for a product of nothing. */
const throughH = (r: Recurrence, U: number, has: boolean): Omit<TransposedParams, "hasCarry"> =>
  throughR(r, U, 0, has ? r.cell.gates.length - (r.cell.intermediate?.gates ?? 0) : 0);

/**
 * Step `t` backward; `finish` instead folds what step `t` left into the carry.
 * `weight`: R by rows (undefined: no product flows in); with a projection and not `finish`, W_hr by rows.
 */
export function stepBackward(
  target: Target,
  r: Recurrence,
  call: BackwardStep & {
    readonly finish: boolean;
    readonly hasCarry: boolean;
    readonly weight: View | undefined;
  },
): Dispatch {
  const { chunk, weight, outputGradient, finish, h } = call;
  const isProjected = r.P < r.H && !finish;
  const U = finish ? r.P : r.H;
  const product = isProjected
    ? { U, K: r.P, headUnits: U, slot: gateSlots(r) - 1, count: 1, weightGate: 0, weightGates: 1 }
    : throughH(r, U, weight !== undefined);
  const { tile, grid } = tileOf(target, call.label, r, chunk.directions, U);
  return dispatch(recurrentBackward, {
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
    },
    constants: { ...tile, FINISH: finish },
    grid,
  });
}

/** The gradients that come through the intermediate vector, after `stepBackward`; `weight` is R by rows. */
export function intermediateBackward(
  target: Target,
  r: Recurrence,
  call: BackwardStep & { readonly weight: View },
): Dispatch {
  const { chunk, weight, h, carry } = call;
  const { tile, grid } = tileOf(target, call.label, r, chunk.directions, r.H);
  const last = r.cell.intermediate!.gates;
  return dispatch(recurrentIntermediateBackward, {
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
    constants: tile,
    grid,
  });
}

/** dh of step `t`, before `stepBackward`; `weight` is R by rows, undefined where no product flows in. */
export function projectBackward(
  target: Target,
  r: Recurrence,
  call: BackwardStep & { readonly hasCarry: boolean; readonly weight: View | undefined },
): Dispatch {
  const { label, chunk, weight, outputGradient, h, carry } = call;
  const { ROWS, grid } = projectionGrid(target, r, chunk);
  return dispatch(recurrentProjectBackward, {
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
