import type { Values } from "../cells/index.ts";
import { workOf } from "../cells/index.ts";
import { type ArrayOf, defineKernel, read, readWrite, u32 } from "./kernel.ts";

/** Which slot of `h` and `rest` holds the state after time s, and which the state before it in direction d. */
const slotsOf = (time: number, d: number) => ({ after: time + 1, before: d === 1 ? time + 2 : time });

/** Puts the values at `at`, `at + stride`, … under their names. */
function load(into: Values, names: readonly string[], from: ArrayOf<"f32">, at: number, stride: number): Values {
  names.forEach((name, i) => {
    into[name] = from[at + i * stride]!;
  });
  return into;
}

/** One step forward of a recurrent layer. See shaders/recurrent-forward.wgsl for the layouts. */
export const recurrentForward = defineKernel({
  name: "recurrent-forward",
  bindings: [
    read("weight", "vec4f", "[D,H,G,⌈H/4⌉]"),
    read("bias", "f32", "[D,G,H]"),
    read("h0", "f32", "[D,B,H]"),
    read("rest0", "f32", "[S-1,D,B,H]"),
    readWrite("work", "f32", "[T,B,workD,W,H]"),
    readWrite("h", "f32", "[T+D,B,D,H]"),
    readWrite("rest", "f32", "[S-1,T+D,B,D,H]"),
  ],
  params: u32("t", "T", "B", "D", "H", "firstDirection", "workD", "workStart", "hasBias", "hasInitial"),
  runsCell: true,
  variants: [1, 4, 8].flatMap((ROWS) =>
    [false, true].flatMap((FIRST) => [false, true].map((SAVE) => ({ ROWS, LANES: 32, FIRST, SAVE }))),
  ),
  twin({ weight, bias, h0, rest0, work, h, rest }, p, { constants, cell }) {
    const { T, B, D, H } = p;
    const { gates, states } = cell;
    const saved = workOf(cell);
    const padded = Math.ceil(H / 4) * 4;
    const slotSize = B * D * H;
    const sums = new Float64Array(gates.length * H);
    const x: Values = {};
    const r: Values = {};
    const prev: Values = {};
    for (let z = 0; z < p.workD; z++) {
      const d = p.firstDirection + z;
      const time = d === 1 ? T - 1 - p.t : p.t;
      const { after, before } = slotsOf(time, d);
      const stateAt = (s: number, slot: number, own: number) => ((s - 1) * (T + D) + slot) * slotSize + own;
      for (let b = 0; b < B; b++) {
        const own = (b * D + d) * H;
        const initial = (d * B + b) * H;
        if (constants.FIRST) {
          for (let u = 0; u < H; u++) {
            h[before * slotSize + own + u] = p.hasInitial ? h0[initial + u]! : 0;
            for (let s = 1; s < states.length; s++) {
              rest[stateAt(s, before, own) + u] = p.hasInitial ? rest0[(s - 1) * D * B * H + initial + u]! : 0;
            }
          }
        }
        // r = R·h_{t-1} + b_hh
        for (let g = 0; g < gates.length; g++) {
          for (let u = 0; u < H; u++) sums[g * H + u] = p.hasBias ? bias[(d * gates.length + g) * H + u]! : 0;
        }
        for (let k = 0; k < H; k++) {
          const hk = h[before * slotSize + own + k]!;
          for (let g = 0; g < gates.length; g++) {
            const at = ((d * H + k) * gates.length + g) * padded;
            for (let u = 0; u < H; u++) sums[g * H + u]! += hk * weight[at + u]!;
          }
        }
        const at = (((time - p.workStart) * B + b) * p.workD + z) * saved.length * H;
        for (let u = 0; u < H; u++) {
          load(x, gates, work, at + u, H);
          load(r, gates, sums, u, H);
          states.forEach((name, s) => {
            prev[name] = s === 0 ? h[before * slotSize + own + u]! : rest[stateAt(s, before, own) + u]!;
          });
          const step = cell.forward(x, r, prev);
          states.forEach((name, s) => {
            if (s === 0) h[after * slotSize + own + u] = step.state[name]!;
            else rest[stateAt(s, after, own) + u] = step.state[name]!;
          });
          if (constants.SAVE) {
            saved.forEach((name, w) => {
              work[at + w * H + u] = step.work[name]!;
            });
          }
        }
      }
    }
  },
});

/** One step backward of a recurrent layer. See shaders/recurrent-backward.wgsl. */
export const recurrentBackward = defineKernel({
  name: "recurrent-backward",
  bindings: [
    read("weight", "vec4f", "[D,G,H,⌈H/4⌉]"),
    read("h", "f32", "[T+D,B,D,H]"),
    read("rest", "f32", "[S-1,T+D,B,D,H]"),
    read("outputGradient", "f32", "[T,B,D,H]"),
    readWrite("work", "f32", "[T,B,workD,W,H]"),
    readWrite("carry", "f32", "[S,D,B,H]"),
  ],
  params: u32("t", "T", "B", "D", "H", "firstDirection", "workD", "workStart", "hasCarry", "hasProduct", "hasOutput"),
  runsCell: true,
  variants: [1, 4, 8].flatMap((ROWS) => [false, true].map((FINISH) => ({ ROWS, LANES: 32, FINISH }))),
  twin({ weight, h, rest, outputGradient, work, carry }, p, { constants, cell }) {
    const { T, B, D, H } = p;
    const { gates, apart, states } = cell;
    const saved = workOf(cell);
    const padded = Math.ceil(H / 4) * 4;
    const slotSize = B * D * H;
    const product = new Float64Array(H);
    const kept: Values = {};
    const prev: Values = {};
    const next: Values = {};
    const grad: Values = {};
    for (let z = 0; z < p.workD; z++) {
      const d = p.firstDirection + z;
      const time = d === 1 ? T - 1 - p.t : p.t;
      const { after, before } = slotsOf(time, d);
      const source = constants.FINISH ? time : d === 1 ? time - 1 : time + 1;
      for (let b = 0; b < B; b++) {
        const own = (b * D + d) * H;
        const initial = (d * B + b) * H;
        const workAt = (at: number) => (((at - p.workStart) * B + b) * p.workD + z) * saved.length * H;
        // Rᵀ·(gradient by r of the step after)
        product.fill(0);
        if (p.hasProduct) {
          for (let g = 0; g < gates.length; g++) {
            const slot = g >= gates.length - apart.length ? g + apart.length : g;
            for (let k = 0; k < H; k++) {
              const gradient = work[workAt(source) + slot * H + k]!;
              const at = ((d * gates.length + g) * H + k) * padded;
              for (let u = 0; u < H; u++) product[u]! += gradient * weight[at + u]!;
            }
          }
        }
        for (let u = 0; u < H; u++) {
          states.forEach((name, s) => {
            grad[name] = p.hasCarry ? carry[s * D * B * H + initial + u]! : 0;
          });
          grad[states[0]!]! += product[u]!;
          if (constants.FINISH) {
            carry[initial + u] = grad[states[0]!]!;
            continue;
          }
          if (p.hasOutput) grad[states[0]!]! += outputGradient[time * slotSize + own + u]!;
          states.forEach((name, s) => {
            const at = (slot: number) =>
              s === 0 ? h[slot * slotSize + own + u]! : rest[((s - 1) * (T + D) + slot) * slotSize + own + u]!;
            prev[name] = at(before);
            next[name] = at(after);
          });
          load(kept, saved, work, workAt(time) + u, H);
          const step = cell.backward(kept, prev, next, grad);
          saved.forEach((name, w) => {
            work[workAt(time) + w * H + u] = step.work[name]!;
          });
          states.forEach((name, s) => {
            carry[s * D * B * H + initial + u] = step.state[name]!;
          });
        }
      }
    }
  },
});
