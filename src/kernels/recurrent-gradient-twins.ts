import { savedNames, type Unit, type Values } from "../cells/cell.ts";
import type { ArrayOf, TwinContext, TwinOf } from "./kernel.ts";
import type { RecurrentGradientParams, recurrentBackward } from "./recurrent-gradient.ts";
import type { recurrentIntermediateBackward } from "./recurrent-intermediate.ts";
import type { recurrentProjectBackward } from "./recurrent-projection.ts";
import { stepsBackward } from "./recurrent-row.ts";
import { forAllUnits, learnedReader, load, type Row, rowsOf, store } from "./recurrent-twin.ts";

/** Weight by rows times what stands in slots of `gates` at a time; `separate` of `G` gates have theirs further on. */
function transposedProduct(
  { weight, gates }: { weight: ArrayOf<"f32">; gates: ArrayOf<"f32"> },
  p: RecurrentGradientParams,
  row: Row,
  time: number,
  { G, separate }: { G: number; separate: number },
): Float64Array {
  const { U, K, H } = p;
  const padded = Math.ceil(U / 4) * 4;
  const product = new Float64Array(U);
  for (let g = 0; g < p.count; g++) {
    const gate = p.slot + g;
    const slot = gate + (gate >= G - separate && gate < G ? separate : 0);
    const gradients = row.gates(time) + slot * H;
    for (let k = 0; k < K; k++) {
      const at = ((row.d * p.weightGates + p.weightGate + g) * K + k) * padded;
      for (let u = 0; u < U; u++)
        product[u]! += gates[gradients + Math.floor(u / p.headUnits) * K + k]! * weight[at + u]!;
    }
  }
  return product;
}

const recurrentBackwardTwin: TwinOf<typeof recurrentBackward> = (arrays, p, context) => {
  for (const step of stepsBackward(p)) stepBackward(arrays, step, context);
};

/** What is different where layers lie in a stack. */
export interface BackwardRows {
  readonly rows: Iterable<Row>;
  /** Adds to the product what else flows into a row. */
  addTo(product: Float64Array, row: Row): void;
  /** The time whose gates FINISH reads. */
  finishTime(row: Row): number;
  /** Where the gradient by a row's output begins; undefined where it has none. */
  output(row: Row): number | undefined;
}

/** A step of some rows. */
export function stepBackward(
  arrays: Parameters<typeof recurrentBackwardTwin>[0],
  p: Parameters<typeof recurrentBackwardTwin>[1],
  { constants, cell }: TwinContext,
  of: BackwardRows = {
    rows: rowsOf(p, arrays.control),
    addTo: () => {},
    finishTime: (row) => row.time,
    output: (row) => row.h(row.time),
  },
): void {
  const { weight, learned, outputGradient, h, states, gates, carry } = arrays;
  const { B, D, H, P } = p;
  const sizes = { G: cell.gates.length, separate: cell.separate.length };
  const saved = savedNames(cell);
  const isProjected = !constants.FINISH && P < H;
  const cellCarry = (s: number) => D * B * P + (s - 1) * D * B * H;
  const ownOf = learnedReader(cell, learned, H);
  const [kept, prev, grad]: [Values, Values, Values] = [{}, {}, {}];
  for (const row of of.rows) {
    const from = constants.FINISH ? of.finishTime(row) : isProjected ? row.time : row.next;
    const product = transposedProduct({ weight, gates }, p, row, from, sizes);
    if (!constants.FINISH) of.addTo(product, row);
    if (constants.FINISH) {
      for (let u = 0; u < P; u++)
        carry[row.of(P) + u] = product[u]! * row.dropFactor(u) + (p.hasCarry ? carry[row.of(P) + u]! : 0);
      continue;
    }
    const output = p.hasOutput && !row.isOutputZero ? of.output(row) : undefined;
    /** The gradient by a state after this step. */
    const gradientOf = (s: number, u: number): number => {
      if (s > 0) return p.hasCarry ? carry[cellCarry(s) + row.of(H) + u]! : 0;
      if (isProjected) return product[u]!;
      const flowing = product[u]! * row.dropFactor(u) + (p.hasCarry ? carry[row.of(P) + u]! : 0);
      return flowing + (output === undefined ? 0 : outputGradient[output + u]!);
    };
    const keep = (s: number, u: number) => (s === 0 && isProjected ? 0 : row.keep(s, u));
    const at = row.gates(row.time);
    const maths = (u: number, unit: Unit) => {
      cell.states.forEach((name, s) => {
        const h0 = u < P ? h[row.h(row.before) + u]! : 0;
        prev[name] = s === 0 ? h0 : states[row.cellState(s, row.before) + u]!;
        grad[name] = (1 - keep(s, u)) * gradientOf(s, u);
      });
      return cell.backward(load(kept, saved, gates, at + u, H), prev, grad, ownOf(row.d, u), unit);
    };
    forAllUnits(cell, H, row.direction, maths, (u, step) => {
      store(saved, step.grads, gates, at + u, H);
      cell.states.forEach((name, s) => {
        // The gradient by what a unit kept goes straight to the step before; the cell made the other part.
        const value = keep(s, u) * gradientOf(s, u) + (step.state[name] ?? 0);
        if (s > 0) carry[cellCarry(s) + row.of(H) + u] = value;
        else if (!isProjected) carry[row.of(P) + u] = value;
      });
    });
  }
}

const recurrentIntermediateBackwardTwin: TwinOf<typeof recurrentIntermediateBackward> = (
  { weight, learned, control, h, states, gates, carry },
  p,
  { cell },
) => {
  const { B, D, H } = p;
  const saved = savedNames(cell);
  const readSlots = cell.gates.slice(p.slot, p.slot + p.count);
  const sizes = { G: cell.gates.length, separate: cell.separate.length };
  const ownOf = learnedReader(cell, learned, H);
  const [kept, prev]: [Values, Values] = [{}, {}];
  for (const row of rowsOf(p, control)) {
    const product = transposedProduct({ weight, gates }, p, row, row.time, sizes);
    const at = row.gates(row.time);
    const maths = (u: number, unit: Unit) => {
      cell.states.forEach((name, s) => {
        prev[name] = s === 0 ? h[row.h(row.before) + u]! : states[row.cellState(s, row.before) + u]!;
      });
      load(kept, saved, gates, at + u, H);
      return cell.intermediate!.backward(kept, prev, product[u]! * row.dropFactor(u), ownOf(row.d, u), unit);
    };
    forAllUnits(cell, H, row.d, maths, (u, step) => {
      // The slots that the product reads stay as they are: on the GPU others may be reading them still.
      const read = load({}, readSlots, gates, at + u + p.slot * H, H);
      store(saved, { ...step.grads, ...read }, gates, at + u, H);
      cell.states.forEach((name, s) => {
        carry[s * D * B * H + row.of(H) + u]! += step.state[name] ?? 0;
      });
    });
  }
};

const recurrentProjectBackwardTwin: TwinOf<typeof recurrentProjectBackward> = (
  { weight, outputGradient, control, gates, carry },
  p,
) => {
  const { H, P } = p;
  for (const row of rowsOf(p, control)) {
    const product = transposedProduct({ weight, gates }, p, row, row.next, { G: 0, separate: 0 });
    const seesOutput = p.hasOutput && !row.isOutputZero;
    for (let u = 0; u < P; u++) {
      let grad = product[u]! * row.dropFactor(u);
      if (p.hasCarry) grad += carry[row.of(P) + u]!;
      if (seesOutput) grad += outputGradient[row.h(row.time) + u]!;
      const straight = row.keep(0, u) * grad;
      gates[row.gates(row.time) + (p.W - 1) * H + u] = grad - straight;
      carry[row.of(P) + u] = straight;
    }
  }
};

/** The twins of the kernels that go back a step, by their names. */
export const recurrentGradientTwins = {
  "recurrent-backward": recurrentBackwardTwin,
  "recurrent-intermediate-backward": recurrentIntermediateBackwardTwin,
  "recurrent-project-backward": recurrentProjectBackwardTwin,
};
