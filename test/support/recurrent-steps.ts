/** Steps for the kernels of recurrent layers: sizes and switches, and the numbers that all kernels of a step read. */
import fc from "fast-check";
import { type FullCell, savedNames, type Unit, type Values } from "../../src/cells/index.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { Numbers } from "./against-twin.ts";

export interface Step {
  readonly T: number;
  readonly B: number;
  readonly H: number;
  readonly D: number;
  /** Step of the dispatch. */
  readonly t: number;
  /** The one direction that `gates` holds, or both. */
  readonly only: 0 | 1 | undefined;
  /** Times that `gates` holds before and after the one of step t, where there are as many. */
  readonly around: number;
  /** Bit d: direction d runs from the end. */
  readonly backwards: number;
  /** Chooses what else a step may have, see `choose`. */
  readonly bits: number;
}

/** What a step may have besides, each by a bit of its own. */
const switches = ["first", "second", "output", "mask", "noise", "zoneoutH", "zoneoutCell", "dropout"] as const;
const further = ["zeroOutput", "projected", "large"] as const;
type Switch = (typeof switches)[number] | (typeof further)[number];

export const choose = ({ bits }: Step): Readonly<Record<Switch, boolean>> =>
  Object.fromEntries([...switches, ...further].map((name, i) => [name, ((bits >> i) & 1) === 1])) as Record<
    Switch,
    boolean
  >;

/** Numbers without order, so that every table row has other switches. */
const scrambled = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 21;

/** Largest number of elements that `states` and `gates` hold per slot: fewer times where rows are wide. */
export const MOST = 12_000;

const step = (T: number, B: number, H: number, D: number, i: number): Step => {
  const times = Math.max(1, Math.min(T, Math.floor(MOST / (B * H * D))));
  return {
    T: times,
    B,
    H,
    D,
    t: (3 * i) % times,
    only: D === 1 ? undefined : ([undefined, 0, 1] as const)[i % 3],
    around: i % 4,
    backwards: D === 2 ? [2, 2, 1, 3, 0][i % 5]! : i % 2,
    bits: scrambled(i),
  };
};

export const table: readonly Step[] = (
  [
    [1, 1, 1, 1],
    [2, 1, 3, 1],
    [3, 2, 4, 2],
    [4, 3, 5, 1],
    [5, 5, 7, 2],
    [2, 8, 8, 2],
    [70, 9, 13, 1],
    [67, 4, 2, 2],
    [5, 17, 6, 2],
    [1, 1, 130, 2],
    [2, 2, 33, 1],
    [4, 31, 9, 2],
    [7, 1, 127, 1],
    [2, 40, 18, 2],
    [3, 37, 61, 1],
    [23, 3, 29, 1],
  ] as const
).map(([T, B, H, D], i) => step(T, B, H, D, i));

export const anyStep: fc.Arbitrary<Step> = fc
  .record({
    T: fc.integer({ min: 1, max: 70 }),
    B: fc.integer({ min: 1, max: 40 }),
    H: fc.integer({ min: 1, max: 130 }),
    D: fc.integer({ min: 1, max: 2 }),
    i: fc.nat(2047),
  })
  .map(({ T, B, H, D, i }) => step(T, B, H, D, i));

/**
 * A variant limits the sizes: a workgroup owns four units a lane where it owns a row; projections have no heads. Where it has
 * all units of its rows, and the cell one product, a dispatch goes through up to four steps: `goes` 1 forward, -1 back.
 */
export function fitted(cell: FullCell | undefined, constants: Constants, s: Step, goes: 1 | -1 = 1) {
  const { LANES, HEADS, ACROSS_UNITS } = constants;
  const shared = Number(constants.SLICES ?? 1) > 1;
  const H = ACROSS_UNITS ? Math.min(s.H, 4 * Number(LANES)) : s.H;
  // The smallest divisor, which is H itself where it is prime.
  const divisor = Array.from({ length: H }, (_, i) => i + 1).find((n) => n > 1 && H % n === 0) ?? 1;
  const isOpen = cell === undefined || (cell.separate.length === 0 && !cell.intermediate && cell.recurrent);
  const P = choose(s).projected && isOpen && !HEADS && !shared ? Math.max(1, Math.floor(0.6 * H)) : H;
  const words = ACROSS_UNITS ? Number(LANES) : shared ? Number(LANES) / Number(constants.SLICES) : 0;
  const goesOn = 4 * words >= H && P === H && cell !== undefined && !cell.intermediate && !constants.FINISH;
  const stepCount = goesOn ? Math.min(s.T, 1 + (s.bits % 4)) : 1;
  const t = goes === 1 ? Math.min(s.t, s.T - stepCount) : Math.max(s.t, stepCount - 1);
  const slots = stepCount > 1 ? stepCount + 1 : 2 + (s.bits % 3);
  return { ...s, t, H, P, heads: HEADS ? divisor : 1, slots, stepCount, goes, around: s.around + stepCount - 1 };
}
export type Fitted = ReturnType<typeof fitted>;

const isBackwards = ({ backwards }: Step, d: number) => ((backwards >> d) & 1) === 1;
const timeOf = (s: Step, d: number, t = s.t) => (isBackwards(s, d) ? s.T - 1 - t : t);

/** The chunk of `gates` that a case has, and the number of its times. */
function chunkOf(s: Step) {
  // Directions that work on both ends of the sequence share a chunk that holds all of it.
  if (s.D === 2 && s.only === undefined) return { direction: 0, directions: 2, start: 0, times: s.T };
  const direction = s.only ?? 0;
  const time = timeOf(s, direction);
  const start = Math.max(0, time - s.around);
  return { direction, directions: 1, start, times: Math.min(s.T, time + s.around + 1) - start };
}

/** Step i of a direction: any two slots will do for one step, several have theirs in a row. */
function stepOf(s: Fitted, d: number, i = 0) {
  const time = timeOf(s, d, s.t + i * s.goes);
  if (s.stepCount > 1) {
    const place = s.goes === 1 ? i : s.stepCount - 1 - i;
    const one = isBackwards(s, d) ? -1 : 1;
    const before = one === 1 ? place : s.stepCount - place;
    return { time, before, after: before + one, next: time + one };
  }
  const before = (s.t + d) % s.slots;
  const after = (before + 1 + (s.bits % (s.slots - 1))) % s.slots;
  return { time, before, after, next: time + (isBackwards(s, d) ? -1 : 1) };
}

/** What a unit may have come from: three steps of its own from a state of zero. */
export function history(
  cell: FullCell,
  numbers: Numbers,
  learned: Values,
  direction: number,
): { prev: Values; saved: Values } {
  const unit: Unit = { direction, mean: (value) => 0.3 * value };
  const some = () => Object.fromEntries(cell.gates.map((gate) => [gate, numbers.floats(1)[0]!]));
  let prev: Values = Object.fromEntries(cell.states.map((name) => [name, 0]));
  for (let i = 0; i < 2; i++) prev = cell.forward(some(), some(), prev, learned, unit).state;
  return { prev, saved: cell.forward(some(), some(), prev, learned, unit).saved };
}

/** The numbers that all kernels of a step read. */
export class Layout {
  readonly numbers: Numbers;
  readonly chunk: ReturnType<typeof chunkOf>;
  readonly W: number;
  readonly learned: Float32Array;
  readonly h: Float32Array;
  readonly states: Float32Array;
  readonly gates: Float32Array;
  readonly cellStates: number;
  readonly droppedAt: number;
  readonly intermediateAt: number;
  readonly has: Readonly<Record<Switch, boolean>>;
  readonly recurrentDropout: number;
  readonly s: Fitted;
  readonly #cell: FullCell | undefined;

  constructor(title: string, cell: FullCell | undefined, s: Fitted) {
    const { B, D, H, P, slots } = s;
    this.s = s;
    this.#cell = cell;
    this.numbers = new Numbers(`${title} ${cell?.name} ${JSON.stringify(s)}`);
    this.chunk = chunkOf(s);
    this.has = choose(s);
    this.W = (cell ? savedNames(cell).length : 3) + (P < H ? 1 : 0);
    this.recurrentDropout = this.has.dropout ? 0.3 : 0;
    const { numbers } = this;
    const { directions, times } = this.chunk;
    this.cellStates = (cell?.states.length ?? 2) - 1;
    this.droppedAt = slots * B * D * P;
    this.intermediateAt = slots * this.cellStates * B * directions * H;
    this.learned = numbers.floats(Math.max(1, cell?.learned.length ?? 0) * D * H);
    this.h = numbers.floats(this.droppedAt * (this.has.dropout ? 2 : 1));
    const intermediate = cell?.intermediate || P < H ? slots * B * directions * H : 0;
    this.states = numbers.floats(Math.max(1, this.intermediateAt + intermediate));
    this.gates = numbers.floats(times * B * directions * this.W * H, this.has.large ? 40 : 1);
  }

  /** Puts what a cell may have left into `h`, `states` and, for a step backward, into `gates`. */
  remember(what: { readonly saved: boolean }): void {
    const cell = this.#cell!;
    const { B, D, H, P } = this.s;
    const { direction, directions, start } = this.chunk;
    const names = savedNames(cell);
    const parameters = cell.learned.map(({ name }) => name);
    const all = Array.from({ length: directions * this.s.stepCount }, (_, n) => [n % directions, n] as const);
    for (const [z, n] of all) {
      const d = direction + z;
      const { time, before } = stepOf(this.s, d, Math.floor(n / directions));
      for (let row = 0; row < B; row++) {
        for (let u = 0; u < H; u++) {
          const own = Object.fromEntries(
            parameters.map((name, n) => [name, this.learned[(d * parameters.length + n) * H + u]!]),
          );
          const { prev, saved } = history(cell, this.numbers, own, d);
          cell.states.forEach((name, i) => {
            const inSlot = before * this.cellStates + i - 1;
            if (i > 0) this.states[((inSlot * B + row) * directions + z) * H + u] = prev[name]!;
            else if (u < P) this.h[((before * B + row) * D + d) * P + u] = prev[name]!;
          });
          if (!what.saved) continue;
          const at = (((time - start) * B + row) * directions + z) * this.W * H;
          names.forEach((name, w) => {
            this.gates[at + w * H + u] = saved[name] ?? 0;
          });
        }
      }
    }
  }

  /** Whether the mask lies in front of the seed. */
  get #maskFirst(): boolean {
    return this.s.bits % 2 === 0;
  }

  /** Seed and mask. */
  control(): Int32Array {
    const { T, B } = this.s;
    const seed = this.numbers.integers(1, -(2 ** 31), 2 ** 31 - 1);
    const mask = this.numbers.integers(T * B, 0, 1);
    return Int32Array.from(this.#maskFirst ? [...mask, ...seed] : [...seed, ...mask]);
  }

  /** Params of every kernel of a step. */
  get shared() {
    const { T, B, H, D, P } = this.s;
    const { times: _, ...chunk } = this.chunk;
    const { mask, noise, zoneoutH, zoneoutCell, zeroOutput } = this.has;
    const steps = [0, 1].flatMap((d) =>
      Object.entries(stepOf(this.s, d)).map(([name, value]) => [`${name}${d}`, Math.max(0, value)] as const),
    );
    return {
      B,
      D,
      H,
      P,
      W: this.W,
      ...chunk,
      cellStates: this.cellStates,
      droppedAt: this.droppedAt,
      intermediateAt: this.intermediateAt,
      zeroOutput: +zeroOutput,
      hasMask: +mask,
      maskAt: this.#maskFirst ? 0 : 1,
      hasNoise: +noise,
      seedAt: this.#maskFirst ? T * B : 0,
      stream: 0xfffffffe,
      zoneoutH: zoneoutH ? 0.25 : 0,
      zoneoutCell: zoneoutCell ? 0.5 : 0,
      recurrentDropout: this.recurrentDropout,
      ...Object.fromEntries(steps),
    };
  }

  /** A weight of the transposed product, in whole words of four. */
  weight(gates: number, K: number, U: number): Float32Array {
    return this.numbers.floats(this.s.D * gates * K * Math.ceil(U / 4) * 4, 1 / Math.sqrt(K));
  }

  /** Whether `gates` holds the step after this one, in every direction. */
  get holdsNext(): boolean {
    const { direction, directions, start, times } = this.chunk;
    return Array.from({ length: directions }, (_, z) => direction + z).every((d) => {
      const { next } = stepOf(this.s, d);
      return this.s.t < this.s.T - 1 && next >= start && next < start + times;
    });
  }

  grid(constants: Constants, U: number): [number, number, number] {
    return gridOf(constants, this.s.B, U, this.chunk.directions);
  }
}

/** Workgroups for U results of B rows, in each direction or layer. */
export function gridOf(constants: Constants, B: number, U: number, directions: number): [number, number, number] {
  const { ROWS, LANES, ACROSS_UNITS, SLICES, SHARED } = constants;
  if (Number(SLICES ?? 1) > 1) {
    const words = Number(LANES) / Number(SLICES);
    return [Math.ceil(Math.ceil(U / 4) / words) * Math.ceil(B / Number(ROWS)), 1, directions];
  }
  if (ACROSS_UNITS) return [B, 1, directions];
  const owners = Math.ceil(Math.ceil(U / 4) / Number(SHARED ?? 1)) * Number(SHARED ?? 1);
  const invocations = owners * Math.ceil(B / Number(ROWS));
  return [Math.ceil(invocations / Number(LANES)), 1, directions];
}
