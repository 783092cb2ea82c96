import type { RecurrenceParams } from "../kernels/recurrence.ts";
import { RowPlace } from "../kernels/recurrent-row.ts";
import { type Calls, type Range, ranges } from "./calls.ts";
import { type NativeContext, panelsOf, threadsFor } from "./native.ts";

/** Bytes of a number. */
export const F = 4;

/** Rows in memory: the byte address of the first, and how far they are apart. */
export interface Rows {
  readonly at: number;
  readonly row: number;
}

/** What a recurrent kernel's calls share for one direction: where its rows lie, by the layouts that its twin has. */
export class DirectionLayout {
  /** The first row, and how many there are. */
  readonly from: number;
  readonly B: number;
  readonly d: number;
  readonly time: number;
  readonly before: number;
  readonly after: number;
  readonly next: number;
  /** The address of the step's mask, 0 where there is none. */
  readonly mask: number;
  readonly #p: RecurrenceParams;
  readonly #first: RowPlace;
  readonly #second: RowPlace;
  readonly #control: number;

  /** @param rows those of the dispatch that are meant; default all */
  constructor(p: RecurrenceParams, z: number, control: number, rows: Range = { from: 0, count: p.B }) {
    this.#p = p;
    this.from = rows.from;
    this.B = rows.count;
    this.#first = new RowPlace(p, z, rows.from);
    this.#second = new RowPlace(p, z, rows.from + 1);
    const { d, time, before, after, next } = this.#first;
    this.d = d;
    this.time = time;
    this.before = before;
    this.after = after;
    this.next = next;
    this.#control = control;
    this.mask = p.hasMask ? control + F * (p.maskAt + time * p.B + rows.from) : 0;
  }

  #rows(base: number, of: (row: RowPlace) => number): Rows {
    const at = of(this.#first);
    return { at: base + F * at, row: F * (of(this.#second) - at) };
  }

  h(base: number, slot: number): Rows {
    return this.#rows(base, (row) => row.h(slot));
  }

  /** State `s`: h, or a cell state. */
  state(bases: { readonly h: number; readonly states: number }, s: number, slot: number): Rows {
    return s === 0 ? this.h(bases.h, slot) : this.#rows(bases.states, (row) => row.cellState(s, slot));
  }

  intermediate(base: number, slot: number): Rows {
    return this.#rows(base, (row) => row.intermediate(slot));
  }

  gates(base: number, time: number): Rows {
    return this.#rows(base, (row) => row.gates(time));
  }

  /** In an array `[D,B,size]`. */
  of(base: number, size: number): Rows {
    return this.#rows(base, (row) => row.of(size));
  }

  /** What of its random numbers' counters is fixed: the seed's address, the first row's first unit, and the distance of rows. */
  get noise() {
    const { H, D } = this.#p;
    return { seed: this.#control + F * this.#p.seedAt, unit: (this.from * D + this.d) * H, unitRow: D * H };
  }

  /** Whether state `s` of a step keeps something of its previous value. */
  keeps(s: number): boolean {
    return this.mask !== 0 || this.#rateOf(s) > 0;
  }

  #rateOf(s: number): number {
    return s === 0 ? this.#p.zoneoutH : this.#p.zoneoutCell;
  }

  /** What decides how much of its previous value state `s` keeps, as the module's functions take it. */
  zoneoutOf(s: number): readonly number[] {
    const { hasNoise, stream } = this.#p;
    const { seed, unit, unitRow } = this.noise;
    return [this.#rateOf(s), hasNoise ? seed : 0, stream + (s === 0 ? 1 : 2), this.time, unit, unitRow];
  }

  /** Adds what makes `next` of state `s` hold what it keeps of `prev`. */
  addKept(calls: Calls, wasm: NativeContext["wasm"], s: number, units: number, prev: Rows, next: Rows): void {
    const { B } = this;
    if (this.#rateOf(s) > 0)
      calls.add(wasm.zoneout, B, units, ...this.zoneoutOf(s), prev.at, prev.row, next.at, next.row);
    if (this.mask) calls.add(wasm.copyRows, B, units, this.mask, prev.at, prev.row, next.at, next.row);
  }

  /** Adds recurrent dropout of rows, where the layer has it. */
  addDropout(calls: Calls, wasm: NativeContext["wasm"], units: number, from: Rows, to: Rows): void {
    const { B } = this;
    const { recurrentDropout: rate, stream } = this.#p;
    if (rate === 0) return;
    const { seed, unit, unitRow } = this.noise;
    calls.add(wasm.dropRows, B, units, rate, seed, stream, unit, unitRow, from.at, from.row, to.at, to.row);
  }
}

/** Adds C = A·B, or C += A·B, of matrices whose rows are contiguous. `B` sequences, `units` of the results. */
export function addRowsProduct(
  calls: Calls,
  context: NativeContext,
  size: { readonly B: number; readonly units: number; readonly K: number },
  operands: { readonly a: Rows; readonly weight: Rows; readonly to: Rows; readonly accumulate?: boolean },
): void {
  const { B, units, K } = size;
  const { a, accumulate = false } = operands;
  const adds = accumulate ? 1 : 0;
  const { product } = context.wasm;
  const all = ranges(units, threadsFor(context, 2 * B * units * K), 8, 32);
  calls.divide(context.team, all, (calls, { from, count }, thread) => {
    const [weight, to] = [shifted(operands.weight, from), shifted(operands.to, from)];
    const panels = panelsOf(context, thread);
    calls.add(product, B, count, K, a.at, a.row, F, weight.at, weight.row, F, to.at, to.row, 0, adds, panels);
  });
}

/** Rows from the `units`-th number on. */
export const shifted = ({ at, row }: Rows, units: number): Rows => ({ at: at + F * units, row });
