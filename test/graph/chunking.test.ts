/** Small limits: a sequence in parts, weights on several pages, and what is said when nothing helps. */
import "../support/all-commands.ts";
import { describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { layoutParameters } from "../../src/graph/parameter-layout.ts";
import {
  adam,
  type Batch,
  CharModel,
  countPlan,
  defineCell,
  GRU,
  LimitError,
  LSTM,
  type Module,
  type Plan,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import { type InputSpecs, Program } from "../../src/infer/program.ts";
import { Recurrent, type RecurrentState } from "../../src/nn/recurrent.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Backend } from "../../src/plan/backend.ts";
import type { Target } from "../../src/plan/plan.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { expectSame, Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { limited } from "../support/limited.ts";

const { gpu, found, onFloat32 } = await backendsForTests();

const onCpu = (limits: Partial<Target> = {}): Backend => limited(new CpuBackend(), limits);

const T = 40;
const B = 8;
const H = 4;
type AnyRecurrent = Recurrent<RecurrentState>;
const options = { inputSize: 3, hiddenSize: H };
const layers: Readonly<Record<string, (bidirectional: boolean) => AnyRecurrent>> = {
  lstm: (bidirectional) => new LSTM({ ...options, bidirectional }) as unknown as AnyRecurrent,
  gru: (bidirectional) => new GRU({ ...options, bidirectional }) as unknown as AnyRecurrent,
  "lstm with a projection and peepholes": (bidirectional) =>
    new LSTM({ ...options, bidirectional, projSize: 3, peepholes: true }) as unknown as AnyRecurrent,
  "gru, reset before": (bidirectional) =>
    new GRU({ ...options, bidirectional, resetAfter: false }) as unknown as AnyRecurrent,
  "gru with heads": (bidirectional) => new GRU({ ...options, bidirectional, numHeads: 2 }) as unknown as AnyRecurrent,
  "lstm with layer norm": (bidirectional) =>
    new LSTM({ ...options, bidirectional, layerNorm: true }) as unknown as AnyRecurrent,
};

/** Bytes of a step's gates of one direction: both cells keep four numbers for each unit. */
const stepBytes = B * 4 * H * 4;

interface Result {
  readonly plan: Plan;
  readonly values: StateDict;
}

/** Outputs and all gradients of a layer, from initial states, its gates in buffers of at most this many steps. */
async function run(kind: string, bidirectional: boolean, backend: Backend): Promise<Result> {
  const layer = layers[kind]!(bidirectional);
  const D = bidirectional ? 2 : 1;
  const P = kind.includes("projection") ? 3 : H;
  const numbers = new Numbers(kind);
  const names = kind.startsWith("lstm") ? ["h", "c"] : ["h"];
  const states = Object.fromEntries(names.map((name) => [name, { shape: [D, B, name === "h" ? P : H] }]));
  const shapes = { x: { shape: [T, B, 3] }, ...states };
  const lengths = { shape: [B], data: Int32Array.from({ length: B }, (_, b) => T - ((7 * b) % T)) };
  const program = await Program.compile(backend, new Weights(backend, layer, 1), {
    inputs: { ...shapes, lengths: { shape: [B], dtype: "i32" } } as InputSpecs,
    forward({ x, lengths: counts, ...state }): Record<string, Tensor> {
      // Only some have lengths, so that the others are as they are without a mask.
      const real = kind.includes(" ") ? { lengths: counts! } : undefined;
      const { output, state: next } = layer.forward(x!, state, real);
      return { output, ...Object.fromEntries(Object.entries(next).map(([name, tensor]) => [`next ${name}`, tensor])) };
    },
    seeds: ["output", "next h"],
    gradients: Object.keys(shapes),
    parameterGradients: true,
  });
  const of = (shape: readonly number[]) => ({ shape, data: numbers.floats(shape.reduce((a, b) => a * b)) });
  const values = await program.run({
    ...Object.fromEntries(Object.entries(shapes).map(([name, { shape }]) => [name, of(shape)])),
    "gradient.output": of([T, B, D * P]),
    "gradient.next h": of([D, B, P]),
    lengths,
  });
  return { plan: program.plan, values };
}

const projections = (plan: Plan) => plan.commands.filter(({ label }) => label.endsWith("input projection")).length;
const steps = (plan: Plan) => countPlan(plan).perKernel["recurrent-forward"]!;

/** Steps that a buffer may hold, and the parts that follow: all steps in equal parts, uneven ones, nearly one by one. */
const cuts = [
  { most: 40, one: 1, two: 2 },
  { most: 20, one: 2, two: 4 },
  { most: 17, one: 3, two: 6 },
  { most: 11, one: 4, two: 8 },
] as const;
describe.each(["lstm", "gru"])("%s", (kind) => {
  test.each(cuts)("in parts of at most $most steps gives what it gives in one, on the CPU", async ({ most, one }) => {
    const whole = await run(kind, false, onCpu());
    const cut = await run(kind, false, onCpu({ maxBufferSize: most * stepBytes }));
    expect([projections(whole.plan), projections(cut.plan)]).toEqual([1, one]);
    expect(steps(cut.plan)).toBe(T);
    expectSame(cut.values, whole.values, 1e-12);
  });

  // h of all steps is the output, and lies in one buffer: 21 steps' gates in both directions.
  const inBoth = { most: 21, two: 4 };

  test("in parts, both directions, on the CPU", async () => {
    const whole = await run(kind, true, onCpu());
    const cut = await run(kind, true, onCpu({ maxBufferSize: inBoth.most * stepBytes }));
    // Directions that no longer share a buffer no longer share a dispatch.
    expect([projections(whole.plan), projections(cut.plan)]).toEqual([1, inBoth.two]);
    expect([steps(whole.plan), steps(cut.plan)]).toEqual([T, 2 * T]);
    expectSame(cut.values, whole.values, 1e-12);
  });

  onFloat32(({ another }) => {
    test.each([false, true])("in parts gives the CPU's, both directions: %s", async (bidirectional) => {
      const whole = await run(kind, bidirectional, onCpu());
      const cut = await run(
        kind,
        bidirectional,
        limited(await another(), { maxBufferSize: (bidirectional ? inBoth.most : 23) * stepBytes }),
      );
      expect(projections(cut.plan)).toBe(bidirectional ? inBoth.two : 2);
      expectSame(cut.values, whole.values, 2e-5);
    });
  });
});

describe.each(Object.keys(layers).filter((kind) => kind.includes(" ")))("%s", (kind) => {
  test.each([false, true])("in parts gives what it gives in one, both directions: %s", async (bidirectional) => {
    const whole = await run(kind, bidirectional, onCpu());
    // What h of all steps takes is the least, if the weights fit.
    const { length } = whole.plan.buffers.find(({ name }) => name.includes("h of all steps"))!;
    const most = Math.max(4 * length, 4800);
    const cut = await run(kind, bidirectional, onCpu({ maxBufferSize: most }));
    expect(projections(cut.plan)).toBeGreaterThan(1);
    expectSame(cut.values, whole.values, 1e-12);
  });
});

describe("cell states", () => {
  /** One gate and three states, all of it linear: the states take more memory than the gates. */
  const cell = defineCell({
    name: "averages",
    gates: ["a"],
    states: ["h", "p", "q"],
    forward(x, r, prev) {
      const a = x.a + r.a;
      const q = 0.5 * prev.q + 0.1 * prev.p;
      return { state: { h: 0.4 * a + q, p: 0.5 * prev.p + 0.2 * a, q }, saved: {} };
    },
    backward(_saved, _prev, grad) {
      const q = grad.q + grad.h;
      return { grads: { a: 0.4 * grad.h + 0.2 * grad.p }, state: { h: 0, p: 0.5 * grad.p + 0.1 * q, q: 0.5 * q } };
    },
  });

  test.each([false, true])("are cut where the gates are not, both directions: %s", async (bidirectional) => {
    const D = bidirectional ? 2 : 1;
    const names = ["h", "p", "q"];
    const result = async (limits: Partial<Target>): Promise<Result> => {
      const layer = new Recurrent({ cell, ...options, bidirectional });
      const backend = onCpu(limits);
      const numbers = new Numbers("averages");
      const states = Object.fromEntries(names.map((name) => [name, { shape: [D, B, H] }]));
      const program = await Program.compile(backend, new Weights(backend, layer, 1), {
        inputs: { x: { shape: [T, B, 3] }, ...states } as InputSpecs,
        forward({ x, ...state }): Record<string, Tensor> {
          const { output, state: next } = layer.forward(x!, state as RecurrentState<"h" | "p" | "q">);
          return {
            output,
            ...Object.fromEntries(Object.entries(next).map(([name, tensor]) => [`next ${name}`, tensor])),
          };
        },
        seeds: ["output", ...names.map((name) => `next ${name}`)],
        gradients: ["x", ...names],
        parameterGradients: true,
      });
      const of = (shape: readonly number[]) => ({ shape, data: numbers.floats(shape.reduce((a, b) => a * b)) });
      const each = (prefix: string) => Object.fromEntries(names.map((name) => [prefix + name, of([D, B, H])]));
      const values = await program.run({
        x: of([T, B, 3]),
        ...each(""),
        "gradient.output": of([T, B, D * H]),
        ...each("gradient.next "),
      });
      return { plan: program.plan, values };
    };
    const whole = await result({});
    // h of all steps fits, and so would all gates.
    const cut = await result({ maxBufferSize: 4 * (T + D) * B * D * H });
    expect([projections(whole.plan), projections(cut.plan)]).toEqual([1, bidirectional ? 2 : 3]);
    expectSame(cut.values, whole.values, 1e-12);
  });
});

const V = 13;
const model = (): Module =>
  new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 6, hiddenSize: 10, numLayers: 2 });
const batches = (count: number): Batch[] =>
  Array.from({ length: count }, (_, step) => {
    const tokens = (shift: number) => ({
      shape: [5, 3],
      data: Int32Array.from({ length: 15 }, (__, i) => (5 * step + 2 * i + ((i * i) % 7) + shift) % V),
    });
    return { x: tokens(0), target: tokens(1) };
  });

/** Losses, norms and the trained state. */
async function train(backend: Backend): Promise<{ pages: number; values: StateDict; plan: Plan }> {
  const trained = model();
  const weights = new Weights(backend, trained, 2);
  const trainer = new Trainer(backend, weights, { optimizer: adam({ lr: 0.01 }), clipNorm: 0.5 });
  const reports: number[] = [];
  for await (const { loss, gradNorm } of trainer.fit(batches(5))) reports.push(loss, gradNorm);
  const state = await trainer.stateDict();
  const plan = await trainer.plan({ T: 5, B: 3 });
  return {
    pages: weights.layout.pages.length,
    values: { reports: { shape: [10], data: Float64Array.from(reports) }, ...state },
    plan,
  };
}

describe("weights on several pages", () => {
  const limit = { maxBufferSize: 4 * 1100 };

  test("train like those on one, on the CPU", async () => {
    const [one, several] = [await train(onCpu()), await train(onCpu(limit))];
    expect(one.pages).toBe(1);
    expect(several.pages).toBeGreaterThan(1);
    expect(countPlan(several.plan).perKernel).toMatchObject({
      adam: several.pages,
      "norm-partial": several.pages,
      "norm-finish": 1,
    });
    expectSame(several.values, one.values, 1e-12);
  });

  onFloat32(({ another }) => {
    test("train like those on one", async () => {
      const [one, several] = [await train(await another()), await train(limited(await another(), limit))];
      expect(several.pages).toBeGreaterThan(1);
      // The gradient's norm is added up in another order.
      expectSame(several.values, one.values, 1e-3);
    });
  });

  test("keep what belongs together on one page where it fits, and begin where four numbers can be read at once", () => {
    const parameter = (name: string, ...shape: number[]) => ({ name, shape });
    const [a, b, c, d] = [parameter("a", 10), parameter("b", 3, 30), parameter("c", 65), parameter("d", 1)] as const;
    const { pages, places } = layoutParameters(
      [
        [a, b],
        [c, d],
      ],
      4 * 256,
    );
    expect([a, b, c, d].map((p) => places.get(p))).toEqual([
      { page: 0, offset: 0, length: 10 },
      { page: 0, offset: 64, length: 90 },
      { page: 1, offset: 0, length: 65 },
      { page: 1, offset: 128, length: 1 },
    ]);
    expect(pages).toEqual([192, 192]);
    const separate = layoutParameters([[parameter("a", 100), parameter("b", 150), parameter("c", 10)]], 4 * 256);
    expect([...separate.places.values()]).toEqual([
      { page: 0, offset: 0, length: 100 },
      { page: 1, offset: 0, length: 150 },
      { page: 1, offset: 192, length: 10 },
    ]);
  });
});

describe("what cannot fit is refused before anything is allocated, with what is needed and what fits", () => {
  const compile = (backend: Backend, layer: AnyRecurrent, shape: readonly number[]) =>
    Program.compile(backend, new Weights(backend, layer, 0), {
      inputs: { x: { shape } },
      forward: ({ x }) => ({ output: layer.forward(x!).output }),
    });

  test("h of all steps", async () => {
    const backend = onCpu({ maxBufferSize: 10_000 });
    const error = await compile(backend, layers.lstm!(false), [100, 100, 3]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LimitError);
    expect(String(error)).toMatch(
      /plan "program": lstm h of all steps needs 157\.8 KiB in one buffer, this adapter allows 9\.77 KiB; a batch or window 17 times smaller fits/,
    );
  });

  test("a weight", () => {
    const vast = new LSTM({ inputSize: 10, hiddenSize: 1_000_000 });
    const make = () => new Weights(onCpu(), vast, 0);
    expect(make).toThrow(LimitError);
    expect(make).toThrow(/weight_hh_l0 needs 14\.6 TiB in one buffer, this adapter allows .*; choose smaller sizes/);
  });

  test("workgroups", async () => {
    const wide = new LSTM({ inputSize: 3, hiddenSize: 400 }) as unknown as AnyRecurrent;
    const error = await compile(onCpu({ maxWorkgroups: 3 }), wide, [2, 1, 3]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LimitError);
    expect(String(error)).toMatch(
      /plan "program": lstm \w+.* needs \d+x\d+x\d+ workgroups, this adapter allows 3 along an axis; choose a smaller batch, window or model/,
    );
  });

  test("a buffer", (context) => {
    context.skip(!gpu, found.reason);
    limited(gpu!, { maxBufferSize: 1000 });
    const allocate = () =>
      gpu!.allocate({ name: "states", role: "state", dtype: "f32", length: 300 }, { part: "test" });
    expect(allocate).toThrow(LimitError);
    expect(allocate).toThrow('buffer "states" needs 1.17 KiB, this adapter allows 1000 B');
  });
});
