/** Cases for the kernels of recurrent layers, one for each. */
import { type FullCell, gruCell, lstmCell, slstmCell } from "../../src/cells/index.ts";
import { twins } from "../../src/cpu/twins.ts";
import type { TwinContext } from "../../src/kernels/kernel.ts";
import { packedLength } from "../../src/kernels/packed-weights.ts";
import { halfBits } from "../../src/kernels/packed-weights-twins.ts";
import type { Constants } from "../../src/plan/plan.ts";
import type { PackedDType } from "../../src/tensor-data.ts";
import { Numbers, type TwinCase } from "./against-twin.ts";
import { type Fitted, fitted, Layout, type Step } from "./recurrent-steps.ts";

export type CaseOf = (cell: FullCell, constants: Constants, s: Step) => TwinCase;

export const forwardCase: CaseOf = (cell, constants, given) => {
  const s = fitted(cell, constants, given);
  const l = new Layout("step forward", cell, s);
  const { H, D, P, heads } = s;
  const { numbers } = l;
  const G = cell.gates.length;
  const second = cell.intermediate !== undefined && !constants.INTERMEDIATE;
  l.remember({ saved: false });
  const { first: hasBias } = l.has;
  return {
    kernel: "recurrent-forward",
    cell: cell.name,
    constants,
    params: {
      ...l.shared,
      K: (second ? H : P) / heads,
      headUnits: H / heads,
      hasBias: +hasBias,
      stepCount: s.stepCount,
      T: s.T,
    },
    data: {
      weight: numbers.floats(D * (P / heads) * G * Math.ceil(H / 4) * 4, 1 / Math.sqrt(P)),
      bias: hasBias ? numbers.floats(D * G * H) : "weight",
      learned: cell.learned.length > 0 ? l.learned : "weight",
      control: l.control(),
      gates: l.gates,
      h: l.h,
      states: l.states,
    },
    grid: l.grid(constants, H),
  };
};

/** A step forward with weights in a format: those of `forwardCase`, packed. */
export const packedForwardCase =
  (dtype: PackedDType): CaseOf =>
  (cell, constants, given) => {
    const { kernel, params, data, ...rest } = forwardCase(cell, constants, given);
    const sizes = { D: params.D!, G: cell.gates.length, H: params.H!, K: params.K! };
    const weight = new Int32Array(packedLength(dtype, sizes));
    const rows = new Numbers(`packed ${JSON.stringify(sizes)}`).floats(
      sizes.D * sizes.G * sizes.H * sizes.K,
      1 / Math.sqrt(sizes.K),
    );
    const packing = { ...sizes, unitStride: sizes.K, columnStride: 1 };
    twins[`pack-${dtype}`]({ weight: Float64Array.from(rows), to: weight }, packing, {} as TwinContext);
    // Something to bind where nothing is read.
    const others = Object.entries(data).map(([name, one]) => [name, one === "weight" ? new Float32Array(1) : one]);
    return {
      kernel: `${kernel}-${dtype}`,
      params,
      data: { ...Object.fromEntries(others), weight },
      packed: "weight",
      ...rest,
    };
  };

export const backwardCase: CaseOf = (cell, constants, given) => {
  const s = fitted(cell, constants, given, -1);
  const l = new Layout("backward", cell, s);
  const { T, B, H, D, P, heads } = s;
  const FINISH = constants.FINISH === true;
  const projected = P < H && !FINISH;
  const U = projected ? H : P;
  const gates = cell.recurrent ? cell.gates.length : 0;
  const wanted = l.has.second && gates > 0 && (FINISH || projected || l.holdsNext);
  l.remember({ saved: true });
  const product = projected
    ? { K: P, headUnits: U, slot: l.W - 1, count: +wanted, weightGates: 1 }
    : {
        K: H / heads,
        headUnits: U / heads,
        slot: 0,
        count: wanted || s.stepCount > 1 ? gates - (cell.intermediate?.gates ?? 0) : 0,
        weightGates: gates,
      };
  const { first: hasCarry, output: hasOutput } = l.has;
  return {
    kernel: "recurrent-backward",
    cell: cell.name,
    constants,
    params: {
      ...{ ...l.shared, U, ...product, weightGate: 0, hasCarry: +hasCarry, hasOutput: +hasOutput },
      hasProduct: +wanted,
      stepCount: s.stepCount,
      T: s.T,
    },
    data: {
      weight: l.weight(Math.max(1, product.weightGates), product.K, U),
      learned: cell.learned.length > 0 ? l.learned : "weight",
      outputGradient: hasOutput ? l.numbers.floats(T * B * D * P) : "weight",
      control: l.control(),
      h: l.h,
      states: l.states,
      gates: l.gates,
      carry: l.numbers.floats(D * B * P + (cell.states.length - 1) * D * B * H),
    },
    grid: l.grid(constants, U),
  };
};

/** A step backward with R as f16: those of another case, packed by rows. */
export function withHalves({ kernel, data, ...rest }: TwinCase): TwinCase {
  const numbers = data.weight as Float32Array;
  const halves = Array.from(numbers, halfBits);
  const weight = Int32Array.from({ length: numbers.length / 2 }, (_, i) => halves[2 * i]! | (halves[2 * i + 1]! << 16));
  // Something to bind where nothing is read.
  const others = Object.entries(data).map(([name, one]) => [name, one === "weight" ? new Float32Array(1) : one]);
  return { kernel: `${kernel}-f16`, data: { ...Object.fromEntries(others), weight }, packed: "weight", ...rest };
}

export const intermediateBackwardCase: CaseOf = (cell, constants, given) => {
  const s = fitted(cell, constants, given);
  const l = new Layout("intermediate backward", cell, s);
  const { B, H, D, heads } = s;
  const G = cell.gates.length;
  const last = cell.intermediate!.gates;
  l.remember({ saved: true });
  return {
    kernel: "recurrent-intermediate-backward",
    cell: cell.name,
    constants,
    params: {
      ...l.shared,
      U: H,
      K: H / heads,
      headUnits: H / heads,
      slot: G - last,
      count: last,
      weightGate: G - last,
      weightGates: G,
      hasCarry: 1,
    },
    data: {
      weight: l.weight(G, H / heads, H),
      learned: cell.learned.length > 0 ? l.learned : "weight",
      control: l.control(),
      h: l.h,
      states: l.states,
      gates: l.gates,
      carry: l.numbers.floats(cell.states.length * D * B * H),
    },
    grid: l.grid(constants, H),
  };
};

/** The initial states of a cell with one, two or four states, with a projection or none. */
export const initialCase = (constants: Constants, given: Step): TwinCase => {
  const cell = [gruCell("GRU"), lstmCell("LSTM"), slstmCell()][given.bits % 3]!;
  const s = fitted(cell, { LANES: 32, SLICES: 1, HEADS: false, ACROSS_UNITS: false }, given);
  const l = new Layout("initial", cell, s);
  const { B, H, D, P } = s;
  return {
    kernel: "recurrent-initial",
    constants,
    params: l.shared,
    data: {
      h0: l.numbers.floats(D * B * P),
      cellStates0: l.numbers.floats(Math.max(1, l.cellStates * D * B * H)),
      control: l.control(),
      h: l.h,
      states: l.states,
    },
    grid: [Math.max(1, Math.floor((B * H) / 100)), 1, l.chunk.directions],
  };
};

/** The two kernels of a projection run no cell; `gates` has three slots and the one of dh. */
const projectedOnly = (constants: Constants, given: Step): Fitted => {
  const s = fitted(undefined, constants, { ...given, H: given.H + 1 });
  return { ...s, P: Math.max(1, Math.floor(0.6 * s.H)) };
};

export const projectCase = (constants: Constants, given: Step): TwinCase => {
  const s = projectedOnly(constants, given);
  const l = new Layout("project", undefined, s);
  return {
    kernel: "recurrent-project",
    constants,
    params: l.shared,
    data: { weight: l.weight(1, s.H, s.P), control: l.control(), h: l.h, states: l.states },
    grid: l.grid(constants, s.P),
  };
};

export const projectBackwardCase = (constants: Constants, given: Step): TwinCase => {
  const s = projectedOnly(constants, given);
  const l = new Layout("project backward", undefined, s);
  const { T, B, D, H, P } = s;
  const gates = l.W - 1;
  const { first: hasCarry, output: hasOutput } = l.has;
  return {
    kernel: "recurrent-project-backward",
    constants,
    params: {
      ...l.shared,
      U: P,
      K: H,
      headUnits: P,
      slot: 0,
      count: l.holdsNext ? gates : 0,
      weightGate: 0,
      weightGates: gates,
      hasCarry: +hasCarry,
      hasOutput: +hasOutput,
    },
    data: {
      weight: l.weight(gates, H, P),
      outputGradient: hasOutput ? l.numbers.floats(T * B * D * P) : "weight",
      control: l.control(),
      gates: l.gates,
      carry: l.numbers.floats(D * B * P + D * B * H),
    },
    grid: l.grid(constants, P),
  };
};
