import { type FullCell, savedNames } from "../cells/cell.ts";
import type { View } from "../plan/plan.ts";
import { f32, type Numbers, u32 } from "./kernel.ts";

// The memory and the options of a recurrent layer, as shaders/lib/recurrence.wgsl has them.

/** The members of its struct `Step`: what a direction works on in one step. */
const stepMembers = ["time", "before", "after", "next"] as const;

/** Rates that are numbers of the step kernels by themselves. */
const rates = ["zoneoutH", "zoneoutCell", "recurrentDropout"] as const;

/** The members of the struct `Recurrence`, with which the params of every recurrent kernel begin. */
export const recurrence = [
  ...u32("B", "D", "H", "P", "W", "start", "direction", "directions"),
  ...u32("cellStates", "droppedAt", "intermediateAt", "zeroOutput"),
  ...u32("hasMask", "maskAt", "hasNoise", "seedAt", "stream"),
  ...f32(...rates),
  ...u32("time0", "before0", "after0", "next0", "time1", "before1", "after1", "next1"),
] as const;
export type RecurrenceParams = Numbers<typeof recurrence>;

/** Options of a layer's steps, from the module to the kernels in one object. */
export interface StepOptions extends Readonly<Record<(typeof rates)[number], number>> {
  /** Blocks that R is divided into. */
  readonly numHeads: number;
  /** Outputs of masked steps are zero, or the state that is held. */
  readonly maskedOutput: "zero" | "hold";
}

export const noOptions: StepOptions = {
  zoneoutH: 0,
  zoneoutCell: 0,
  recurrentDropout: 0,
  numHeads: 1,
  maskedOutput: "zero",
};

/** Whether a training step with these options draws random numbers. */
export const drawsNoise = (options: StepOptions): boolean => rates.some((name) => options[name] > 0);

/** The options where no random numbers are: dropout is there in training only, zoneout has an expectation. */
export const withoutNoise = (options: StepOptions): StepOptions => ({ ...options, recurrentDropout: 0 });

/** Slots of states that a layer goes through from one call to the next, one direction only. */
export interface Ring {
  readonly slots: number;
  /** The slot of the first time, and the one that it reads. */
  readonly first: number;
  readonly before: number;
}

/** A recurrent layer over a sequence. */
export interface Recurrence {
  readonly cell: FullCell;
  /** Steps, rows, directions, units. */
  readonly T: number;
  readonly B: number;
  readonly D: number;
  readonly H: number;
  /** Size of h: H, or less with a projection. */
  readonly P: number;
  /** Bit d: direction d runs from the end of the sequence. */
  readonly backwards: number;
  readonly options: StepOptions;
  /** The seed `[1]`, the mask `[T,B]`, or both, and where they begin in it; undefined without noise and mask. */
  readonly control: { readonly view: View; readonly seedAt?: number; readonly maskAt?: number } | undefined;
  /** Of its random numbers. */
  readonly stream: number;
  /** Where the states of a call lie that goes on from the last one in place. */
  readonly ring?: Ring | undefined;
}

/** A stretch of time of one direction or both, whose gates and states lie in buffers of their own. */
export interface Chunk {
  /** First direction, and how many. */
  readonly direction: number;
  readonly directions: number;
  /** First time, and how many. */
  readonly start: number;
  readonly times: number;
  /** `[times,B,directions,W,H]` */
  readonly gates: View;
  /** Cell states `[slots,S-1,B,directions,H]` and intermediate vectors `[slots,B,directions,H]`. */
  readonly states: View;
}
export type ChunkShape = Omit<Chunk, "gates" | "states">;

/** Whether direction d runs from the end of the sequence. */
export const runsBackwards = ({ backwards }: Pick<Recurrence, "backwards">, d: number): boolean =>
  ((backwards >> d) & 1) === 1;

/** Slots that `gates` has for each unit: the cell's, and one for dh where there is a projection. */
export const gateSlots = ({ cell, H, P }: Pick<Recurrence, "cell" | "H" | "P">): number =>
  savedNames(cell).length + (P < H ? 1 : 0);

/**
 * Slots of a stretch of `times` in some directions: one for each time, and in front of them or behind them the one that the
 * first step reads. `first`: the slot of the first time.
 */
function slotsOf(r: Recurrence, { direction, directions, times }: Omit<ChunkShape, "start">) {
  if (r.ring) return { first: r.ring.first, count: r.ring.slots };
  const runs = Array.from({ length: directions }, (_, z) => runsBackwards(r, direction + z));
  const first = runs.includes(false) ? 1 : 0;
  return { first, count: first + times + (runs.includes(true) ? 1 : 0) };
}

/** h of the whole sequence, in every direction: `[slots,B,D,P]`, and once more after recurrent dropout. */
export function hLayout(r: Recurrence): { first: number; droppedAt: number; length: number } {
  const { first, count } = slotsOf(r, { direction: 0, directions: r.D, times: r.T });
  const length = count * r.B * r.D * r.P;
  return { first, droppedAt: length, length: length * (r.options.recurrentDropout > 0 ? 2 : 1) };
}

/** The states of a chunk besides h. `slot`: how long a slot of the cell states is. */
export function stateLayout(r: Recurrence, chunk: Omit<ChunkShape, "start">) {
  const { first, count } = slotsOf(r, chunk);
  const row = r.B * chunk.directions * r.H;
  const slot = (r.cell.states.length - 1) * row;
  const hasIntermediate = r.cell.intermediate !== undefined || r.P < r.H;
  return {
    first,
    slot,
    intermediateAt: count * slot,
    length: count * (slot + (hasIntermediate ? row : 0)),
  };
}

/** The slots and times of step t of a direction, in a chunk. */
export function stepAt(r: Recurrence, chunk: ChunkShape, t: number, d: number) {
  const backwards = runsBackwards(r, d);
  const time = backwards ? r.T - 1 - t : t;
  const after = stateLayout(r, chunk).first + time - chunk.start;
  const before = r.ring && t === 0 ? r.ring.before : after + (backwards ? 1 : -1);
  // The step after the last one is never read.
  const next = t === r.T - 1 ? time : time + (backwards ? -1 : 1);
  return { time, before, after, next };
}

/** A layer's h, seen so that the slots of a chunk are its slots too. */
export function hOf(r: Recurrence, chunk: ChunkShape, h: View): View {
  const shift = (hLayout(r).first + chunk.start - stateLayout(r, chunk).first) * r.B * r.D * r.P;
  return { buffer: h.buffer, offset: h.offset + shift, length: h.length - shift };
}

const flag = (value: boolean): number => (value ? 1 : 0);

/** The params of step t in a chunk. */
export function recurrenceParams(r: Recurrence, chunk: ChunkShape, t: number): RecurrenceParams {
  const { cell, B, D, H, P, options, control, stream } = r;
  const own = { time: 0, before: 0, after: 0, next: 0 };
  const steps = [0, 1].map((d) =>
    d >= chunk.direction && d < chunk.direction + chunk.directions ? stepAt(r, chunk, t, d) : own,
  );
  const byDirection = steps.flatMap((step, d) => stepMembers.map((name) => [`${name}${d}`, step[name]]));
  return {
    B,
    D,
    H,
    P,
    W: gateSlots(r),
    start: chunk.start,
    direction: chunk.direction,
    directions: chunk.directions,
    cellStates: cell.states.length - 1,
    droppedAt: hLayout(r).droppedAt,
    intermediateAt: stateLayout(r, chunk).intermediateAt,
    zeroOutput: flag(options.maskedOutput === "zero"),
    hasMask: flag(control?.maskAt !== undefined),
    maskAt: control?.maskAt ?? 0,
    hasNoise: flag(control?.seedAt !== undefined),
    seedAt: control?.seedAt ?? 0,
    stream,
    ...Object.fromEntries([...rates.map((name) => [name, options[name]]), ...byDirection]),
  } as RecurrenceParams;
}
