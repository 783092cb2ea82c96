import { type FullCell, type Unit, type Values, workOf } from "../cells/index.ts";
import type { Constants } from "../plan/plan.ts";
import { defineKernel, f32, read, readWrite, u32 } from "./kernel.ts";
import { forAllUnits, learnedReader, load, rowsOf, store } from "./recurrent-twin.ts";

/** `ROWS` sequences an invocation; a workgroup of `LANES` owns a row where the cell takes means over it (WHOLE). */
export const tiles: readonly Constants[] = [
  ...[1, 4, 8].map((ROWS) => ({ ROWS, LANES: 32, HEADS: false, WHOLE: false })),
  { ROWS: 1, LANES: 32, HEADS: true, WHOLE: false },
  ...[32, 64, 128, 256].map((LANES) => ({ ROWS: 1, LANES, HEADS: false, WHOLE: true })),
];

/** A cell with an inner product takes up the initial state in the first of a step's two dispatches. */
export const goesWith = ({ WHOLE, FIRST = false, INNER = false, HEADS }: Constants, cell: FullCell): boolean =>
  WHOLE === cell.acrossUnits &&
  (cell.inner !== undefined ? INNER === true || FIRST === false : INNER === false) &&
  (!HEADS || cell.recurrent);

const common = [
  ...u32("firstDirection", "workD", "workStart", "backwards"),
  ...u32("hasMask", "maskAt", "hasNoise", "stream"),
  ...f32("zoneoutH", "zoneoutRest", "recurrentDropout"),
] as const;

/** One step forward of a recurrent layer. See shaders/recurrent-forward.wgsl for the layouts. */
export const recurrentForward = defineKernel({
  name: "recurrent-forward",
  bindings: [
    read("weight", "vec4f", "[D,K,G,⌈H/4⌉]"),
    read("bias", "f32", "[D,G,H]"),
    read("learned", "f32", "[D,N,H]"),
    read("h0", "f32", "[D,B,P]"),
    read("rest0", "f32", "[S-1,D,B,H]"),
    read("control", "i32", "[1+T*B]"),
    readWrite("work", "f32", "[T,B,workD,W,H]"),
    readWrite("states", "f32", "h [slots,B,D,P], rest [S-1,slots,B,D,H], heard, inner"),
  ],
  params: [
    ...u32("t", "T", "B", "D", "H", "P", "K", "headUnits", "W", "slots", "restAt", "heardAt", "innerAt"),
    ...u32("firstDirection", "workD", "workStart", "backwards", "projected", "hasBias", "hasInitial"),
    ...u32("hasMask", "maskAt", "hasNoise", "stream"),
    ...f32("zoneoutH", "zoneoutRest", "recurrentDropout"),
  ],
  runsCell: true,
  goesWith,
  variants: tiles.flatMap((tile) =>
    [false, true].flatMap((FIRST) => [
      ...[false, true].map((SAVE) => ({ ...tile, FIRST, SAVE, INNER: false })),
      { ...tile, FIRST, SAVE: false, INNER: true },
    ]),
  ),
  twin({ weight, bias, learned, h0, rest0, control, work, states }, p, { constants, cell }) {
    const { B, D, H, P, K } = p;
    const { gates, inner } = cell;
    const G = gates.length;
    const last = inner?.gates ?? 0;
    // The gates whose product this dispatch computes.
    const [from, to] = constants.INNER ? [0, G - last] : [last > 0 ? G - last : 0, cell.recurrent ? G : 0];
    const saved = workOf(cell);
    const padded = Math.ceil(H / 4) * 4;
    const sums = new Float64Array(G * H);
    const ownOf = learnedReader(cell, learned, H);
    const [x, r, prev]: [Values, Values, Values] = [{}, {}, {}];
    for (const row of rowsOf(p, control)) {
      const { d, before, after } = row;
      if (constants.FIRST) {
        for (let u = 0; u < P; u++) {
          const value = p.hasInitial ? h0[row.of(P) + u]! : 0;
          states[row.state(0, P, before) + u] = value;
          if (p.recurrentDropout > 0) states[row.state(p.heardAt, P, before) + u] = value * row.heardPart(u);
        }
        for (let s = 1; s < cell.states.length; s++) {
          for (let u = 0; u < H; u++)
            states[row.rest(s, before) + u] = p.hasInitial ? rest0[(s - 1) * D * B * H + row.of(H) + u]! : 0;
        }
      }
      // r = R·h_{t-1} + b_hh, or R times the inner vector.
      const heard = p.recurrentDropout > 0 ? row.state(p.heardAt, P, before) : row.state(0, P, before);
      const source = from > 0 ? row.state(p.innerAt, H, after) : heard;
      sums.fill(0);
      for (let g = from; g < to; g++) {
        if (p.hasBias) for (let u = 0; u < H; u++) sums[g * H + u] = bias[(d * G + g) * H + u]!;
        for (let k = 0; k < K; k++) {
          const at = ((d * K + k) * G + g) * padded;
          for (let u = 0; u < H; u++)
            sums[g * H + u]! += states[source + Math.floor(u / p.headUnits) * K + k]! * weight[at + u]!;
        }
      }
      const at = row.work(row.time);
      const prevOf = (s: number, u: number) =>
        s > 0 ? states[row.rest(s, before) + u]! : u < P ? states[row.state(0, P, before) + u]! : 0;
      const inputs = (u: number) => {
        load(x, gates, work, at + u, H);
        cell.states.forEach((name, s) => {
          prev[name] = prevOf(s, u);
        });
        return ownOf(d, u);
      };
      if (constants.INNER) {
        for (let i = 0; i < to * H; i++) work[at + i]! += sums[i]!;
        const maths = (u: number, unit: Unit) => {
          const own = inputs(u);
          return inner!.forward(x, prev, own, unit);
        };
        forAllUnits(cell, H, d, maths, (u, value) => {
          states[row.state(p.innerAt, H, after) + u] = value * row.heardPart(u);
        });
        continue;
      }
      const maths = (u: number, unit: Unit) => {
        const own = inputs(u);
        return cell.forward(x, load(r, gates, sums, u, H), prev, own, unit);
      };
      forAllUnits(cell, H, d, maths, (u, { state, work: kept }) => {
        cell.states.forEach((name, s) => {
          if (s === 0 && p.projected) {
            states[row.state(p.innerAt, H, after) + u] = state[name]!;
            return;
          }
          const held = row.heldBack(s, u);
          const next = held === 1 ? prevOf(s, u) : state[name]! + held * (prevOf(s, u) - state[name]!);
          states[(s === 0 ? row.state(0, P, after) : row.rest(s, after)) + u] = next;
          if (s === 0 && p.recurrentDropout > 0) states[row.state(p.heardAt, P, after) + u] = next * row.heardPart(u);
        });
        if (constants.SAVE) store(saved, kept, work, at + u, H);
      });
    }
  },
});

/** A step's projection. See shaders/recurrent-project.wgsl. */
export const recurrentProject = defineKernel({
  name: "recurrent-project",
  bindings: [
    read("weight", "vec4f", "[D,H,⌈P/4⌉]"),
    read("control", "i32", "[1+T*B]"),
    readWrite("states", "f32", "as in recurrent-forward"),
  ],
  params: [...u32("t", "T", "B", "D", "H", "P", "W", "slots", "restAt", "heardAt", "innerAt"), ...common],
  variants: [1, 4, 8].map((ROWS) => ({ ROWS, LANES: 32 })),
  twin({ weight, control, states }, p) {
    const { H, P } = p;
    const padded = Math.ceil(P / 4) * 4;
    for (const row of rowsOf(p, control)) {
      const inner = row.state(p.innerAt, H, row.after);
      for (let u = 0; u < P; u++) {
        let sum = 0;
        for (let k = 0; k < H; k++) sum += states[inner + k]! * weight[(row.d * H + k) * padded + u]!;
        const prev = states[row.state(0, P, row.before) + u]!;
        const held = row.heldBack(0, u);
        const next = held === 1 ? prev : sum + held * (prev - sum);
        states[row.state(0, P, row.after) + u] = next;
        if (p.recurrentDropout > 0) states[row.state(p.heardAt, P, row.after) + u] = next * row.heardPart(u);
      }
    }
  },
});
