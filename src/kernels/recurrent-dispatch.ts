import { type FullCell, workOf } from "../cells/index.ts";
import { LimitError } from "../errors.ts";
import type { Dispatch, Target, View } from "../plan/plan.ts";
import { dispatch } from "./kernel.ts";
import { recurrentForward, recurrentProject } from "./recurrent.ts";
import { recurrentBackward, recurrentInnerBackward, recurrentProjectBackward } from "./recurrent-gradient.ts";

/** What its steps have in common: the sizes of a recurrent layer, its options, and the memory of its states. */
export interface Recurrence {
  readonly cell: FullCell;
  /** Steps, rows, directions, units. */
  readonly T: number;
  readonly B: number;
  readonly D: number;
  readonly H: number;
  /** Size of h: H, or less with a projection. */
  readonly P: number;
  /** Blocks that R is divided into. */
  readonly heads: number;
  /** Bit d: direction d runs from the end of the sequence. */
  readonly backwards: number;
  /** The seed `[1]` and behind it the mask `[T,B]`; undefined without noise and mask. */
  readonly control: View | undefined;
  readonly hasMask: boolean;
  readonly hasNoise: boolean;
  readonly stream: number;
  readonly zoneoutH: number;
  readonly zoneoutRest: number;
  readonly recurrentDropout: number;
  /** Outputs that the mask passes over are zero, and not the state that is held. */
  readonly zeroOutput: boolean;
}

/** Slots that `work` has for each unit: the cell's, and one for dh where there is a projection. */
export const workSlots = ({ cell, H, P }: Pick<Recurrence, "cell" | "H" | "P">): number =>
  workOf(cell).length + (P < H ? 1 : 0);

/** Times that `states` holds: a slot before the first or behind the last for the initial states, or both. */
export const slotsOf = ({ T, backwards }: Pick<Recurrence, "T" | "backwards">): number => T + (backwards ? 2 : 1);

/** Where the parts of `states` begin, and how long it is. */
export function stateLayout(r: Recurrence): { restAt: number; heardAt: number; innerAt: number; length: number } {
  const rows = slotsOf(r) * r.B * r.D;
  const restAt = rows * r.P;
  const heardAt = restAt + (r.cell.states.length - 1) * rows * r.H;
  const innerAt = heardAt + (r.recurrentDropout > 0 ? rows * r.P : 0);
  const hasInner = r.cell.inner !== undefined || r.P < r.H;
  return { restAt, heardAt, innerAt, length: innerAt + (hasInner ? rows * r.H : 0) };
}

/** The part of `work` that a step uses: directions `first` to `first + count - 1`, times from `start` on. */
export interface WorkPart {
  readonly view: View;
  readonly first: number;
  readonly count: number;
  readonly start: number;
}

/** What a step backward binds besides. */
export interface BackwardViews {
  readonly states: View;
  readonly learned: View | undefined;
  readonly outputGradient: View | undefined;
  readonly carry: View;
}

/** Sequences for each invocation: a weight that was read serves them all; a GPU needs enough invocations first. */
function rowsFor(target: Target, { B, H }: Recurrence): number {
  if (B < 4) return 1;
  if (target.software) return B >= 16 ? 8 : 4;
  return B * H >= 65536 ? 4 : 1;
}

/** A workgroup that owns a row has a lane for every four units; every adapter allows 256. */
const MOST_LANES = 256;

/** The variant for a step, and its grid. `U`: how many results a row has. */
function tileOf(
  target: Target,
  label: string,
  r: Recurrence,
  count: number,
  U: number,
): { tile: Record<string, number | boolean>; grid: [number, number, number] } {
  const words = Math.ceil(U / 4);
  const HEADS = r.heads > 1;
  if (r.cell.acrossUnits) {
    if (words > MOST_LANES) {
      throw new LimitError(
        `${label}: hiddenSize ${r.H} with a cell that takes means over all units (layer normalisation), at most ${4 * MOST_LANES} fit into a workgroup; choose a smaller hiddenSize, or leave layerNorm out`,
      );
    }
    const LANES = Math.max(32, 2 ** Math.ceil(Math.log2(words)));
    return { tile: { ROWS: 1, LANES, HEADS: false, WHOLE: true }, grid: [r.B, 1, count] };
  }
  const ROWS = HEADS ? 1 : rowsFor(target, r);
  const grid: [number, number, number] = [Math.ceil((words * Math.ceil(r.B / ROWS)) / 32), 1, count];
  return { tile: { ROWS, LANES: 32, HEADS, WHOLE: false }, grid };
}

const flag = (value: boolean): number => (value ? 1 : 0);

function shared(r: Recurrence, work: WorkPart, t: number) {
  const { T, B, D, H, P, backwards, stream, zoneoutH, zoneoutRest, recurrentDropout } = r;
  const { restAt } = stateLayout(r);
  return {
    ...{ t, T, B, D, H, P, W: workSlots(r), slots: slotsOf(r), restAt },
    ...{ firstDirection: work.first, workD: work.count, workStart: work.start, backwards },
    ...{ hasMask: flag(r.hasMask), maskAt: 1, hasNoise: flag(r.hasNoise), stream },
    ...{ zoneoutH, zoneoutRest, recurrentDropout },
  };
}

/** Step `t` forward. `inner`: the first of the two products of a cell that has them. */
export function stepForward(
  target: Target,
  r: Recurrence,
  call: {
    readonly label: string;
    readonly t: number;
    readonly work: WorkPart;
    readonly save: boolean;
    readonly inner: boolean;
    /** R by columns; undefined for a cell without R. */
    readonly weight: View | undefined;
    readonly bias: View | undefined;
    readonly learned: View | undefined;
    readonly initial: { readonly h: View; readonly rest: View | undefined } | undefined;
    readonly states: View;
    /** Something to bind where nothing is read. */
    readonly unused: View;
  },
): Dispatch {
  const { work, bias, initial, states, inner, unused } = call;
  const second = r.cell.inner !== undefined && !inner;
  const { heardAt, innerAt } = stateLayout(r);
  const { tile, grid } = tileOf(target, call.label, r, work.count, r.H);
  return dispatch(recurrentForward, {
    label: call.label,
    cell: r.cell.name,
    views: {
      weight: call.weight ?? unused,
      bias: bias ?? unused,
      learned: call.learned ?? unused,
      h0: initial?.h ?? unused,
      rest0: initial?.rest ?? unused,
      control: r.control ?? unused,
      work: work.view,
      states,
    },
    params: {
      ...shared(r, work, call.t),
      ...{ K: (second ? r.H : r.P) / r.heads, headUnits: r.H / r.heads, heardAt, innerAt },
      ...{ projected: flag(r.P < r.H), hasBias: flag(bias !== undefined), hasInitial: flag(initial !== undefined) },
    },
    // The initial state is put into its slot by the first dispatch of the first step.
    constants: { ...tile, FIRST: call.t === 0 && !second, SAVE: call.save && !inner, INNER: inner },
    grid,
  });
}

/** The projection of step `t`; `weight` is W_hr by columns. */
export function projectForward(
  target: Target,
  r: Recurrence,
  call: {
    readonly label: string;
    readonly t: number;
    readonly work: WorkPart;
    readonly weight: View;
    readonly states: View;
  },
): Dispatch {
  const { label, t, work, weight, states } = call;
  const { heardAt, innerAt } = stateLayout(r);
  const ROWS = rowsFor(target, r);
  return dispatch(recurrentProject, {
    label,
    views: { weight, control: r.control ?? weight, states },
    params: { ...shared(r, work, t), heardAt, innerAt },
    constants: { ROWS, LANES: 32 },
    grid: [Math.ceil((Math.ceil(r.P / 4) * Math.ceil(r.B / ROWS)) / 32), 1, work.count],
  });
}

/** Which slots of `work` a transposed product reads, and what the weight is. */
interface Transposed {
  readonly weight: View;
  readonly U: number;
  readonly K: number;
  readonly from: number;
  readonly gates: number;
  readonly weightFrom: number;
  readonly weightGates: number;
  readonly heads: number;
}

const productParams = (product: Transposed | undefined, U: number) => ({
  U,
  K: product?.K ?? 0,
  headUnits: U / (product?.heads ?? 1),
  productFrom: product?.from ?? 0,
  productGates: product?.gates ?? 0,
  weightFrom: product?.weightFrom ?? 0,
  weightGates: product?.weightGates ?? 0,
});

/** Rᵀ·(gradients by r of the gates that saw h): what flows into the h before. */
const throughR = (r: Recurrence, weight: View): Transposed => {
  const gates = r.cell.gates.length;
  return {
    ...{ weight, U: r.P, K: r.H / r.heads, from: 0, gates: gates - (r.cell.inner?.gates ?? 0) },
    ...{ weightFrom: 0, weightGates: gates, heads: r.heads },
  };
};

/**
 * Step `t` backward; `finish` instead folds what step `t` left into the carry.
 * `weight`: R by rows (undefined: no product flows in); with a projection and not `finish`, W_hr by rows.
 */
export function stepBackward(
  target: Target,
  r: Recurrence,
  call: BackwardViews & {
    readonly label: string;
    readonly t: number;
    readonly work: WorkPart;
    readonly finish: boolean;
    readonly hasCarry: boolean;
    readonly weight: View | undefined;
  },
): Dispatch {
  const { work, weight, outputGradient, finish } = call;
  const projected = r.P < r.H;
  const U = finish ? r.P : r.H;
  const projection: Transposed | undefined = weight && {
    ...{ weight, U, K: r.P, from: workSlots(r) - 1, gates: 1, weightFrom: 0, weightGates: 1, heads: 1 },
  };
  const product = projected && !finish ? projection : weight && throughR(r, weight);
  const { tile, grid } = tileOf(target, call.label, r, work.count, U);
  return dispatch(recurrentBackward, {
    label: call.label,
    cell: r.cell.name,
    views: {
      weight: weight ?? call.states,
      learned: call.learned ?? call.states,
      outputGradient: outputGradient ?? call.states,
      control: r.control ?? call.states,
      states: call.states,
      work: work.view,
      carry: call.carry,
    },
    params: {
      ...shared(r, work, call.t),
      ...productParams(product, U),
      projected: flag(projected && !finish),
      hasCarry: flag(call.hasCarry),
      hasOutput: flag(outputGradient !== undefined),
      zeroOutput: flag(r.zeroOutput),
    },
    constants: { ...tile, FINISH: finish },
    grid,
  });
}

/** The gradients that come through the inner vector, after `stepBackward`; `weight` is R by rows. */
export function innerBackward(
  target: Target,
  r: Recurrence,
  call: BackwardViews & { readonly label: string; readonly t: number; readonly work: WorkPart; readonly weight: View },
): Dispatch {
  const { work, weight, states, carry } = call;
  const { tile, grid } = tileOf(target, call.label, r, work.count, r.H);
  const gates = r.cell.gates.length;
  const last = r.cell.inner!.gates;
  const from = gates - last;
  return dispatch(recurrentInnerBackward, {
    label: call.label,
    cell: r.cell.name,
    views: { weight, learned: call.learned ?? states, control: r.control ?? states, states, work: work.view, carry },
    params: {
      ...shared(r, work, call.t),
      ...productParams(
        {
          ...{ weight, U: r.H, K: r.H / r.heads, from, gates: last, weightFrom: from },
          weightGates: gates,
          heads: r.heads,
        },
        r.H,
      ),
    },
    constants: tile,
    grid,
  });
}

/** dh of step `t`, before `stepBackward`; `weight` is R by rows, undefined where no product flows in. */
export function projectBackward(
  target: Target,
  r: Recurrence,
  call: BackwardViews & {
    readonly label: string;
    readonly t: number;
    readonly work: WorkPart;
    readonly hasCarry: boolean;
    readonly weight: View | undefined;
  },
): Dispatch {
  const { work, weight, outputGradient, carry } = call;
  const ROWS = rowsFor(target, r);
  return dispatch(recurrentProjectBackward, {
    label: call.label,
    views: {
      weight: weight ?? call.states,
      outputGradient: outputGradient ?? call.states,
      control: r.control ?? call.states,
      work: work.view,
      carry,
    },
    params: {
      ...shared(r, work, call.t),
      ...productParams(weight && throughR(r, weight), r.P),
      hasCarry: flag(call.hasCarry),
      hasOutput: flag(outputGradient !== undefined),
      zeroOutput: flag(r.zeroOutput),
    },
    constants: { ROWS, LANES: 32, HEADS: false },
    grid: [Math.ceil((Math.ceil(r.P / 4) * Math.ceil(r.B / ROWS)) / 32), 1, work.count],
  });
}
