/** Cases for the kernels of layers that go on together: two or three layers, some of which may not have begun or have ended. */
import { type FullCell, savedNames } from "../../src/cells/index.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { Numbers, type TwinCase } from "./against-twin.ts";
import type { CaseOf } from "./recurrent-kernel-cases.ts";
import { choose, gridOf, history, MOST, type Step } from "./recurrent-steps.ts";

/** Sizes and numbers that both kernels have. */
function partsOf(title: string, cell: FullCell, constants: Constants, s: Step) {
  const H = constants.ACROSS_UNITS ? Math.min(s.H, 4 * Number(constants.LANES)) : s.H;
  const { B } = s;
  const L = s.D + 1;
  const T = Math.max(1, Math.min(s.T, Math.floor(MOST / (B * H * L))));
  const t = (s.t + s.bits) % (T + L - 1);
  const numbers = new Numbers(`${title} ${cell.name} ${JSON.stringify(s)}`);
  const names = savedNames(cell);
  const W = names.length;
  const slots = T + L;
  const S = cell.states.length;
  const learned = numbers.floats(Math.max(1, cell.learned.length) * L * H);
  const h = numbers.floats(slots * B * L * H);
  const states = numbers.floats(Math.max(1, slots * (S - 1) * B * L * H));
  const gates = numbers.floats((T + L - 1) * B * L * W * H, choose(s).large ? 40 : 1);
  for (let d = 0; d < L; d++) {
    for (let row = 0; row < B; row++) {
      for (let u = 0; u < H; u++) {
        const own = Object.fromEntries(
          cell.learned.map(({ name }, n) => [name, learned[(d * cell.learned.length + n) * H + u]!]),
        );
        const { prev, saved } = history(cell, numbers, own, 0);
        cell.states.forEach((name, i) => {
          const at = (slot: number) => ((slot * B + row) * L + d) * H + u;
          if (i === 0) h[at(t)] = prev[name]!;
          else states[at(t * (S - 1) + i - 1)] = prev[name]!;
        });
        if (title === "backward")
          names.forEach((name, w) => {
            gates[((t * B + row) * L + d) * W * H + w * H + u] = saved[name] ?? 0;
          });
      }
    }
  }
  const { mask, zoneoutH, zoneoutCell, zeroOutput } = choose(s);
  const step = { time: t, before: t, after: t + 1, next: Math.min(t + 1, T + L - 2) };
  const params = {
    T,
    B,
    D: L,
    H,
    P: H,
    W,
    start: 0,
    direction: 0,
    directions: L,
    cellStates: S - 1,
    droppedAt: h.length,
    intermediateAt: states.length,
    zeroOutput: +zeroOutput,
    hasMask: +mask,
    maskAt: 1,
    hasNoise: 0,
    seedAt: 0,
    stream: 0,
    zoneoutH: zoneoutH ? 0.25 : 0,
    zoneoutCell: zoneoutCell ? 0.5 : 0,
    recurrentDropout: 0,
    ...Object.fromEntries([0, 1].flatMap((d) => Object.entries(step).map(([name, value]) => [`${name}${d}`, value]))),
  };
  const control = Int32Array.from([0, ...numbers.integers(T * B, 0, 1)]);
  const size = cell.gates.length * H * Math.ceil(H / 4) * 4;
  const weight = numbers.floats((2 * L - 1) * size, 1 / Math.sqrt(H));
  const shared = { learned: cell.learned.length > 0 ? learned : "weight", control, weight, h, states, gates } as const;
  return { params, shared, numbers, grid: gridOf(constants, B, H, L), T, B, H, L, S };
}

export const stackForwardCase: CaseOf = (cell, constants, s): TwinCase => {
  const { params, shared, numbers, grid, H, L } = partsOf("forward", cell, constants, s);
  const hasBias = choose(s).first;
  return {
    kernel: "recurrent-stack-forward",
    cell: cell.name,
    constants,
    params: { ...params, K: H, headUnits: H, hasBias: +hasBias, stepCount: 1 },
    data: { ...shared, bias: hasBias ? numbers.floats((2 * L - 1) * cell.gates.length * H) : "weight" },
    grid,
  };
};

export const stackBackwardCase: CaseOf = (cell, constants, s): TwinCase => {
  const { params, shared, numbers, grid, T, B, H, L, S } = partsOf("backward", cell, constants, s);
  const G = cell.gates.length;
  const { first: hasCarry, output: hasOutput, second: hasProduct } = choose(s);
  const product = { U: H, K: H, headUnits: H, slot: 0, count: G, weightGate: 0, weightGates: G };
  return {
    kernel: "recurrent-stack-backward",
    cell: cell.name,
    constants,
    params: {
      ...params,
      ...product,
      hasCarry: +hasCarry,
      hasOutput: +hasOutput,
      hasProduct: +hasProduct,
      stepCount: 1,
    },
    data: {
      ...shared,
      outputGradient: hasOutput ? numbers.floats(T * B * H) : "weight",
      carry: numbers.floats(S * L * B * H),
    },
    grid,
  };
};
