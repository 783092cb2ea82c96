/** The recurrent steps against their twins: every cell and variant, forward and backward, in one and two directions. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cellNamed, cellNames, defineCell, workOf } from "../src/cells/index.ts";
import { recurrentBackward, recurrentForward } from "../src/kernels/recurrent.ts";
import type { Constants } from "../src/plan/plan.ts";
import { shaders } from "../src/shaders.generated.ts";
import { expectTwins, gpuForTests, Numbers, type TwinCase, titleOf } from "./against-twin.ts";

const gpu = await gpuForTests();

// A cell that no layer has, with more of everything: three states, and two products that stand apart.
const trial = "trial";
(shaders as Record<string, string>)[`cells/${trial}.wgsl`] = `
fn cellForward(x: Gates, recurrent: Gates, prev: State) -> Forward {
  let a = x.a + recurrent.a;
  let b = x.b + 2.0 * recurrent.b;
  let c = x.c - recurrent.c * a;
  return Forward(State(a + prev.p, b * prev.h, c - 3.0 * prev.q), Work(a, b, c, 4.0 * recurrent.b, recurrent.c));
}

fn cellBackward(saved: Work, prev: State, next: State, grad: State) -> Backward {
  let work = Work(grad.h * saved.a, grad.p + saved.b, grad.q - saved.c, prev.h * saved.rb, next.p + saved.rc);
  return Backward(work, State(prev.p - grad.h, prev.q + next.h, next.q * grad.p));
}
`;
defineCell({
  ...{ name: trial, gates: ["a", "b", "c"], apart: ["rb", "rc"], states: ["h", "p", "q"] },
  forward(x, r, prev) {
    const a = x.a! + r.a!;
    const b = x.b! + 2 * r.b!;
    const c = x.c! - r.c! * a;
    return {
      state: { h: a + prev.p!, p: b * prev.h!, q: c - 3 * prev.q! },
      work: { a, b, c, rb: 4 * r.b!, rc: r.c! },
    };
  },
  backward: (saved, prev, next, grad) => ({
    work: {
      ...{ a: grad.h! * saved.a!, b: grad.p! + saved.b!, c: grad.q! - saved.c! },
      ...{ rb: prev.h! * saved.rb!, rc: next.p! + saved.rc! },
    },
    state: { h: prev.p! - grad.h!, p: prev.q! + next.h!, q: next.q! * grad.p! },
  }),
});

interface Step {
  readonly T: number;
  readonly B: number;
  readonly H: number;
  readonly D: number;
  /** Step of the dispatch; forward takes 0 for the first step. */
  readonly t: number;
  /** The one direction that `work` holds, or both. */
  readonly only: 0 | 1 | undefined;
  /** Times that `work` holds before and after the one of step t, where there are as many. */
  readonly around: number;
  /** hasBias, or hasCarry; hasInitial, or hasProduct; hasOutput. */
  readonly switches: readonly [boolean, boolean, boolean];
  readonly scale: number;
}

const step = (T: number, B: number, H: number, D: number, i: number): Step => ({
  ...{ T, B, H, D, t: (3 * i) % T, only: D === 1 ? undefined : ([undefined, 0, 1] as const)[i % 3] },
  ...{ around: i % 4, switches: [i % 3 !== 1, i % 2 === 0, i % 5 !== 2], scale: i % 6 === 5 ? 40 : 1 },
});

const table: readonly Step[] = (
  [
    ...([
      [1, 1, 1, 1],
      [2, 1, 3, 1],
      [3, 2, 4, 2],
      [4, 3, 5, 1],
      [5, 5, 7, 2],
      [2, 8, 8, 2],
      [3, 9, 13, 1],
    ] as const),
    ...([
      [5, 17, 6, 2],
      [1, 1, 130, 2],
      [2, 2, 33, 1],
      [4, 31, 9, 2],
      [7, 1, 137, 1],
      [2, 33, 18, 2],
    ] as const),
  ] as const
).map(([T, B, H, D], i) => step(T, B, H, D, i));

const any: fc.Arbitrary<Step> = fc
  .record({
    ...{ T: fc.integer({ min: 1, max: 6 }), B: fc.integer({ min: 1, max: 20 }), H: fc.integer({ min: 1, max: 40 }) },
    ...{ D: fc.integer({ min: 1, max: 2 }), i: fc.nat(59) },
  })
  .map(({ T, B, H, D, i }) => step(T, B, H, D, i));

/** The part of `work` that a case has, and the number of its times. */
function partOf({ T, D, t, only, around }: Step): {
  firstDirection: number;
  workD: number;
  workStart: number;
  steps: number;
} {
  // Both directions work on both ends of the sequence, so a shared part holds all of it.
  if (D === 2 && only === undefined) return { firstDirection: 0, workD: 2, workStart: 0, steps: T };
  const time = only === 1 ? T - 1 - t : t;
  const workStart = Math.max(0, time - around);
  return { firstDirection: only ?? 0, workD: 1, workStart, steps: Math.min(T, time + around + 1) - workStart };
}

const gridOf = ({ B, H }: Step, { ROWS, LANES }: Constants, z: number): [number, number, number] => [
  Math.ceil((Math.ceil(H / 4) * Math.ceil(B / Number(ROWS))) / Number(LANES)),
  1,
  z,
];

function sizesOf(name: string, cell: string, s: Step) {
  const { gates, states } = cellNamed(cell);
  const W = workOf(cellNamed(cell)).length;
  const part = partOf(s);
  const slot = s.B * s.D * s.H;
  const rest = Math.max(1, states.length - 1) * (s.T + s.D) * slot;
  const work = part.steps * s.B * part.workD * W * s.H;
  const numbers = new Numbers(`${name} ${cell} ${JSON.stringify(s)}`);
  const padded = Math.ceil(s.H / 4) * 4;
  return { G: gates.length, S: states.length, part, slot, rest, work, numbers, padded };
}

function forwardCase(cell: string, constants: Constants, s: Step): TwinCase {
  const { T, B, H, D } = s;
  const { G, S, part, slot, rest, work, numbers, padded } = sizesOf("forward", cell, s);
  const { steps: _, ...fixed } = part;
  const [hasBias, hasInitial] = s.switches;
  const weight = numbers.floats(D * H * G * padded, 1 / Math.sqrt(H));
  return {
    ...{ kernel: recurrentForward.name, cell, constants },
    params: { t: constants.FIRST ? 0 : s.t, T, B, D, H, ...fixed, hasBias: +hasBias, hasInitial: +hasInitial },
    data: {
      weight,
      bias: hasBias ? numbers.floats(D * G * H) : "weight",
      h0: hasInitial ? numbers.floats(slot) : "weight",
      rest0: hasInitial ? numbers.floats(Math.max(1, S - 1) * slot) : "weight",
      work: numbers.floats(work, s.scale),
      h: numbers.floats((T + D) * slot),
      rest: numbers.floats(rest),
    },
    grid: gridOf(s, constants, part.workD),
  };
}

/** Backward of step t; where R's share flows in, `work` has to hold the step after it as well. */
function backwardCase(cell: string, constants: Constants, s: Step): TwinCase {
  const { T, B, H, D } = s;
  const { G, S, part, slot, rest, work, numbers, padded } = sizesOf("backward", cell, s);
  const { steps, ...fixed } = part;
  const [hasCarry, wantsProduct, hasOutput] = s.switches;
  const held = (time: number) => time >= part.workStart && time < part.workStart + steps;
  const both = part.workD === 2;
  const after = s.only === 1 ? T - 2 - s.t : s.t + 1;
  const hasProduct = wantsProduct && (constants.FINISH === true || (s.t < T - 1 && (both || held(after))));
  const weight = numbers.floats(D * G * H * padded, 1 / Math.sqrt(H));
  const saved = numbers.floats(work);
  // A rectifier's gradient turns on what is exactly 0.
  for (let i = 0; i < saved.length; i += 7) saved[i] = 0;
  return {
    ...{ kernel: recurrentBackward.name, cell, constants },
    params: {
      ...{ t: s.t, T, B, D, H, ...fixed },
      ...{ hasCarry: +hasCarry, hasProduct: +hasProduct, hasOutput: +hasOutput },
    },
    data: {
      weight,
      h: numbers.floats((T + D) * slot),
      rest: numbers.floats(rest, s.scale),
      outputGradient: hasOutput ? numbers.floats(T * slot) : "weight",
      work: saved,
      carry: numbers.floats(S * slot),
    },
    grid: gridOf(s, constants, part.workD),
  };
}

const kinds = [
  { kernel: recurrentForward, caseOf: forwardCase },
  { kernel: recurrentBackward, caseOf: backwardCase },
];

/**
 * One cell runs every variant, each other cell as few as have every switch on and off, not the same for all of them:
 * the rest of a variant and a cell's fragment do not meet, and compiling all pairs takes minutes where nothing is cached.
 * ALL_VARIANTS=1 runs all pairs.
 */
function variantsFor(cell: string, variants: readonly Constants[]): readonly Constants[] {
  const at = cellNames().indexOf(cell);
  if (at === 0 || process.env.ALL_VARIANTS === "1") return variants;
  const seen = new Set<string>();
  const turned = [...variants.slice(at), ...variants.slice(0, at)];
  return turned.filter((constants) => {
    const before = seen.size;
    for (const [name, value] of Object.entries(constants)) if (typeof value === "boolean") seen.add(`${name} ${value}`);
    return seen.size > before;
  });
}

for (const { kernel, caseOf } of kinds) {
  const variants = cellNames().flatMap((cell) =>
    variantsFor(cell, kernel.variants).map((constants) => [cell, titleOf(constants), constants] as const),
  );
  describe.each(variants)(`${kernel.name} of %s, %s`, (cell, _, constants) => {
    /** The first step is step 0 whatever the table says. */
    const placed = (s: Step): Step => (constants.FIRST ? { ...s, t: 0 } : s);

    test("agrees with its twin on the table", async () => {
      const cases = table.map((s) => [JSON.stringify(s), caseOf(cell, constants, placed(s))]);
      await expectTwins(gpu, Object.fromEntries(cases));
    });

    test("agrees with its twin on random sizes", async () => {
      await fc.assert(
        fc.asyncProperty(any, (s) => expectTwins(gpu, { random: caseOf(cell, constants, placed(s)) })),
        { seed: 2, numRuns: 3 },
      );
    });
  });
}

describe("activations on the GPU", () => {
  /** One step without bias and initial state, so that the gates' sums are the numbers given. */
  async function stepOn(cell: string, work: Float32Array): Promise<{ h: Float32Array }> {
    const H = work.length / workOf(cellNamed(cell)).length;
    const length = (buffer: number) => ({ role: "output", dtype: "f32", length: buffer }) as const;
    const buffers = [
      { name: "weight", ...length(H * Math.ceil(H / 4) * 4 * 4) },
      ...[
        { name: "work", ...length(work.length) },
        { name: "h", ...length(2 * H) },
        { name: "rest", ...length(2 * H) },
      ],
    ];
    const view = (buffer: number) => ({ buffer, offset: 0, length: buffers[buffer]!.length });
    const constants = { ROWS: 1, LANES: 32, FIRST: true, SAVE: false };
    const loaded = await gpu.load(
      {
        name: "activations",
        buffers,
        commands: [
          {
            ...{ type: "dispatch", kernel: recurrentForward.name, label: "step", cell, constants },
            bindings: [0, 0, 0, 0, 1, 2, 3].map(view),
            params: [0, 1, 1, 1, H, 0, 1, 0, 0, 0],
            grid: [Math.ceil(H / 4 / 32), 1, 1],
          },
        ],
      },
      new Map(),
    );
    loaded.write("work", work);
    const [h] = await loaded.runAndRead(["h"]);
    loaded.dispose();
    return { h: (h as Float32Array).slice(H) };
  }

  const spread = [
    0, 1e-30, 1e-6, 0.01, 0.0999, 0.1, 0.1001, 0.3, 0.7, 1, 2, 4, 8, 14.9, 15, 20, 43, 44, 88, 89, 200, 3e4, 1e30,
  ];
  const points = Float32Array.from([...spread, ...spread.map((x) => -x)]);

  test("tanh is accurate to 3e-7 of its value, and finite, everywhere", async () => {
    const { h } = await stepOn("rnn-tanh", points);
    const errors = Array.from(
      h,
      (y, i) => Math.abs(y - Math.tanh(points[i]!)) / Math.max(Math.abs(Math.tanh(points[i]!)), 1e-30),
    );
    expect(Math.max(...errors)).toBeLessThan(3e-7);
  });

  test("sigmoid is accurate to 1e-6 of its value down to 1e-13", async () => {
    // A GRU from state 0: h = (1 - z)·tanh(n), with n so large that the tanh is 1, is sigmoid(-z).
    const { h } = await stepOn(
      "gru",
      Float32Array.from([...points.map(() => 0), ...points, ...points.map(() => 30), ...points.map(() => 0)]),
    );
    const errors = Array.from(h, (y, i) => {
      const expected = 1 / (1 + Math.exp(points[i]!));
      return Math.abs(y - expected) / Math.max(expected, 1);
    });
    expect(Math.max(...errors)).toBeLessThan(1e-6);
  });
});
