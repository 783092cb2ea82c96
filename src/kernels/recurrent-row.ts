import type { RecurrenceParams } from "./recurrence.ts";

/** Where a row of a recurrent kernel is: its direction, its times and slots, and where its numbers lie. */
export class RowPlace {
  readonly d: number;
  readonly time: number;
  /** Slots of the states that the step reads and writes. */
  readonly before: number;
  readonly after: number;
  /** The time of the step after this one. */
  readonly next: number;
  readonly #p: RecurrenceParams;
  readonly #b: number;
  readonly #z: number;

  constructor(p: RecurrenceParams, z: number, b: number) {
    this.d = p.direction + z;
    const [time, before, after, next] =
      this.d === 0 ? [p.time0, p.before0, p.after0, p.next0] : [p.time1, p.before1, p.after1, p.next1];
    this.time = time;
    this.before = before;
    this.after = after;
    this.next = next;
    this.#p = p;
    this.#b = b;
    this.#z = z;
  }

  /** In `h` and its like, `[slots,B,D,P]`. */
  h(slot: number): number {
    return this.#in(slot, this.#p.D, this.d, this.#p.P);
  }

  /** In `states`: state s >= 1. */
  cellState(s: number, slot: number): number {
    return this.#in(slot * this.#p.cellStates + s - 1, this.#p.directions, this.#z, this.#p.H);
  }

  /** In `states`: the intermediate vector. */
  intermediate(slot: number): number {
    return this.#p.intermediateAt + this.#in(slot, this.#p.directions, this.#z, this.#p.H);
  }

  /** The W slots of `gates` at a time. */
  gates(time: number): number {
    const { start, directions, W, H } = this.#p;
    return this.#in(time - start, directions, this.#z, W * H);
  }

  /** In an array `[D,B,size]`. */
  of(size: number): number {
    return (this.d * this.#p.B + this.#b) * size;
  }

  /** In an array `[slots,B,directions,size]`. */
  #in(slot: number, directions: number, direction: number, size: number): number {
    return ((slot * this.#p.B + this.#b) * directions + direction) * size;
  }
}
