import { LimitError } from "../errors.ts";
import type { Constants, Dispatch, Target, View } from "../plan/plan.ts";
import { chooseVariant, type VariantOf } from "./choose-variant.ts";
import { dispatch, gridFor } from "./kernel.ts";
import { type Chunk, hOf, type Recurrence, recurrenceParams, stepAt } from "./recurrence.ts";
import { blockTile, recurrentForward, recurrentInitial, sliceTile, tile } from "./recurrent.ts";

/** What every step is told. */
export interface Step {
  readonly label: string;
  /** The first one of a dispatch. */
  readonly t: number;
  readonly chunk: Chunk;
  /** h of the whole sequence. */
  readonly h: View;
}

/** 1: a step backward, whose product goes through all gates of a unit; 0: a step forward, which has one product for each. */
export type Way = 0 | 1;

/** How many sequences each invocation of a block has, and who shares them. */
export const blockFor = (target: Target, { B, H, cell }: Recurrence, back: Way): VariantOf<"recurrent-block"> =>
  chooseVariant(target, "recurrent-block", {
    B,
    words: Math.ceil(H / 4),
    units: B * H,
    gates: cell.gates.length,
    back,
  });

/** A workgroup that owns a row has a lane for every four units; every adapter allows 256. */
const MAX_LANES = 256;

/** How a step is divided. */
export interface Tile {
  readonly constants: Constants;
  readonly grid: [number, number, number];
  /** Steps that a dispatch may go through, one after the other. */
  readonly steps: number;
}

/** Operations of a workgroup in one dispatch: some 50 ms of one core, so that no page waits longer than that. */
const WORK = 5e7;

/** The division for a step. `U`: how many results a row has, default H. */
export function tileOf(
  target: Target,
  label: string,
  r: Recurrence,
  { directions }: Pick<Chunk, "directions">,
  back: Way,
  U = r.H,
): Tile {
  const { cell, B, H, P } = r;
  const words = Math.ceil(U / 4);
  const HEADS = r.options.numHeads > 1;
  const hasOneProduct = cell.intermediate === undefined && P === H;
  const stepsOf = (rows: number) =>
    hasOneProduct ? Math.max(1, Math.floor(WORK / (2 * cell.gates.length * H * H * rows))) : 1;
  const chosen = chooseVariant(target, "recurrent", { B, words, gates: cell.gates.length, directions, back });
  if (cell.acrossUnits) {
    if (words > MAX_LANES) {
      throw new LimitError(
        `${label}: hiddenSize ${H} with means over all units (layerNorm), at most ${4 * MAX_LANES} fit into a workgroup; choose a smaller hiddenSize, or leave layerNorm out`,
      );
    }
    const LANES = Math.max(32, 2 ** Math.ceil(Math.log2(words)));
    const constants = tile({ LANES, ACROSS_UNITS: true });
    return { constants, grid: [B, 1, directions], steps: chosen === "block" ? 1 : stepsOf(1) };
  }
  if (chosen !== "block" && hasOneProduct && cell.recurrent) {
    const constants = sliceTile(chosen, HEADS);
    const groups = Math.ceil(words / chosen.WORDS);
    const ROWS = Number(constants.ROWS);
    const grid: Tile["grid"] = [groups * Math.ceil(B / ROWS), 1, directions];
    if (grid[0] <= target.maxWorkgroups) return { constants, grid, steps: groups === 1 ? stepsOf(ROWS) : 1 };
  }
  const block = blockFor(target, r, back);
  const constants = HEADS ? tile({ HEADS }) : blockTile(block);
  const [ROWS, LANES, SHARED] = [constants.ROWS, constants.LANES, constants.SHARED].map(Number) as [
    number,
    number,
    number,
  ];
  const owners = Math.ceil(words / SHARED) * SHARED;
  return {
    constants,
    grid: [Math.ceil((owners * Math.ceil(B / ROWS)) / LANES), 1, directions],
    steps: 1,
  };
}

/** How many of at most `most` steps one dispatch goes through, beginning with step `t`: of a ring those whose slots lie in a row. */
export function stepsAtOnce(target: Target, r: Recurrence, { label, t, chunk }: Step, most: number, back: Way): number {
  const { before, after } = stepAt(r, chunk, t, chunk.direction);
  return Math.abs(after - before) === 1 ? Math.min(most, tileOf(target, label, r, chunk, back).steps) : 1;
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

/** `stepCount` steps forward, from `t` on. `intermediate`: the first of the two products of a cell that has them. */
export function stepForward(
  target: Target,
  r: Recurrence,
  call: Step & {
    readonly stepCount: number;
    readonly save: boolean;
    readonly intermediate: boolean;
    /** Default: the one of a layer by itself that reads R as f32. */
    readonly kernel?: typeof recurrentForward | undefined;
    /** Steps of a layer; default those of `r`. */
    readonly T?: number;
    /** R by columns; undefined for a cell without R. */
    readonly weight: View | undefined;
    readonly bias: View | undefined;
    readonly learned: View | undefined;
    /** Something to bind where nothing is read. */
    readonly unused: View;
  },
): Dispatch {
  const { chunk, bias, intermediate, kernel = recurrentForward, unused } = call;
  const isSecond = r.cell.intermediate !== undefined && !intermediate;
  const { constants, grid } = tileOf(target, call.label, r, chunk, 0);
  const { numHeads } = r.options;
  return dispatch(kernel, {
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
      stepCount: call.stepCount,
      T: call.T ?? r.T,
    },
    constants: { ...constants, SAVE: call.save && !intermediate, INTERMEDIATE: intermediate },
    grid,
  });
}
