import { LimitError } from "../errors.ts";
import type { Dispatch, Target, View } from "../plan/plan.ts";
import { chooseVariant } from "./choose-variant.ts";
import { dispatch, gridFor } from "./kernel.ts";
import { type Chunk, hOf, type Recurrence, recurrenceParams } from "./recurrence.ts";
import { recurrentForward, recurrentInitial } from "./recurrent.ts";

/** What every step is told. */
export interface Step {
  readonly label: string;
  readonly t: number;
  readonly chunk: Chunk;
  /** h of the whole sequence. */
  readonly h: View;
}

/** Sequences for each invocation. */
export const rowsFor = (target: Target, { B, H }: Recurrence): number =>
  chooseVariant(target, "recurrent", { B, units: B * H }).ROWS;

/** A workgroup that owns a row has a lane for every four units; every adapter allows 256. */
const MAX_LANES = 256;

/** The variant for a step, and its grid. `U`: how many results a row has. */
export function tileOf(
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
