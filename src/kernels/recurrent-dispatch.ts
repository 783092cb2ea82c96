import type { Dispatch, Target, View } from "../plan/plan.ts";
import { dispatch } from "./kernel.ts";
import { recurrentBackward, recurrentForward } from "./recurrent.ts";

const LANES = 32;

/** The sizes of a recurrent layer: T steps, B rows, D directions, H units. */
export interface RecurrentSizes {
  readonly T: number;
  readonly B: number;
  readonly D: number;
  readonly H: number;
}

/** The part of `work` that a step uses: directions `first` to `first + count - 1`, times from `start` on. */
export interface WorkPart {
  readonly view: View;
  readonly first: number;
  readonly count: number;
  readonly start: number;
}

/** Sequences for each invocation: a weight that was read serves them all; a GPU needs enough invocations first. */
function rowsFor(target: Target, { B, H }: RecurrentSizes): number {
  if (B < 4) return 1;
  if (target.software) return B >= 16 ? 8 : 4;
  return B * H >= 65536 ? 4 : 1;
}

const gridOf = ({ B, H }: RecurrentSizes, rows: number, directions: number): [number, number, number] => [
  Math.ceil((Math.ceil(H / 4) * Math.ceil(B / rows)) / LANES),
  1,
  directions,
];

/** Step `t` forward. */
export function stepForward(
  target: Target,
  call: {
    readonly label: string;
    readonly cell: string;
    readonly t: number;
    readonly sizes: RecurrentSizes;
    readonly work: WorkPart;
    readonly save: boolean;
    readonly weight: View;
    readonly bias: View | undefined;
    readonly initial: { readonly h: View; readonly rest: View } | undefined;
    readonly h: View;
    readonly rest: View;
  },
): Dispatch {
  const { sizes, work, weight, bias, initial } = call;
  const ROWS = rowsFor(target, sizes);
  return dispatch(recurrentForward, {
    label: call.label,
    cell: call.cell,
    views: {
      weight,
      bias: bias ?? weight,
      h0: initial?.h ?? weight,
      rest0: initial?.rest ?? weight,
      work: work.view,
      h: call.h,
      rest: call.rest,
    },
    params: {
      ...sizes,
      t: call.t,
      firstDirection: work.first,
      workD: work.count,
      workStart: work.start,
      hasBias: bias ? 1 : 0,
      hasInitial: initial ? 1 : 0,
    },
    constants: { ROWS, LANES, FIRST: call.t === 0, SAVE: call.save },
    grid: gridOf(sizes, ROWS, work.count),
  });
}

/** Step `t` backward; `finish` instead folds what step `t` left into the carry. */
export function stepBackward(
  target: Target,
  call: {
    readonly label: string;
    readonly cell: string;
    readonly t: number;
    readonly sizes: RecurrentSizes;
    readonly work: WorkPart;
    readonly finish: boolean;
    readonly hasCarry: boolean;
    readonly hasProduct: boolean;
    readonly weight: View;
    readonly h: View;
    readonly rest: View;
    readonly outputGradient: View | undefined;
    readonly carry: View;
  },
): Dispatch {
  const { sizes, work, weight, outputGradient } = call;
  const ROWS = rowsFor(target, sizes);
  return dispatch(recurrentBackward, {
    label: call.label,
    cell: call.cell,
    views: {
      weight,
      h: call.h,
      rest: call.rest,
      outputGradient: outputGradient ?? weight,
      work: work.view,
      carry: call.carry,
    },
    params: {
      ...sizes,
      t: call.t,
      firstDirection: work.first,
      workD: work.count,
      workStart: work.start,
      hasCarry: call.hasCarry ? 1 : 0,
      hasProduct: call.hasProduct ? 1 : 0,
      hasOutput: outputGradient ? 1 : 0,
    },
    constants: { ROWS, LANES, FINISH: call.finish },
    grid: gridOf(sizes, ROWS, work.count),
  });
}
