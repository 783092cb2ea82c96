import type { FullCell, Unit, Values } from "../cells/index.ts";
import { OptionError } from "../errors.ts";
import { uniform } from "../random.ts";
import type { ArrayOf } from "./kernel.ts";

// What the twins of the recurrent kernels share: the layouts of shaders/lib/recurrent-*.wgsl and the cell, unit by unit.

type F32 = ArrayOf<"f32">;

/** Params of every recurrent kernel. */
export interface Layout {
  readonly t: number;
  readonly T: number;
  readonly B: number;
  readonly D: number;
  readonly H: number;
  readonly P: number;
  readonly W: number;
  readonly slots: number;
  readonly restAt: number;
  readonly firstDirection: number;
  readonly workD: number;
  readonly workStart: number;
  readonly backwards: number;
  readonly hasMask: number;
  readonly maskAt: number;
  readonly hasNoise: number;
  readonly stream: number;
  readonly zoneoutH: number;
  readonly zoneoutRest: number;
  readonly recurrentDropout: number;
}

/** The row that a twin is at: its direction, its times and slots, and where its numbers lie. */
export class Row {
  readonly d: number;
  readonly time: number;
  readonly after: number;
  readonly before: number;
  readonly #p: Layout;
  readonly #b: number;
  readonly #z: number;
  readonly #control: ArrayOf<"i32">;

  constructor(p: Layout, z: number, b: number, control: ArrayOf<"i32">) {
    this.d = p.firstDirection + z;
    const runsBackwards = ((p.backwards >> this.d) & 1) === 1;
    this.time = runsBackwards ? p.T - 1 - p.t : p.t;
    this.after = this.time + 1;
    this.before = runsBackwards ? this.time + 2 : this.time;
    this.#p = p;
    this.#b = b;
    this.#z = z;
    this.#control = control;
  }

  /** The time of the step after this one. */
  get nextTime(): number {
    return this.time + (this.before > this.after ? -1 : 1);
  }

  /** In an array of states that begins at `at` and has `size` units. */
  state(at: number, size: number, slot: number): number {
    return at + ((slot * this.#p.B + this.#b) * this.#p.D + this.d) * size;
  }

  /** State s >= 1. */
  rest(s: number, slot: number): number {
    const { restAt, slots, B, D, H } = this.#p;
    return this.state(restAt + (s - 1) * slots * B * D * H, H, slot);
  }

  /** The W slots of `work` at a time. */
  work(time: number): number {
    const { workStart, B, workD, W, H } = this.#p;
    return (((time - workStart) * B + this.#b) * workD + this.#z) * W * H;
  }

  /** In an array `[D,B,size]`. */
  of(size: number): number {
    return (this.d * this.#p.B + this.#b) * size;
  }

  get isPassedOver(): boolean {
    return this.#p.hasMask === 1 && this.#control[this.#p.maskAt + this.time * this.#p.B + this.#b] === 0;
  }

  #draw(stream: number, step: number, unit: number): number {
    const index = (this.#b * this.#p.D + this.d) * this.#p.H + unit;
    return uniform(this.#control[0]! >>> 0, stream >>> 0, step, index);
  }

  /** How much of its previous value a unit's state keeps. */
  heldBack(state: number, unit: number): number {
    if (this.isPassedOver) return 1;
    const { zoneoutH, zoneoutRest, hasNoise, stream } = this.#p;
    const rate = state === 0 ? zoneoutH : zoneoutRest;
    if (rate === 0 || !hasNoise) return rate;
    return this.#draw(stream + (state === 0 ? 1 : 2), this.time, unit) < rate ? 1 : 0;
  }

  /** Recurrent dropout's factor. */
  heardPart(unit: number): number {
    const { recurrentDropout, stream } = this.#p;
    if (recurrentDropout === 0) return 1;
    return this.#draw(stream, 0, unit) < recurrentDropout ? 0 : 1 / (1 - recurrentDropout);
  }
}

/** Rows of a kernel in the order of its grid. */
export function* rowsOf(p: Layout, control: ArrayOf<"i32">): Generator<Row> {
  for (let z = 0; z < p.workD; z++) for (let b = 0; b < p.B; b++) yield new Row(p, z, b, control);
}

/** Puts the values at `at`, `at + stride`, … under their names, into an object that may serve again and again. */
export function load(into: Values, names: readonly string[], from: F32, at: number, stride: number): Values {
  for (let i = 0; i < names.length; i++) into[names[i]!] = from[at + i * stride]!;
  return into;
}

/** Puts the named values at `at`, `at + stride`, …; what a cell leaves out is zero, as in its WGSL. */
export function store(names: readonly string[], values: Values, to: F32, at: number, stride: number): void {
  names.forEach((name, i) => {
    to[at + i * stride] = values[name] ?? 0;
  });
}

/** Reads a unit's learned numbers of direction d. */
export function learnedReader(cell: FullCell, learned: F32, H: number): (d: number, u: number) => Values {
  const names = cell.learned.map(({ name }) => name);
  const values: Values = {};
  return (d, u) => load(values, names, learned, d * names.length * H + u, H);
}

/** Ends a pass of a unit that asks for a mean which is not known yet. */
const unknown = Symbol("a mean that is not known yet");

/**
 * Runs a cell's maths for all units of a row and hands each result on. A cell that takes means over the units is run again
 * for each mean: a pass finds the values of the next one, which is then known in the pass after it. Plain, and slow where
 * there are many.
 */
export function forAllUnits<Result>(
  cell: FullCell,
  H: number,
  direction: number,
  maths: (u: number, unit: Unit) => Result,
  finish: (u: number, result: Result) => void,
): void {
  if (!cell.acrossUnits) {
    const mean = (): never => {
      throw new OptionError(`cell "${cell.name}" asks for a mean over units; define it with acrossUnits: true`);
    };
    for (let u = 0; u < H; u++) finish(u, maths(u, { direction, mean }));
    return;
  }
  const units = Array.from({ length: H }, (_, u) => u);
  const known: number[] = [];
  for (;;) {
    let sum = 0;
    let asked = false;
    const results = units.map((u) => {
      let at = 0;
      const mean = (value: number): number => {
        if (at < known.length) return known[at++]!;
        sum += value;
        asked = true;
        throw unknown;
      };
      try {
        return maths(u, { direction, mean });
      } catch (reason) {
        if (reason !== unknown) throw reason;
        return undefined;
      }
    });
    if (!asked) {
      for (const [u, result] of results.entries()) finish(u, result as Result);
      return;
    }
    known.push(sum / H);
  }
}
