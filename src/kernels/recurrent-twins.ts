import { savedNames, type Unit, type Values } from "../cells/cell.ts";
import type { TwinContext, TwinOf } from "./kernel.ts";
import type { recurrentForward, recurrentInitial } from "./recurrent.ts";
import type { recurrentProject } from "./recurrent-projection.ts";
import { stepsForward } from "./recurrent-row.ts";
import { forAllUnits, learnedReader, load, type Row, rowsOf, store } from "./recurrent-twin.ts";

const recurrentForwardTwin: TwinOf<typeof recurrentForward> = (arrays, p, context) => {
  for (const step of stepsForward(p)) stepForward(arrays, step, context);
};

/** A step of some rows. */
export function stepForward(
  { weight, bias, learned, control, gates, h, states }: Parameters<typeof recurrentForwardTwin>[0],
  p: Parameters<typeof recurrentForwardTwin>[1],
  { constants, cell }: TwinContext,
  rows: Iterable<Row> = rowsOf(p, control),
): void {
  const { H, P, K } = p;
  const G = cell.gates.length;
  const last = cell.intermediate?.gates ?? 0;
  // The gates whose product this dispatch computes.
  const [from, to] = constants.INTERMEDIATE ? [0, G - last] : [last > 0 ? G - last : 0, cell.recurrent ? G : 0];
  const saved = savedNames(cell);
  const padded = Math.ceil(H / 4) * 4;
  const sums = new Float64Array(G * H);
  const ownOf = learnedReader(cell, learned, H);
  const [x, r, prev]: [Values, Values, Values] = [{}, {}, {}];
  for (const row of rows) {
    const { d, direction, before, after } = row;
    // r = R·h_{t-1} + b_hh, or R times the intermediate vector.
    const [operand, first] =
      from > 0 ? [states, row.intermediate(after)] : [h, (row.dropsH ? p.droppedAt : 0) + row.h(before)];
    sums.fill(0);
    for (let g = from; g < to; g++) {
      if (p.hasBias) for (let u = 0; u < H; u++) sums[g * H + u] = bias[(d * G + g) * H + u]!;
      for (let k = 0; k < K; k++) {
        const at = ((d * K + k) * G + g) * padded;
        for (let u = 0; u < H; u++)
          sums[g * H + u]! += operand[first + Math.floor(u / p.headUnits) * K + k]! * weight[at + u]!;
      }
    }
    const at = row.gates(row.time);
    const prevOf = (s: number, u: number) =>
      s > 0 ? states[row.cellState(s, before) + u]! : u < P ? h[row.h(before) + u]! : 0;
    const inputs = (u: number) => {
      load(x, cell.gates, gates, at + u, H);
      cell.states.forEach((name, s) => {
        prev[name] = prevOf(s, u);
      });
      return ownOf(d, u);
    };
    if (constants.INTERMEDIATE) {
      for (let i = 0; i < to * H; i++) gates[at + i]! += sums[i]!;
      const maths = (u: number, unit: Unit) => {
        const own = inputs(u);
        return cell.intermediate!.forward(x, prev, own, unit);
      };
      forAllUnits(cell, H, direction, maths, (u, value) => {
        states[row.intermediate(after) + u] = value * row.dropFactor(u);
      });
      continue;
    }
    const maths = (u: number, unit: Unit) => {
      const own = inputs(u);
      return cell.forward(x, load(r, cell.gates, sums, u, H), prev, own, unit);
    };
    forAllUnits(cell, H, direction, maths, (u, { state, saved: kept }) => {
      cell.states.forEach((name, s) => {
        if (s === 0 && P < H) {
          states[row.intermediate(after) + u] = state[name]!;
          return;
        }
        const part = row.keep(s, u);
        const next = part === 1 ? prevOf(s, u) : state[name]! + part * (prevOf(s, u) - state[name]!);
        if (s > 0) states[row.cellState(s, after) + u] = next;
        else {
          h[row.h(after) + u] = next;
          if (row.dropsH) h[p.droppedAt + row.h(after) + u] = next * row.dropFactor(u);
        }
      });
      if (constants.SAVE) store(saved, kept, gates, at + u, H);
    });
  }
}

const recurrentInitialTwin: TwinOf<typeof recurrentInitial> = ({ h0, cellStates0, control, h, states }, p) => {
  const { B, D, H, P } = p;
  for (const row of rowsOf(p, control)) {
    for (let u = 0; u < P; u++) {
      const value = h0[row.of(P) + u]!;
      h[row.h(row.before) + u] = value;
      if (row.dropsH) h[p.droppedAt + row.h(row.before) + u] = value * row.dropFactor(u);
    }
    for (let s = 1; s <= p.cellStates; s++) {
      for (let u = 0; u < H; u++)
        states[row.cellState(s, row.before) + u] = cellStates0[(s - 1) * D * B * H + row.of(H) + u]!;
    }
  }
};

const recurrentProjectTwin: TwinOf<typeof recurrentProject> = ({ weight, control, h, states }, p) => {
  const { H, P } = p;
  const padded = Math.ceil(P / 4) * 4;
  for (const row of rowsOf(p, control)) {
    const from = row.intermediate(row.after);
    for (let u = 0; u < P; u++) {
      let sum = 0;
      for (let k = 0; k < H; k++) sum += states[from + k]! * weight[(row.d * H + k) * padded + u]!;
      const prev = h[row.h(row.before) + u]!;
      const part = row.keep(0, u);
      const next = part === 1 ? prev : sum + part * (prev - sum);
      h[row.h(row.after) + u] = next;
      if (row.dropsH) h[p.droppedAt + row.h(row.after) + u] = next * row.dropFactor(u);
    }
  }
};

/** The twins of the kernels in recurrent.ts, by their names. */
export const recurrentTwins = {
  "recurrent-forward": recurrentForwardTwin,
  "recurrent-initial": recurrentInitialTwin,
  "recurrent-project": recurrentProjectTwin,
};
