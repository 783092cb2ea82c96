/** IndRNN, MGU, SRU and sLSTM compute what their papers say, from weights with the names that they promise. */
import { describe, expect, test } from "vitest";
import { IndRNN, LSTM, MGU, SLSTM, SRU, type StateDict, type Tensor } from "../../src/index.ts";
import type { Recurrent } from "../../src/nn/recurrent.ts";
import { Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";

const { available, runtimes } = await runtimesForTests();
const runtime = runtimes.cpu;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const [T, I, H] = [6, 3, 4];

type Vectors = Readonly<Record<string, readonly number[]>>;
/** One step of one row: products and biases are added up already, `v` are the learned vectors, R multiplies any vector. */
type Step = (given: {
  readonly x: Vectors;
  readonly R: (gate: string, of: readonly number[]) => number[];
  readonly v: Vectors;
  readonly prev: Vectors;
}) => Vectors;

const map = (f: (u: number) => number): number[] => Array.from({ length: H }, (_, u) => f(u));

/** A row by the equations of a paper, over T steps from a state. */
function byPaper(
  step: Step,
  {
    gates,
    learned,
    weights,
    x,
    state,
  }: { gates: string; learned: readonly string[]; weights: StateDict; x: readonly number[][]; state: Vectors },
): { h: number[][]; last: Vectors } {
  const product = (name: string, gate: number, of: readonly number[]) =>
    map((u) =>
      of.reduce((sum, value, k) => sum + value * (weights[name]!.data[(gate * H + u) * of.length + k] ?? 0), 0),
    );
  const bias = (name: string, gate: number) => map((u) => weights[name]?.data[gate * H + u] ?? 0);
  const add = (...all: readonly (readonly number[])[]) => map((u) => all.reduce((sum, one) => sum + one[u]!, 0));
  const R = (gate: string, of: readonly number[]) => product("weight_hh_l0", gates.indexOf(gate), of);
  const v = Object.fromEntries(learned.map((name) => [name, Array.from(weights[`${name}_l0`]!.data)]));
  let prev = state;
  const h = x.map((now) => {
    const own = Object.fromEntries(
      [...gates].map((gate, g) => [
        gate,
        add(product("weight_ih_l0", g, now), bias("bias_ih_l0", g), bias("bias_hh_l0", g)),
      ]),
    );
    prev = step({ x: own, R, v, prev });
    return [...prev.h!];
  });
  return { h, last: prev };
}

const indrnn: Step = ({ x, v, prev }) => ({ h: map((u) => Math.max(0, x.a![u]! + v.weight_u![u]! * prev.h![u]!)) });

const mgu: Step = ({ x, R, prev: { h } }) => {
  const rf = R("f", h!);
  const f = map((u) => sigmoid(x.f![u]! + rf[u]!));
  const rn = R(
    "n",
    map((u) => f[u]! * h![u]!),
  );
  return { h: map((u) => (1 - f[u]!) * h![u]! + f[u]! * Math.tanh(x.n![u]! + rn[u]!)) };
};

const sru: Step = ({ x, v, prev }) => {
  const f = map((u) => sigmoid(x.f![u]! + v.weight_v_f![u]! * prev.c![u]!));
  const r = map((u) => sigmoid(x.r![u]! + v.weight_v_r![u]! * prev.c![u]!));
  const c = map((u) => f[u]! * prev.c![u]! + (1 - f[u]!) * x.u![u]!);
  return { h: map((u) => r[u]! * c[u]! + (1 - r[u]!) * x.p![u]!), c };
};

/** Equations 8 to 14: without stabiliser. The layer's c and n are these times exp(-m). */
const slstm =
  (forget: (x: number) => number): Step =>
  ({ x, R, prev }) => {
    const sum = (gate: string) => {
      const r = R(gate, prev.h!);
      return map((u) => x[gate]![u]! + r[u]!);
    };
    const [i, f, z, o] = [sum("i").map(Math.exp), sum("f").map(forget), sum("z").map(Math.tanh), sum("o").map(sigmoid)];
    const c = map((u) => f![u]! * prev.c![u]! + i![u]! * z![u]!);
    const n = map((u) => f![u]! * prev.n![u]! + i![u]!);
    return { h: map((u) => (o![u]! * c[u]!) / n[u]!), c, n };
  };

const sizes = { inputSize: I, hiddenSize: H };
const cases: [
  string,
  () => unknown,
  Step,
  { gates: string; learned?: readonly string[]; states: readonly string[] },
][] = [
  ["IndRNN", () => new IndRNN(sizes), indrnn, { gates: "a", learned: ["weight_u"], states: ["h"] }],
  ["MGU", () => new MGU(sizes), mgu, { gates: "fn", states: ["h"] }],
  ["SRU", () => new SRU(sizes), sru, { gates: "ufrp", learned: ["weight_v_f", "weight_v_r"], states: ["h", "c"] }],
  ["sLSTM", () => new SLSTM(sizes), slstm(sigmoid), { gates: "ifzo", states: ["h", "c", "n"] }],
  [
    "sLSTM with an exponential forget gate",
    () => new SLSTM({ ...sizes, forgetGate: "exponential" }),
    slstm(Math.exp),
    { gates: "ifzo", states: ["h", "c", "n"] },
  ],
];

/** Runs one row of a layer. */
async function run(
  layer: Recurrent,
  x: readonly number[][],
  state: Vectors,
  on = runtime,
): Promise<{ output: number[][]; state: Vectors }> {
  const names = Object.keys(state);
  const program = await on.compile(layer, {
    inputs: { x: { shape: [x.length, 1, I] }, ...Object.fromEntries(names.map((s) => [s, { shape: [1, 1, H] }])) },
    forward({ x: all, ...before }) {
      const { output, state: next } = layer.forward(all!, before as Record<string, Tensor>);
      return { output, ...Object.fromEntries(names.map((s) => [`next ${s}`, next[s]!])) };
    },
  });
  const given = Object.fromEntries(names.map((s) => [s, { shape: [1, 1, H], data: Float64Array.from(state[s]!) }]));
  const made = await program.run({ x: { shape: [x.length, 1, I], data: Float64Array.from(x.flat()) }, ...given });
  program.dispose();
  const output = x.map((_, t) => Array.from(made.output!.data.slice(t * H, (t + 1) * H)));
  return { output, state: Object.fromEntries(names.map((s) => [s, Array.from(made[`next ${s}`]!.data)])) };
}

const rows = (name: string, count: number, size: number): number[][] =>
  Array.from({ length: count }, (_, i) => Array.from(new Numbers(`${name} ${i}`).floats(size)));

describe.each(cases)("%s", (_, make, step, { gates, learned = [], states }) => {
  const layer = make() as Recurrent;
  const x = rows("x", T, I);
  const zeros = Object.fromEntries(states.map((s) => [s, map(() => 0)]));

  test("has the parameters that it promises", async () => {
    const dict = await runtime.stateDict(layer);
    const G = gates.length;
    const expected: Record<string, number[]> = {
      weight_ih_l0: [G * H, I],
      bias_ih_l0: [G * H],
      ...(learned.length === 0 && { weight_hh_l0: [G * H, H], bias_hh_l0: [G * H] }),
      ...Object.fromEntries(learned.map((vector) => [`${vector}_l0`, [H]])),
    };
    expect(Object.fromEntries(Object.entries(dict).map(([key, { shape }]) => [key, [...shape]]))).toEqual(expected);
  });

  test.each(["from zeros", "from a state"])("does what the paper says, %s", async (from) => {
    const before =
      from === "from zeros"
        ? zeros
        : Object.fromEntries(
            states.map((s) => [s, rows(s, 1, H)[0]!.map((value) => (s === "n" ? 1.5 + value : value))]),
          );
    const weights = await runtime.stateDict(layer);
    const expected = byPaper(step, { gates, learned, weights, x, state: before });
    const m = states.includes("n") ? { m: map(() => 0) } : {};
    const got = await run(layer, x, { ...before, ...m });
    for (const [t, h] of expected.h.entries())
      for (const [u, value] of h.entries()) expect(got.output[t]![u]).toBeCloseTo(value, 9);
    for (const s of states) {
      const scale = (u: number) => (s === "c" || s === "n" ? Math.exp(got.state.m?.[u] ?? 0) : 1);
      got.state[s]!.forEach((value, u) => {
        expect(value * scale(u)).toBeCloseTo(expected.last[s]![u]!, 9);
      });
    }
  });
});

test.each(["sigmoid", "exponential"] as const)(
  "sLSTM stays finite where its gates would overflow: %s",
  async (forgetGate) => {
    const layer = new SLSTM({ ...sizes, forgetGate });
    const dict = await runtime.stateDict(layer);
    const zeros = Object.fromEntries(["h", "c", "n", "m"].map((s) => [s, map(() => 0)]));
    for (const on of available.map(({ kind }) => runtimes[kind])) {
      for (const [input, forget] of [-900, 900].flatMap((i) => [-900, 900].map((f) => [i, f] as const))) {
        const bias = Float32Array.from({ length: 4 * H }, (_, i) => [input, forget, 0, 0][Math.floor(i / H)]!);
        on.loadStateDict(layer, { ...dict, bias_ih_l0: { shape: [4 * H], data: bias } });
        const { output, state } = await run(layer, rows("x", 8, I), zeros, on);
        for (const h of output.flat()) expect(Math.abs(h)).toBeLessThanOrEqual(1);
        // From zeros n begins with 1, and never falls below.
        for (const n of state.n!) expect(n).toBeGreaterThanOrEqual(1);
      }
    }
  },
);

describe("what they start with", () => {
  test("IndRNN: recurrent weights in [0, 1]; SRU: no bias where the paper has none", async () => {
    const u = (await runtime.stateDict(new IndRNN({ inputSize: 1, hiddenSize: 400 }))).weight_u_l0!.data;
    expect(Math.min(...u)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...u)).toBeGreaterThan(0.95);
    expect(Math.min(...u)).toBeLessThan(0.05);
    const bias = Array.from((await runtime.stateDict(new SRU(sizes))).bias_ih_l0!.data);
    expect([...bias.slice(0, H), ...bias.slice(3 * H)]).toEqual(new Array(2 * H).fill(0));
    expect(bias.slice(H, 3 * H).filter((b) => b === 0)).toEqual([]);
  });

  test("learned vectors: each its own, in every direction", async () => {
    const dict = await runtime.stateDict(new LSTM({ ...sizes, layerNorm: true, peepholes: true, bidirectional: true }));
    for (const suffix of ["", "_reverse"]) {
      for (const gate of "ifgo") {
        expect([...dict[`norm_weight_${gate}_l0${suffix}`]!.data]).toEqual([1, 1, 1, 1]);
        expect([...dict[`norm_bias_${gate}_l0${suffix}`]!.data]).toEqual([0, 0, 0, 0]);
      }
      for (const peephole of dict[`peephole_i_l0${suffix}`]!.data) expect(Math.abs(peephole)).toBeLessThan(0.5);
      expect(dict[`peephole_i_l0${suffix}`]!.data[0]).not.toBe(0);
    }
  });
});
