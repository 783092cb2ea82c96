import type { RecurrentGradientParams, recurrentBackward } from "../kernels/recurrent-gradient.ts";
import type { recurrentIntermediateBackward } from "../kernels/recurrent-intermediate.ts";
import type { recurrentProjectBackward } from "../kernels/recurrent-projection.ts";
import { stepsBackward } from "../kernels/recurrent-row.ts";
import { Calls } from "./calls.ts";
import { cellRun } from "./cell-run.ts";
import { type NativeContext, type NativeOf, pieces } from "./native.ts";
import { directionsOf, padded, stepCalls } from "./recurrent.ts";
import { addRowsProduct, type DirectionLayout, F, type Rows, shifted } from "./recurrent-layout.ts";

/** Weight by rows times what stands in slots of `gates` at a time, into `to`; `separate` of `G` gates have theirs further on. */
function addTransposed(
  calls: Calls,
  context: NativeContext,
  p: RecurrentGradientParams,
  l: DirectionLayout,
  operands: { readonly gates: number; readonly weight: number; readonly time: number; readonly to: Rows },
  { G, separate }: { readonly G: number; readonly separate: number },
): void {
  const { H, U, K } = p;
  const { B } = l;
  const { to } = operands;
  if (p.count === 0) {
    calls.add(context.wasm.clearRows, B, U, to.at, to.row);
    return;
  }
  const gates = l.gates(operands.gates, operands.time);
  const row = F * padded(U);
  const weight = { at: operands.weight + (l.d * p.weightGates + p.weightGate) * K * row, row };
  const slotOf = (g: number) => {
    const gate = p.slot + g;
    return gate + (gate >= G - separate && gate < G ? separate : 0);
  };
  for (let u = 0; u < U; u += p.headUnits) {
    const units = Math.min(p.headUnits, U - u);
    const head = u / p.headUnits;
    for (let gate = 0; gate < p.count; ) {
      let next = gate + 1;
      // Slots that follow each other are one operand, where a row of the weight goes with each of their numbers.
      while (next < p.count && K === H && slotOf(next) === slotOf(next - 1) + 1) next++;
      const parts = {
        a: shifted(gates, slotOf(gate) * H + head * K),
        weight: shifted(weight, gate * K * padded(U) + u),
      };
      const size = { B, units, K: (next - gate) * K };
      addRowsProduct(calls, context, size, { ...parts, to: shifted(to, u), accumulate: gate > 0 });
      gate = next;
    }
  }
}

/** Adds what makes `grad` of the product the whole gradient by h: recurrent dropout, the part that came by carry, the output's. */
function addToGradient(
  calls: Calls,
  wasm: NativeContext["wasm"],
  p: RecurrentGradientParams,
  l: DirectionLayout,
  grad: Rows,
  given: { readonly carry: number; readonly outputGradient: number | undefined },
): void {
  const { B } = l;
  const { P } = p;
  l.addDropout(calls, wasm, P, grad, grad);
  if (p.hasCarry) {
    const carry = l.of(given.carry, P);
    calls.add(wasm.addRows, B, P, 0, carry.at, carry.row, grad.at, grad.row);
  }
  if (given.outputGradient === undefined) return;
  const out = l.h(given.outputGradient, l.time);
  calls.add(wasm.addRows, B, P, p.zeroOutput ? l.mask : 0, out.at, out.row, grad.at, grad.row);
}

const backward: NativeOf<typeof recurrentBackward> = (at, all, context) => {
  const { cell, constants, wasm } = context;
  const { D, H, P, U } = all;
  const isFinish = constants.FINISH === true;
  const isProjected = !isFinish && P < H;
  const sizes = { G: cell.gates.length, separate: cell.separate.length };
  const row = F * padded(Math.max(U, H));
  const flops = 2 * all.B * all.count * all.K * U;
  return stepCalls(stepsBackward(all), at.control, context, flops, ({ d }, p) => {
    const variant = { part: "backward", direction: d as 0 | 1, save: true, hasBias: false } as const;
    const made = isFinish ? { run: () => {}, scratchBytes: 0 } : cellRun(context, variant, H);
    if (!made) return undefined;
    return {
      // The gradient by h, and of every state what goes straight to the step before.
      bytes: row * p.B * (1 + cell.states.length),
      scratchBytes: made.scratchBytes,
      product(calls, l, to) {
        const time = isFinish || isProjected ? l.time : l.next;
        const operands = { gates: at.gates, weight: at.weight, time, to: { at: to, row } };
        addTransposed(calls, context, p, l, operands, sizes);
      },
      rows(calls, l, base, scratch) {
        const { B } = l;
        const [grad, ...straights] = [0, ...cell.states.map((_, s) => s + 1)].map(
          (n): Rows => ({ at: base + row * (n * p.B + l.from), row }),
        ) as [Rows, ...Rows[]];
        const carryH = l.of(at.carry, P);
        const outputGradient = p.hasOutput && !isFinish ? at.outputGradient : undefined;
        // With a projection this is the part of the dispatch before.
        if (!isProjected) addToGradient(calls, wasm, p, l, grad, { carry: at.carry, outputGradient });
        if (isFinish) {
          calls.add(wasm.copyRows, B, P, 0, grad.at, grad.row, carryH.at, carryH.row);
          return;
        }
        const carry = cell.states.map((_, s) =>
          s === 0 ? carryH : l.of(at.carry + F * D * p.B * (P + (s - 1) * H), H),
        );
        if (!p.hasCarry) for (const rows of carry.slice(1)) calls.add(wasm.clearRows, B, H, rows.at, rows.row);
        const gradients = carry.map((rows, s) => (s === 0 ? grad : rows));
        // With a projection h's part is its own dispatch, and the cell gives none.
        const through = carry.map((rows, s) => (s === 0 && isProjected ? straights[0]! : rows));
        const kept = cell.states.flatMap((_, s) => ((s > 0 || !isProjected) && l.keeps(s) ? [s] : []));
        for (const s of kept) {
          const [own, rest] = [straights[s]!, gradients[s]!];
          calls.add(wasm.splitKept, B, H, l.mask, ...l.zoneoutOf(s), rest.at, rest.row, own.at, own.row);
        }
        const gates = l.gates(at.gates, l.time);
        const learned = at.learned + F * d * cell.learned.length * H;
        const states = [...cell.states.map((_, s) => l.state(at, s, l.before)), ...gradients, ...through];
        const rows = states.flatMap((one) => [one.at, one.row]);
        calls.add(made.run, B, H, gates.at, gates.row, learned, scratch, ...rows);
        calls.add(wasm.dropVanished, B, p.W * H, gates.at, gates.row);
        for (const one of through) calls.add(wasm.dropVanished, B, H, one.at, one.row);
        for (const s of kept) {
          const [own, all] = [straights[s]!, carry[s]!];
          calls.add(wasm.addRows, B, H, 0, own.at, own.row, all.at, all.row);
        }
      },
    };
  });
};

const intermediateBackward: NativeOf<typeof recurrentIntermediateBackward> = (at, p, context) => {
  const { cell, wasm } = context;
  const { B, D, H } = p;
  const calls = new Calls();
  const sizes = { G: cell.gates.length, separate: cell.separate.length };
  for (const l of directionsOf(p, at.control)) {
    const variant = { part: "intermediateBackward", direction: l.d as 0 | 1, save: true, hasBias: false } as const;
    const made = cellRun(context, variant, H);
    if (!made) return undefined;
    const [scratch, gradAt] = pieces(context, made.scratchBytes, F * B * padded(H)) as [number, number];
    const grad = { at: gradAt, row: F * padded(H) };
    addTransposed(calls, context, p, l, { gates: at.gates, weight: at.weight, time: l.time, to: grad }, sizes);
    l.addDropout(calls, wasm, H, grad, grad);
    const gates = l.gates(at.gates, l.time);
    const learned = at.learned + F * l.d * cell.learned.length * H;
    const previous = cell.states.map((_, s) => l.state(at, s, l.before));
    const through = cell.states.map((_, s) => l.of(at.carry + F * s * D * B * H, H));
    const states = [...previous, grad, ...through].flatMap((rows) => [rows.at, rows.row]);
    calls.add(made.run, B, H, gates.at, gates.row, learned, scratch, ...states);
  }
  return calls.run;
};

const projectBackward: NativeOf<typeof recurrentProjectBackward> = (at, p, context) => {
  const { wasm } = context;
  const { B, H, P, W } = p;
  const calls = new Calls();
  for (const l of directionsOf(p, at.control)) {
    const gates = l.gates(at.gates, l.time);
    const carry = l.of(at.carry, P);
    const [gradAt] = pieces(context, F * B * padded(P)) as [number];
    const grad = { at: gradAt, row: F * padded(P) };
    const operands = { gates: at.gates, weight: at.weight, time: l.next, to: grad };
    addTransposed(calls, context, p, l, operands, { G: 0, separate: 0 });
    addToGradient(calls, wasm, p, l, grad, {
      carry: at.carry,
      outputGradient: p.hasOutput ? at.outputGradient : undefined,
    });
    if (l.keeps(0)) calls.add(wasm.splitKept, B, P, l.mask, ...l.zoneoutOf(0), grad.at, grad.row, carry.at, carry.row);
    else calls.add(wasm.clearRows, B, P, carry.at, carry.row);
    calls.add(wasm.copyRows, B, P, 0, grad.at, grad.row, gates.at + F * (W - 1) * H, gates.row);
  }
  return calls.run;
};

export const recurrentGradientNatives = {
  "recurrent-backward": backward,
  "recurrent-intermediate-backward": intermediateBackward,
  "recurrent-project-backward": projectBackward,
};
