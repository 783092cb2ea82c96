import { type Unit, type Values, workOf } from "../cells/index.ts";
import { type ArrayOf, defineKernel, f32, read, readWrite, u32 } from "./kernel.ts";
import { goesWith, tiles } from "./recurrent.ts";
import { forAllUnits, type Layout, learnedReader, load, type Row, rowsOf, store } from "./recurrent-twin.ts";

const params = [
  ...u32("t", "T", "B", "D", "H", "P", "W", "slots", "restAt"),
  ...u32("firstDirection", "workD", "workStart", "backwards", "hasMask", "maskAt", "hasNoise", "stream"),
  ...f32("zoneoutH", "zoneoutRest", "recurrentDropout"),
  ...u32("U", "K", "headUnits", "productFrom", "productGates", "weightFrom", "weightGates"),
] as const;

interface ProductParams extends Layout {
  readonly U: number;
  readonly K: number;
  readonly headUnits: number;
  readonly productFrom: number;
  readonly productGates: number;
  readonly weightFrom: number;
  readonly weightGates: number;
}

/** Weight by rows times what stands in slots of `work` at a time; `apart` of `G` gates have theirs further on. */
function transposedProduct(
  { weight, work }: { weight: ArrayOf<"f32">; work: ArrayOf<"f32"> },
  p: ProductParams,
  row: Row,
  time: number,
  { G, apart }: { G: number; apart: number },
): Float64Array {
  const { U, K, H } = p;
  const padded = Math.ceil(U / 4) * 4;
  const product = new Float64Array(U);
  for (let g = 0; g < p.productGates; g++) {
    const gate = p.productFrom + g;
    const slot = gate + (gate >= G - apart && gate < G ? apart : 0);
    const gradients = row.work(time) + slot * H;
    for (let k = 0; k < K; k++) {
      const at = ((row.d * p.weightGates + p.weightFrom + g) * K + k) * padded;
      for (let u = 0; u < U; u++)
        product[u]! += work[gradients + Math.floor(u / p.headUnits) * K + k]! * weight[at + u]!;
    }
  }
  return product;
}

/** One step backward of a recurrent layer. See shaders/recurrent-backward.wgsl. */
export const recurrentBackward = defineKernel({
  name: "recurrent-backward",
  bindings: [
    read("weight", "vec4f", "[D,G,K,⌈U/4⌉]"),
    read("learned", "f32", "[D,N,H]"),
    read("outputGradient", "f32", "[T,B,D,P]"),
    read("control", "i32", "[1+T*B]"),
    read("states", "f32", "as in recurrent-forward"),
    readWrite("work", "f32", "[T,B,workD,W,H]"),
    readWrite("carry", "f32", "h [D,B,P], rest [S-1,D,B,H]"),
  ],
  params: [...params, ...u32("projected", "hasCarry", "hasOutput", "zeroOutput")],
  runsCell: true,
  goesWith,
  variants: tiles.flatMap((tile) => [false, true].map((FINISH) => ({ ...tile, FINISH }))),
  twin({ weight, learned, outputGradient, control, states, work, carry }, p, { constants, cell }) {
    const { B, D, H, P } = p;
    const sizes = { G: cell.gates.length, apart: cell.apart.length };
    const saved = workOf(cell);
    const restOf = (s: number) => D * B * P + (s - 1) * D * B * H;
    const ownOf = learnedReader(cell, learned, H);
    const [kept, prev, grad]: [Values, Values, Values] = [{}, {}, {}];
    for (const row of rowsOf(p, control)) {
      const from = constants.FINISH || p.projected ? row.time : row.nextTime;
      const product = transposedProduct({ weight, work }, p, row, from, sizes);
      if (constants.FINISH) {
        for (let u = 0; u < P; u++)
          carry[row.of(P) + u] = product[u]! * row.heardPart(u) + (p.hasCarry ? carry[row.of(P) + u]! : 0);
        continue;
      }
      const seesOutput = p.hasOutput && !(p.zeroOutput && row.isPassedOver);
      /** The gradient by a state after this step. */
      const gradientOf = (s: number, u: number): number => {
        if (s > 0) return p.hasCarry ? carry[restOf(s) + row.of(H) + u]! : 0;
        if (p.projected) return product[u]!;
        const flowing = product[u]! * row.heardPart(u) + (p.hasCarry ? carry[row.of(P) + u]! : 0);
        return flowing + (seesOutput ? outputGradient[row.state(0, P, row.time) + u]! : 0);
      };
      const heldBack = (s: number, u: number) => (s === 0 && p.projected ? 0 : row.heldBack(s, u));
      const at = row.work(row.time);
      const maths = (u: number, unit: Unit) => {
        cell.states.forEach((name, s) => {
          const states0 = u < P ? states[row.state(0, P, row.before) + u]! : 0;
          prev[name] = s === 0 ? states0 : states[row.rest(s, row.before) + u]!;
          grad[name] = (1 - heldBack(s, u)) * gradientOf(s, u);
        });
        return cell.backward(load(kept, saved, work, at + u, H), prev, grad, ownOf(row.d, u), unit);
      };
      forAllUnits(cell, H, row.d, maths, (u, step) => {
        store(saved, step.work, work, at + u, H);
        cell.states.forEach((name, s) => {
          // What a unit held back goes straight to the step before; the cell made the rest.
          const value = heldBack(s, u) * gradientOf(s, u) + (step.state[name] ?? 0);
          if (s > 0) carry[restOf(s) + row.of(H) + u] = value;
          else if (!p.projected) carry[row.of(P) + u] = value;
        });
      });
    }
  },
});

/** The second dispatch of a backward step of a cell with an inner product. See shaders/recurrent-inner-backward.wgsl. */
export const recurrentInnerBackward = defineKernel({
  name: "recurrent-inner-backward",
  bindings: [
    read("weight", "vec4f", "[D,G,K,⌈U/4⌉]"),
    read("learned", "f32", "[D,N,H]"),
    read("control", "i32", "[1+T*B]"),
    read("states", "f32", "as in recurrent-forward"),
    readWrite("work", "f32", "[T,B,workD,W,H]"),
    readWrite("carry", "f32", "h [D,B,P], rest [S-1,D,B,H]"),
  ],
  params,
  runsCell: true,
  goesWith: (constants, cell) => goesWith(constants, cell) && cell.inner !== undefined,
  variants: tiles,
  twin({ weight, learned, control, states, work, carry }, p, { cell }) {
    const { B, D, H } = p;
    const saved = workOf(cell);
    const readSlots = cell.gates.slice(p.productFrom, p.productFrom + p.productGates);
    const sizes = { G: cell.gates.length, apart: cell.apart.length };
    const ownOf = learnedReader(cell, learned, H);
    const [kept, prev]: [Values, Values] = [{}, {}];
    for (const row of rowsOf(p, control)) {
      const product = transposedProduct({ weight, work }, p, row, row.time, sizes);
      const at = row.work(row.time);
      const maths = (u: number, unit: Unit) => {
        cell.states.forEach((name, s) => {
          prev[name] = states[(s === 0 ? row.state(0, H, row.before) : row.rest(s, row.before)) + u]!;
        });
        load(kept, saved, work, at + u, H);
        return cell.inner!.backward(kept, prev, product[u]! * row.heardPart(u), ownOf(row.d, u), unit);
      };
      forAllUnits(cell, H, row.d, maths, (u, step) => {
        // The slots that the product reads stay as they are: on the GPU others may be reading them still.
        const read = load({}, readSlots, work, at + u + p.productFrom * H, H);
        store(saved, { ...step.work, ...read }, work, at + u, H);
        cell.states.forEach((name, s) => {
          carry[s * D * B * H + row.of(H) + u]! += step.state[name] ?? 0;
        });
      });
    }
  },
});

/** The first dispatch of a backward step with a projection. See shaders/recurrent-project-backward.wgsl. */
export const recurrentProjectBackward = defineKernel({
  name: "recurrent-project-backward",
  bindings: [
    read("weight", "vec4f", "[D,G,H,⌈P/4⌉]"),
    read("outputGradient", "f32", "[T,B,D,P]"),
    read("control", "i32", "[1+T*B]"),
    readWrite("work", "f32", "[T,B,workD,W,H]"),
    readWrite("carry", "f32", "h [D,B,P], rest [S-1,D,B,H]"),
  ],
  params: [...params, ...u32("hasCarry", "hasOutput", "zeroOutput")],
  variants: [1, 4, 8].map((ROWS) => ({ ROWS, LANES: 32, HEADS: false })),
  twin({ weight, outputGradient, control, work, carry }, p) {
    const { H, P } = p;
    for (const row of rowsOf(p, control)) {
      const product = transposedProduct({ weight, work }, p, row, row.nextTime, { G: 0, apart: 0 });
      const seesOutput = p.hasOutput && !(p.zeroOutput && row.isPassedOver);
      for (let u = 0; u < P; u++) {
        let grad = product[u]! * row.heardPart(u);
        if (p.hasCarry) grad += carry[row.of(P) + u]!;
        if (seesOutput) grad += outputGradient[row.state(0, P, row.time) + u]!;
        const straight = row.heldBack(0, u) * grad;
        work[row.work(row.time) + (p.W - 1) * H + u] = grad - straight;
        carry[row.of(P) + u] = straight;
      }
    }
  },
});
