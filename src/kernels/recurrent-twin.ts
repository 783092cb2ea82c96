import type { FullCell, Unit, Values } from "../cells/cell.ts";
import { OptionError } from "../errors.ts";
import { uniform } from "../random.ts";
import type { ArrayOf } from "./kernel.ts";
import type { RecurrenceParams } from "./recurrence.ts";
import { RowPlace } from "./recurrent-row.ts";

// What the twins of the recurrent kernels share: the layouts of shaders/lib/recurrence.wgsl and the cell, unit by unit.

type F32 = ArrayOf<"f32">;

/** The row that a twin is at, with its mask and its noise. */
export class Row extends RowPlace {
  readonly #p: RecurrenceParams;
  readonly #b: number;
  readonly #control: ArrayOf<"i32">;

  constructor(p: RecurrenceParams, z: number, b: number, control: ArrayOf<"i32">) {
    super(p, z, b);
    this.#p = p;
    this.#b = b;
    this.#control = control;
  }

  /** The time of the sequence. */
  get maskTime(): number {
    return this.time;
  }

  /** Whose activations the cell has. */
  get direction(): number {
    return this.d;
  }

  get isMasked(): boolean {
    return this.#p.hasMask === 1 && this.#control[this.#p.maskAt + this.maskTime * this.#p.B + this.#b] === 0;
  }

  /** Whether the output of this step is zero whatever the state is. */
  get isOutputZero(): boolean {
    return this.#p.zeroOutput === 1 && this.isMasked;
  }

  #draw(stream: number, step: number, unit: number): number {
    const index = (this.#b * this.#p.D + this.d) * this.#p.H + unit;
    return uniform(this.#control[this.#p.seedAt]! >>> 0, stream >>> 0, step, index);
  }

  /** How much of its previous value a unit's state keeps. */
  keep(state: number, unit: number): number {
    if (this.isMasked) return 1;
    const { zoneoutH, zoneoutCell, hasNoise, stream } = this.#p;
    const rate = state === 0 ? zoneoutH : zoneoutCell;
    if (rate === 0 || !hasNoise) return rate;
    return this.#draw(stream + (state === 0 ? 1 : 2), this.time, unit) < rate ? 1 : 0;
  }

  /** Whether R reads h after recurrent dropout, which lies `droppedAt` behind it. */
  get dropsH(): boolean {
    return this.#p.recurrentDropout > 0;
  }

  /** Recurrent dropout's factor. */
  dropFactor(unit: number): number {
    const { recurrentDropout, stream } = this.#p;
    if (recurrentDropout === 0) return 1;
    return this.#draw(stream, 0, unit) < recurrentDropout ? 0 : 1 / (1 - recurrentDropout);
  }
}

/** Rows of a kernel in the order of its grid. */
export function* rowsOf(p: RecurrenceParams, control: ArrayOf<"i32">): Generator<Row> {
  for (let z = 0; z < p.directions; z++) for (let b = 0; b < p.B; b++) yield new Row(p, z, b, control);
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
