import type { RecurrenceParams } from "../kernels/recurrence.ts";
import type { recurrentForward, recurrentInitial } from "../kernels/recurrent.ts";
import type { recurrentProject } from "../kernels/recurrent-projection.ts";
import { stepsForward } from "../kernels/recurrent-row.ts";
import { Calls, ranges } from "./calls.ts";
import { cellRun } from "./cell-run.ts";
import { type NativeContext, type NativeOf, pieces, threadsFor } from "./native.ts";
import { addRowsProduct, DirectionLayout, F, type Rows, shifted } from "./recurrent-layout.ts";

/** The directions of a dispatch. */
export const directionsOf = (p: RecurrenceParams, control: number): DirectionLayout[] =>
  Array.from({ length: p.directions }, (_, z) => new DirectionLayout(p, z, control));

/** What one direction of a step consists of; `at` is memory for all rows, `scratch` for those of one thread. */
export interface StepParts {
  readonly bytes: number;
  readonly scratchBytes: number;
  /** The products with R, of all rows: divided by columns, so that no thread packs what another one packs. */
  product(calls: Calls, l: DirectionLayout, at: number): void;
  /** The rest, row by row. */
  rows(calls: Calls, l: DirectionLayout, at: number, scratch: number): void;
}

/** The calls of steps, one after the other and direction by direction, for as many threads as it is worth. */
export function stepCalls<P extends RecurrenceParams>(
  steps: Iterable<P>,
  control: number,
  context: NativeContext,
  flops: number,
  partsOf: (l: DirectionLayout, p: P) => StepParts | undefined,
): (() => void) | undefined {
  const calls = new Calls();
  for (const p of steps) if (!addStep(calls, p, control, context, flops, partsOf)) return undefined;
  return calls.run;
}

function addStep<P extends RecurrenceParams>(
  calls: Calls,
  p: P,
  control: number,
  context: NativeContext,
  flops: number,
  partsOf: (l: DirectionLayout, p: P) => StepParts | undefined,
): boolean {
  for (let z = 0; z < p.directions; z++) {
    const l = new DirectionLayout(p, z, control);
    const parts = partsOf(l, p);
    if (!parts) return false;
    const all = ranges(p.B, threadsFor(context, flops), 1, 4);
    const [at, ...scratch] = pieces(context, parts.bytes, ...all.map(() => parts.scratchBytes)) as [
      number,
      ...number[],
    ];
    parts.product(calls, l, at);
    calls.divide(context.team, all, (calls, rows, thread) =>
      parts.rows(calls, new DirectionLayout(p, z, control, rows), at, scratch[thread]!),
    );
  }
  return true;
}

/** Numbers in memory that is read in words of four. */
export const padded = (units: number): number => Math.ceil(units / 4) * 4;

/** R·h of the gates from `from` to `to`, row by row into `to`: one product, or one for each gate and head. */
function addProduct(
  calls: Calls,
  context: NativeContext,
  sizes: { readonly B: number; readonly H: number; readonly K: number; readonly headUnits: number },
  gates: { readonly from: number; readonly to: number },
  operands: { readonly h: Rows; readonly weight: Rows; readonly product: Rows },
): void {
  const { B, H, K, headUnits } = sizes;
  const { h, weight, product } = operands;
  const add = (units: number, column: number, head: number) => {
    const parts = { a: shifted(h, head * K), weight: shifted(weight, column), to: shifted(product, column) };
    addRowsProduct(calls, context, { B, units, K }, parts);
  };
  const Hp = padded(H);
  if (headUnits >= H) {
    add((gates.to - gates.from) * Hp, gates.from * Hp, 0);
    return;
  }
  for (let g = gates.from; g < gates.to; g++)
    for (let u = 0; u < H; u += headUnits) add(Math.min(headUnits, H - u), g * Hp + u, u / headUnits);
}

const forward: NativeOf<typeof recurrentForward> = (at, p, context) => {
  const { cell, constants, wasm } = context;
  const { H, P, K } = p;
  const G = cell.gates.length;
  const last = cell.intermediate?.gates ?? 0;
  const isFirst = constants.INTERMEDIATE === true;
  // The gates whose product this dispatch computes.
  const [from, to] = isFirst ? [0, G - last] : [last > 0 ? G - last : 0, cell.recurrent ? G : 0];
  const rowUnits = G * padded(H);
  const flops = 2 * p.B * K * (to - from) * H;
  return stepCalls(stepsForward(p), at.control, context, flops, ({ d }) => {
    const part = isFirst ? "intermediate" : "forward";
    const variant = { part, direction: d as 0 | 1, save: constants.SAVE === true, hasBias: p.hasBias === 1 } as const;
    const made = cellRun(context, variant, H);
    if (!made) return undefined;
    return {
      bytes: F * p.B * rowUnits,
      scratchBytes: made.scratchBytes,
      product(calls, l, to0) {
        if (to === from) return;
        const before = l.h(at.h + (p.recurrentDropout > 0 ? F * p.droppedAt : 0), l.before);
        const h = from > 0 ? l.intermediate(at.states, l.after) : before;
        const weight = { at: at.weight + F * d * K * rowUnits, row: F * rowUnits };
        const product = { at: to0, row: F * rowUnits };
        addProduct(calls, context, { B: p.B, H, K, headUnits: p.headUnits }, { from, to }, { h, weight, product });
      },
      rows(calls, l, productAt, scratch) {
        const { B } = l;
        const product = { at: productAt + F * rowUnits * l.from, row: F * rowUnits };
        const gates = l.gates(at.gates, l.time);
        const states = cell.states.map((_, s) => ({ prev: l.state(at, s, l.before), next: l.state(at, s, l.after) }));
        const previous = states.flatMap(({ prev }) => [prev.at, prev.row]);
        const bias = at.bias + F * d * G * H;
        const learned = at.learned + F * d * cell.learned.length * H;
        const own = [B, H, gates.at, gates.row, product.at, product.row, bias, learned, scratch, ...previous];
        const intermediate = l.intermediate(at.states, l.after);
        if (isFirst) {
          calls.add(made.run, ...own, intermediate.at, intermediate.row);
          l.addDropout(calls, wasm, H, intermediate, intermediate);
          return;
        }
        const isProjected = P < H;
        const next = states.map((state, s) => (s === 0 && isProjected ? intermediate : state.next));
        calls.add(made.run, ...own, ...next.flatMap((rows) => [rows.at, rows.row]));
        for (const [s, { prev }] of states.entries())
          if (s > 0 || !isProjected) l.addKept(calls, wasm, s, H, prev, next[s]!);
        if (!isProjected) l.addDropout(calls, wasm, H, next[0]!, l.h(at.h + F * p.droppedAt, l.after));
      },
    };
  });
};

const initial: NativeOf<typeof recurrentInitial> = (at, p, { wasm }) => {
  const { B, D, H, P } = p;
  const calls = new Calls();
  for (const l of directionsOf(p, at.control)) {
    const given = l.of(at.h0, P);
    const h = l.h(at.h, l.before);
    calls.add(wasm.copyRows, B, P, 0, given.at, given.row, h.at, h.row);
    l.addDropout(calls, wasm, P, h, l.h(at.h + F * p.droppedAt, l.before));
    for (let s = 1; s <= p.cellStates; s++) {
      const from = l.of(at.cellStates0 + F * (s - 1) * D * B * H, H);
      const to = l.state(at, s, l.before);
      calls.add(wasm.copyRows, B, H, 0, from.at, from.row, to.at, to.row);
    }
  }
  return calls.run;
};

const project: NativeOf<typeof recurrentProject> = (at, p, context) => {
  const { wasm } = context;
  const { B, H, P } = p;
  const calls = new Calls();
  for (const l of directionsOf(p, at.control)) {
    const from = l.intermediate(at.states, l.after);
    const weight = { at: at.weight + F * l.d * H * padded(P), row: F * padded(P) };
    const next = l.h(at.h, l.after);
    addRowsProduct(calls, context, { B, units: P, K: H }, { a: from, weight, to: next });
    l.addKept(calls, wasm, 0, P, l.h(at.h, l.before), next);
    l.addDropout(calls, wasm, P, next, l.h(at.h + F * p.droppedAt, l.after));
  }
  return calls.run;
};

export const recurrentNatives = {
  "recurrent-forward": forward,
  "recurrent-initial": initial,
  "recurrent-project": project,
};
