/** Cases for the kernels of the recurrent steps: sizes and switches, and the numbers that go with them. */
import fc from "fast-check";
import { type FullCell, type Unit, type Values, workOf } from "../../src/cells/index.ts";
import type { Constants } from "../../src/plan/plan.ts";
import { Numbers, type TwinCase } from "./against-twin.ts";

export interface Step {
  readonly T: number;
  readonly B: number;
  readonly H: number;
  readonly D: number;
  /** Step of the dispatch. */
  readonly t: number;
  /** The one direction that `work` holds, or both. */
  readonly only: 0 | 1 | undefined;
  /** Times that `work` holds before and after the one of step t, where there are as many. */
  readonly around: number;
  /** Bit d: direction d runs from the end. */
  readonly backwards: number;
  /** Chooses what else a step may have, see `choose`. */
  readonly bits: number;
}

/** What a step may have besides, each by a bit of its own. */
const switches = ["first", "second", "output", "mask", "noise", "zoneoutH", "zoneoutRest", "dropout"] as const;
const further = ["zeroOutput", "projected", "large"] as const;
type Switch = (typeof switches)[number] | (typeof further)[number];

const choose = ({ bits }: Step): Readonly<Record<Switch, boolean>> =>
  Object.fromEntries([...switches, ...further].map((name, i) => [name, ((bits >> i) & 1) === 1])) as Record<
    Switch,
    boolean
  >;

/** Numbers without order, so that every table row has other switches. */
const scrambled = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 21;

/** Largest number of elements that `states` and `work` hold per slot: fewer times where rows are wide. */
const MOST = 12_000;

const step = (T: number, B: number, H: number, D: number, i: number): Step => {
  const times = Math.max(1, Math.min(T, Math.floor(MOST / (B * H * D))));
  return {
    ...{ T: times, B, H, D, t: (3 * i) % times, only: D === 1 ? undefined : ([undefined, 0, 1] as const)[i % 3] },
    ...{ around: i % 4, backwards: D === 2 ? [2, 2, 1, 3, 0][i % 5]! : i % 2, bits: scrambled(i) },
  };
};

export const table: readonly Step[] = (
  [
    ...([
      [1, 1, 1, 1],
      [2, 1, 3, 1],
      [3, 2, 4, 2],
      [4, 3, 5, 1],
      [5, 5, 7, 2],
      [2, 8, 8, 2],
      [70, 9, 13, 1],
      [67, 4, 2, 2],
    ] as const),
    ...([
      [5, 17, 6, 2],
      [1, 1, 130, 2],
      [2, 2, 33, 1],
      [4, 31, 9, 2],
      [7, 1, 127, 1],
      [2, 40, 18, 2],
      [3, 37, 61, 1],
      [23, 3, 29, 1],
    ] as const),
  ] as const
).map(([T, B, H, D], i) => step(T, B, H, D, i));

export const anyStep: fc.Arbitrary<Step> = fc
  .record({
    ...{ T: fc.integer({ min: 1, max: 70 }), B: fc.integer({ min: 1, max: 40 }), H: fc.integer({ min: 1, max: 130 }) },
    ...{ D: fc.integer({ min: 1, max: 2 }), i: fc.nat(2047) },
  })
  .map(({ T, B, H, D, i }) => step(T, B, H, D, i));

/** A variant limits the sizes: a workgroup owns four units a lane where it owns a row; projections have no heads. */
function fitted(cell: FullCell | undefined, constants: Constants, s: Step) {
  const { LANES, HEADS, WHOLE, FIRST } = constants;
  const H = WHOLE ? Math.min(s.H, 4 * Number(LANES)) : s.H;
  // The smallest divisor, which is H itself where it is prime.
  const divisor = Array.from({ length: H }, (_, i) => i + 1).find((n) => n > 1 && H % n === 0) ?? 1;
  const t = FIRST ? 0 : s.t;
  const isOpen = cell === undefined || (cell.apart.length === 0 && !cell.inner && cell.recurrent);
  const P = choose(s).projected && isOpen && !HEADS ? Math.max(1, Math.floor(0.6 * H)) : H;
  return { ...s, H, P, t, heads: HEADS ? divisor : 1, slots: s.T + (s.backwards ? 2 : 1) };
}
type Fitted = ReturnType<typeof fitted>;

const isBackwards = ({ backwards }: Step, d: number) => ((backwards >> d) & 1) === 1;
const timeOf = (s: Step, d: number) => (isBackwards(s, d) ? s.T - 1 - s.t : s.t);

/** The part of `work` that a case has, and the number of its times. */
function partOf(s: Step) {
  // Directions that work on both ends of the sequence share a part that holds all of it.
  if (s.D === 2 && s.only === undefined) return { firstDirection: 0, workD: 2, workStart: 0, steps: s.T };
  const first = s.only ?? 0;
  const time = timeOf(s, first);
  const workStart = Math.max(0, time - s.around);
  return { firstDirection: first, workD: 1, workStart, steps: Math.min(s.T, time + s.around + 1) - workStart };
}

/** What a unit may have come from: three steps of its own from a state of zero. */
function history(
  cell: FullCell,
  numbers: Numbers,
  learned: Values,
  direction: number,
): { prev: Values; saved: Values } {
  const unit: Unit = { direction, mean: (value) => 0.3 * value };
  const some = () => Object.fromEntries(cell.gates.map((gate) => [gate, numbers.floats(1)[0]!]));
  let prev: Values = Object.fromEntries(cell.states.map((name) => [name, 0]));
  for (let i = 0; i < 2; i++) prev = cell.forward(some(), some(), prev, learned, unit).state;
  return { prev, saved: cell.forward(some(), some(), prev, learned, unit).work };
}

/** The numbers that all kernels of a step read. */
class Layout {
  readonly numbers: Numbers;
  readonly part: ReturnType<typeof partOf>;
  readonly W: number;
  readonly learned: Float32Array;
  readonly states: Float32Array;
  readonly work: Float32Array;
  readonly at: { readonly rest: number; readonly heard: number; readonly inner: number };
  readonly has: Readonly<Record<Switch, boolean>>;
  readonly recurrentDropout: number;
  /** `prev` of a unit, as `states` holds it before the step. */
  readonly before: { d: number; row: number; u: number; prev: Values }[] = [];
  readonly s: Fitted;
  readonly #cell: FullCell | undefined;

  constructor(title: string, cell: FullCell | undefined, s: Fitted) {
    const { B, D, H, P, slots } = s;
    this.s = s;
    this.#cell = cell;
    this.numbers = new Numbers(`${title} ${cell?.name} ${JSON.stringify(s)}`);
    this.part = partOf(s);
    this.has = choose(s);
    this.W = (cell ? workOf(cell).length : 3) + (P < H ? 1 : 0);
    this.recurrentDropout = this.has.dropout ? 0.3 : 0;
    const { numbers } = this;
    const rows = slots * B * D;
    const rest = rows * P;
    const heard = rest + ((cell?.states.length ?? 2) - 1) * rows * H;
    const inner = heard + (this.recurrentDropout > 0 ? rows * P : 0);
    this.at = { rest, heard, inner };
    this.learned = numbers.floats(Math.max(1, cell?.learned.length ?? 0) * D * H);
    this.states = numbers.floats(inner + (cell?.inner || P < H ? rows * H : 0));
    this.work = numbers.floats(this.part.steps * B * this.part.workD * this.W * H, this.has.large ? 40 : 1);
  }

  /** Puts what a cell may have left into `states` and, for a step backward, into `work`. */
  remember(what: { readonly saved: boolean }): void {
    const cell = this.#cell!;
    const { B, D, H, P } = this.s;
    const { firstDirection, workD, workStart } = this.part;
    const names = workOf(cell);
    const parameters = cell.learned.map(({ name }) => name);
    for (let z = 0; z < workD; z++) {
      const d = firstDirection + z;
      const time = timeOf(this.s, d);
      const slot = isBackwards(this.s, d) ? time + 2 : time;
      for (let row = 0; row < B; row++) {
        for (let u = 0; u < H; u++) {
          const own = Object.fromEntries(
            parameters.map((name, n) => [name, this.learned[(d * parameters.length + n) * H + u]!]),
          );
          const { prev, saved } = history(cell, this.numbers, own, d);
          this.before.push({ d, row, u, prev });
          cell.states.forEach((name, i) => {
            if (i > 0) {
              const base = this.at.rest + (i - 1) * this.slotsSize;
              this.states[base + ((slot * B + row) * D + d) * H + u] = prev[name]!;
            } else if (u < P) this.states[((slot * B + row) * D + d) * P + u] = prev[name]!;
          });
          if (!what.saved) continue;
          const at = (((time - workStart) * B + row) * workD + z) * this.W * H;
          names.forEach((name, w) => {
            this.work[at + w * H + u] = saved[name] ?? 0;
          });
        }
      }
    }
  }

  get slotsSize(): number {
    return this.s.slots * this.s.B * this.s.D * this.s.H;
  }

  /** Seed and mask. */
  control(): Int32Array {
    const { T, B } = this.s;
    return Int32Array.from([
      this.numbers.integers(1, -(2 ** 31), 2 ** 31 - 1)[0]!,
      ...this.numbers.integers(T * B, 0, 1),
    ]);
  }

  /** Params of every kernel of a step. */
  get shared() {
    const { T, B, H, D, P, t, slots, backwards } = this.s;
    const { steps: _, ...held } = this.part;
    const { mask, noise, zoneoutH, zoneoutRest } = this.has;
    return {
      ...{ t, T, B, D, H, P, W: this.W, slots, restAt: this.at.rest, ...held, backwards },
      ...{ hasMask: +mask, maskAt: 1, hasNoise: +noise, stream: 0xfffffffe },
      ...{ zoneoutH: zoneoutH ? 0.25 : 0, zoneoutRest: zoneoutRest ? 0.5 : 0, recurrentDropout: this.recurrentDropout },
    };
  }

  /** A weight of the transposed product, in whole words of four. */
  weight(gates: number, K: number, U: number): Float32Array {
    return this.numbers.floats(this.s.D * gates * K * Math.ceil(U / 4) * 4, 1 / Math.sqrt(K));
  }

  /** Whether `work` holds the step after this one, in every direction. */
  get holdsNext(): boolean {
    const { firstDirection, workD, workStart, steps } = this.part;
    return Array.from({ length: workD }, (_, z) => firstDirection + z).every((d) => {
      const time = timeOf(this.s, d) + (isBackwards(this.s, d) ? -1 : 1);
      return this.s.t < this.s.T - 1 && time >= workStart && time < workStart + steps;
    });
  }

  grid(constants: Constants, U: number): [number, number, number] {
    const { ROWS, LANES, WHOLE } = constants;
    const { B } = this.s;
    if (WHOLE) return [B, 1, this.part.workD];
    const invocations = Math.ceil(U / 4) * Math.ceil(B / Number(ROWS));
    return [Math.ceil(invocations / Number(LANES)), 1, this.part.workD];
  }
}

export type CaseOf = (cell: FullCell, constants: Constants, s: Step) => TwinCase;

export const forwardCase: CaseOf = (cell, constants, given) => {
  const s = fitted(cell, constants, given);
  const l = new Layout("forward", cell, s);
  const { B, H, D, P, heads } = s;
  const { numbers } = l;
  const G = cell.gates.length;
  const second = cell.inner !== undefined && !constants.INNER;
  const S = cell.states.length;
  l.remember({ saved: false });
  const { first: hasBias, second: hasInitial } = l.has;
  const h0 = numbers.floats(D * B * P);
  const rest0 = numbers.floats(Math.max(1, S - 1) * D * B * H);
  for (const { d, row, u, prev } of l.before) {
    cell.states.forEach((name, i) => {
      if (i > 0) rest0[(((i - 1) * D + d) * B + row) * H + u] = prev[name]!;
      else if (u < P) h0[(d * B + row) * P + u] = prev[name]!;
    });
  }
  return {
    ...{ kernel: "recurrent-forward", cell: cell.name, constants },
    params: {
      ...{ ...l.shared, K: (second ? H : P) / heads, headUnits: H / heads, heardAt: l.at.heard, innerAt: l.at.inner },
      ...{ projected: +(P < H), hasBias: +hasBias, hasInitial: +hasInitial },
    },
    data: {
      weight: numbers.floats(D * (P / heads) * G * Math.ceil(H / 4) * 4, 1 / Math.sqrt(P)),
      bias: hasBias ? numbers.floats(D * G * H) : "weight",
      learned: cell.learned.length > 0 ? l.learned : "weight",
      h0: hasInitial ? h0 : "weight",
      rest0: hasInitial && S > 1 ? rest0 : "weight",
      control: l.control(),
      ...{ work: l.work, states: l.states },
    },
    grid: l.grid(constants, H),
  };
};

export const backwardCase: CaseOf = (cell, constants, given) => {
  const s = fitted(cell, constants, given);
  const l = new Layout("backward", cell, s);
  const { T, B, H, D, P, heads } = s;
  const FINISH = constants.FINISH === true;
  const projected = P < H && !FINISH;
  const U = projected ? H : P;
  const gates = cell.recurrent ? cell.gates.length : 0;
  const wanted = l.has.second && gates > 0 && (FINISH || projected || l.holdsNext);
  l.remember({ saved: true });
  const product = projected
    ? { K: P, headUnits: U, productFrom: l.W - 1, productGates: +wanted, weightGates: 1 }
    : {
        ...{ K: H / heads, headUnits: U / heads, productFrom: 0, weightGates: gates },
        productGates: wanted ? gates - (cell.inner?.gates ?? 0) : 0,
      };
  const { first: hasCarry, output: hasOutput, zeroOutput } = l.has;
  return {
    ...{ kernel: "recurrent-backward", cell: cell.name, constants },
    params: {
      ...{ ...l.shared, U, ...product, weightFrom: 0 },
      ...{ projected: +projected, hasCarry: +hasCarry, hasOutput: +hasOutput, zeroOutput: +zeroOutput },
    },
    data: {
      weight: l.weight(Math.max(1, product.weightGates), product.K, U),
      learned: cell.learned.length > 0 ? l.learned : "weight",
      outputGradient: hasOutput ? l.numbers.floats(T * B * D * P) : "weight",
      control: l.control(),
      ...{ states: l.states, work: l.work },
      carry: l.numbers.floats(D * B * P + (cell.states.length - 1) * D * B * H),
    },
    grid: l.grid(constants, U),
  };
};

export const innerBackwardCase: CaseOf = (cell, constants, given) => {
  const s = fitted(cell, constants, given);
  const l = new Layout("inner backward", cell, s);
  const { B, H, D, heads } = s;
  const G = cell.gates.length;
  const last = cell.inner!.gates;
  l.remember({ saved: true });
  return {
    ...{ kernel: "recurrent-inner-backward", cell: cell.name, constants },
    params: {
      ...{ ...l.shared, U: H, K: H / heads, headUnits: H / heads },
      ...{ productFrom: G - last, productGates: last, weightFrom: G - last, weightGates: G },
    },
    data: {
      weight: l.weight(G, H / heads, H),
      learned: cell.learned.length > 0 ? l.learned : "weight",
      control: l.control(),
      ...{ states: l.states, work: l.work },
      carry: l.numbers.floats(cell.states.length * D * B * H),
    },
    grid: l.grid(constants, H),
  };
};

/** The two kernels of a projection run no cell; `work` has three slots and the one of dh. */
const projectedOnly = (constants: Constants, given: Step): Fitted => {
  const s = fitted(undefined, constants, { ...given, H: given.H + 1 });
  return { ...s, P: Math.max(1, Math.floor(0.6 * s.H)) };
};

export const projectCase = (constants: Constants, given: Step): TwinCase => {
  const s = projectedOnly(constants, given);
  const l = new Layout("project", undefined, s);
  return {
    ...{ kernel: "recurrent-project", constants },
    params: { ...l.shared, heardAt: l.at.heard, innerAt: l.at.inner },
    data: { weight: l.weight(1, s.H, s.P), control: l.control(), states: l.states },
    grid: l.grid(constants, s.P),
  };
};

export const projectBackwardCase = (constants: Constants, given: Step): TwinCase => {
  const s = projectedOnly(constants, given);
  const l = new Layout("project backward", undefined, s);
  const { T, B, D, H, P } = s;
  const gates = l.W - 1;
  const { first: hasCarry, output: hasOutput, zeroOutput } = l.has;
  return {
    ...{ kernel: "recurrent-project-backward", constants },
    params: {
      ...{ ...l.shared, U: P, K: H, headUnits: P, productFrom: 0, productGates: l.holdsNext ? gates : 0 },
      ...{ weightFrom: 0, weightGates: gates },
      ...{ hasCarry: +hasCarry, hasOutput: +hasOutput, zeroOutput: +zeroOutput },
    },
    data: {
      weight: l.weight(gates, H, P),
      outputGradient: hasOutput ? l.numbers.floats(T * B * D * P) : "weight",
      control: l.control(),
      work: l.work,
      carry: l.numbers.floats(D * B * P + D * B * H),
    },
    grid: l.grid(constants, P),
  };
};
