import type { RecurrenceParams } from "./recurrence.ts";

type Steps = RecurrenceParams & { readonly stepCount: number };

/** Step i of a dispatch with several, as the params of a dispatch of its own. `goes`: 1 forward, -1 back. */
function stepOf<P extends Steps>(p: P, i: number, goes: 1 | -1): P {
  const moved = [0, 1].flatMap((d) => {
    const [time, before, after, next] = timesOf(p, d);
    const one = goes * (after - before);
    return Object.entries({
      [`time${d}`]: time + i * one,
      [`before${d}`]: before + i * one,
      [`after${d}`]: after + i * one,
      [`next${d}`]: i === 0 ? next : time + (i - 1) * one,
    });
  });
  return { ...p, stepCount: 1, ...Object.fromEntries(moved) };
}

/** The steps of a dispatch of recurrent-forward, one by one. */
export function* stepsForward<P extends Steps>(p: P): Generator<P> {
  for (let i = 0; i < p.stepCount; i++) yield stepOf(p, i, 1);
}

/** The steps of a dispatch of recurrent-backward, one by one. */
export function* stepsBackward<
  P extends Steps & { readonly count: number; readonly hasProduct: number; readonly hasCarry: number },
>(p: P): Generator<P> {
  for (let i = 0; i < p.stepCount; i++) {
    const { hasProduct, hasCarry } = i > 0 ? { hasProduct: 1, hasCarry: 1 } : p;
    yield { ...stepOf(p, i, -1), count: hasProduct ? p.count : 0, hasCarry };
  }
}

const timesOf = (p: RecurrenceParams, d: number) =>
  d === 0 ? ([p.time0, p.before0, p.after0, p.next0] as const) : ([p.time1, p.before1, p.after1, p.next1] as const);

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
    const [time, before, after, next] = timesOf(p, this.d);
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
