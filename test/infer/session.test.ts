/** Sessions: a model that is called again and again gives what it gives over the whole sequence, whoever joins or leaves. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  adam,
  countPlan,
  DisposedError,
  functional,
  GRU,
  Module,
  mse,
  Runtime,
  type Tensor,
  type TensorData,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf } from "../support/mistakes.ts";
import { streamModels as models, numbers } from "../support/stream-models.ts";
import { watch } from "../support/watched-device.ts";

const { device, found, onEach } = await backendsForTests();
const seen = device && watch(device);

/** Is told which steps are real. What is no tensor in a state comes back as it is. */
class Masked extends Module {
  rnn = new GRU({ inputSize: 3, hiddenSize: 4 });
  forward(
    { x, mask }: { x: Tensor; mask: Tensor },
    state: { h?: Tensor; layers: number; name: string | null } = { layers: 1, name: null },
  ) {
    expect([state.layers, state.name]).toEqual([1, null]);
    const { output, state: next } = this.rnn.forward(x, state.h && { h: state.h }, { mask });
    return { y: output, state: { ...state, h: next.h } };
  }
}

/** Adds the input before to each input: a state that no recurrent layer holds. */
class Last extends Module {
  rnn = new GRU({ inputSize: 3, hiddenSize: 4 });
  forward(x: Tensor, state?: { last: Tensor; h: Tensor }) {
    const sum = functional.add(x, state?.last ?? functional.sub(x, x));
    const { output, state: next } = this.rnn.forward(sum, state && { h: state.h });
    return { y: output, state: { h: next.h, last: x } };
  }
}

/** Steps `from` to `from + T` of all streams. */
const steps = ({ shape, data }: TensorData, from: number, T: number): TensorData => {
  const row = shape[1]! * shape[2]!;
  return { shape: [T, ...shape.slice(1)], data: Float32Array.from(data.slice(from * row, (from + T) * row)) };
};
const far = (a: TensorData, b: TensorData): number => {
  expect(a.shape).toEqual(b.shape);
  return Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i]!)));
};

onEach(({ kind, open }) => {
  const close = kind === "cpu" ? 1e-6 : 1e-5;

  /** The outputs over a whole sequence at once. */
  async function whole(runtime: Runtime, model: Module, x: TensorData): Promise<TensorData> {
    const forward = model.forward as (x: Tensor) => { y: Tensor };
    const program = await runtime.compile(model, {
      inputs: { x: { shape: x.shape } },
      forward: (given) => ({ y: forward.call(model, given.x!).y }),
    });
    const { y } = await program.run({ x });
    program.dispose();
    return y!;
  }

  describe.each(Object.keys(models))("%s", (name) => {
    test.each([1, 2, 5])("calls of %s steps are the whole sequence", async (T) => {
      const runtime = await open();
      const model = models[name]!();
      runtime.initialize(model, { seed: 4 });
      const x = numbers([10, 3, 3], name);
      const expected = await whole(runtime, model, x);
      const session = await runtime.session(model, { inputs: { x: [T, 3, 3] }, streams: 3 });
      for (let t = 0; t < 10; t += T) {
        const { y } = await session.run({ x: steps(x, t, T) });
        expect(far(y!, steps(expected, t, T))).toBeLessThan(close);
      }
      // Anew, pushed, saved in between and gone on from in another session.
      session.reset();
      session.push({ x: steps(x, 0, T) });
      session.push({ x: steps(x, T, T) });
      const saved = await session.state();
      const other = await runtime.session(model, { inputs: { x: [T, 3, 3] }, streams: 3 });
      await other.run({ x: steps(x, 5, T) });
      other.setState(saved);
      expect(await other.state()).toEqual(saved);
      if (3 * T <= 10) {
        const { y } = await other.run({ x: steps(x, 2 * T, T) });
        expect(far(y!, steps(expected, 2 * T, T))).toBeLessThan(close);
      }
      runtime.dispose();
    });

    test.each([1, 3])("streams come, go and begin anew, calls of %s steps", async (T) => {
      const runtime = await open();
      const model = models[name]!();
      const B = 4;
      const session = await runtime.session(model, { inputs: { x: [T, B, 3] }, streams: B });
      const alone = await Promise.all(
        Array.from({ length: B }, () => runtime.session(model, { inputs: { x: [T, 1, 3] }, streams: 1 })),
      );
      const rowOf = ({ shape, data }: TensorData, b: number): TensorData => {
        const C = shape[2]!;
        const rows = Array.from({ length: T }, (_, t) => [...data.slice((t * B + b) * C, (t * B + b + 1) * C)]);
        return { shape: [T, 1, C], data: Float32Array.from(rows.flat()) };
      };
      const calls = [[0, 1, 2, 3], [0, 2], [1], [0, 1, 2, 3], [], [3, 0, 1, 2]];
      for (const [i, active] of calls.entries()) {
        const x = numbers([T, B, 3], `${name} ${i}`);
        session.active = active;
        if (i === 3) {
          session.reset([1, 3]);
          alone[1]!.reset();
          alone[3]!.reset();
        }
        const { y } = await session.run({ x });
        for (const b of active) {
          const expected = await alone[b]!.run({ x: rowOf(x, b) });
          expect(far(rowOf(y!, b), expected.y!), `call ${i}, stream ${b}`).toBeLessThan(close);
        }
      }
      runtime.dispose();
    });
  });

  test("a state that no layer holds is held for streams that leave, too", async () => {
    const runtime = await open();
    const model = new Last();
    const session = await runtime.session(model, { inputs: { x: [1, 2, 3] }, streams: 2 });
    const ones = (first: number, second: number) => ({
      shape: [1, 2, 3],
      data: Float32Array.of(first, first, first, second, second, second),
    });
    session.push({ x: ones(1, 2) });
    session.active = [0];
    session.push({ x: ones(3, Number.NaN) });
    const { last, h } = await session.state();
    expect([...last!.data]).toEqual([3, 3, 3, 2, 2, 2]);
    expect(h!.data.every(Number.isFinite)).toBe(true);
    runtime.dispose();
  });

  test("steps that are not real are passed over, also while a stream is away", async () => {
    const runtime = await open();
    const model = new Masked();
    const inputs = (B: number) => ({ x: [3, B, 3], mask: { shape: [3, B], dtype: "i32" } }) as const;
    const session = await runtime.session(model, { inputs: inputs(2), streams: 2 });
    const alone = await runtime.session(model, { inputs: inputs(1), streams: 1 });
    const x = numbers([3, 2, 3], "x");
    const second = {
      shape: [3, 1, 3],
      data: Float32Array.from([3, 9, 15].flatMap((at) => [...x.data.slice(at, at + 3)])),
    };
    const { y: expected } = await alone.run({ x: second, mask: { shape: [3, 1], data: Int32Array.of(1, 0, 1) } });
    session.active = [1];
    const { y } = await session.run({ x, mask: { shape: [3, 2], data: Int32Array.of(0, 1, 1, 0, 1, 1) } });
    expect(
      far(
        { shape: [3, 4], data: Float32Array.from([4, 12, 20].flatMap((at) => [...y!.data.slice(at, at + 4)])) },
        {
          shape: [3, 4],
          data: expected!.data,
        },
      ),
    ).toBeLessThan(close);
    const { h } = await session.state();
    const after = await alone.state();
    expect([...h!.data.slice(0, 4)]).toEqual([0, 0, 0, 0]);
    expect(far({ shape: [4], data: h!.data.slice(4) }, { shape: [4], data: after.h!.data })).toBeLessThan(close);
    runtime.dispose();
  });

  test("calls that wait when a session is disposed are refused", async () => {
    const runtime = await open();
    const session = await runtime.session(models["lstm with learned start"]!(), { inputs: { x: [1, 1, 3] } });
    session.reset(); // reads what is learned, and the others wait for it
    const waiting = [session.run({ x: numbers([1, 1, 3], "x") }), session.state()];
    session.dispose();
    for (const call of waiting) expect(await errorOf(() => call)).toBeInstanceOf(DisposedError);
    runtime.dispose();
  });

  test("calls that are started at once run in order", async () => {
    const runtime = await open();
    const model = models.lstm!();
    const x = numbers([6, 1, 3], "at once");
    const expected = await whole(runtime, model, x);
    const session = await runtime.session(model, { inputs: { x: [1, 1, 3] } });
    const results = await Promise.all(Array.from({ length: 6 }, (_, t) => session.run({ x: steps(x, t, 1) })));
    for (const [t, { y }] of results.entries()) expect(far(y!, steps(expected, t, 1))).toBeLessThan(close);
    runtime.dispose();
  });

  test("training between two calls changes what the next one computes, and the states stay", async () => {
    const runtime = await open();
    const model = models["lstm with learned start"]!();
    const session = await runtime.session(model, { inputs: { x: [1, 1, 3] } });
    const x = numbers([1, 1, 3], "x");
    await session.run({ x });
    const before = await session.state();
    const loss = mse();
    const trainer = runtime.trainer(model, {
      optimizer: adam({ lr: 0.1 }),
      carryState: false,
      loss: ({ y }, target) => loss.apply(y, target),
    });
    for await (const _ of trainer.fit([{ x, target: numbers([1, 1, 2], "target") }]));
    expect(await session.state()).toEqual(before);
    const fresh = await runtime.session(model, { inputs: { x: [1, 1, 3] } });
    // What is learned to begin with is what it is now.
    session.reset();
    expect(await session.state()).toEqual(await fresh.state());
    expect((await session.run({ x })).y).toEqual((await fresh.run({ x })).y);
    runtime.dispose();
  });
});

const counts = [
  ["lstm", 1, 3],
  ["gru", 1, 3],
  ["lstm of two layers", 1, 5],
  // Counts of steps become a mask once a call.
  ["lstm", 4, 7],
] as const;

test.each(counts)("the plan of a call of %s over %s steps is %s dispatches, on the CPU too", async (name, T, n) => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const session = await runtime.session(models[name]!(), { inputs: { x: [T, 2, 3] }, streams: 2 });
  const { dispatches, copies, clears } = countPlan(session.plan);
  expect([dispatches, copies, clears]).toEqual([n, 0, 0]);
  runtime.dispose();
});

describe("counts", () => {
  beforeEach((context) => context.skip(!device, found.reason));

  test.each(counts)(
    "a call of %s over %s steps is %s dispatches, one submit, no copy, and makes nothing",
    async (name, T, n) => {
      const runtime = await Runtime.open({ device: device! });
      const session = await runtime.session(models[name]!(), { inputs: { x: [T, 2, 3] }, streams: 2 });
      const { dispatches, copies, clears } = countPlan(session.plan);
      expect([dispatches, copies, clears]).toEqual([n, 0, 0]);
      const x = numbers([T, 2, 3], "x");
      for (let i = 0; i < 3; i++) await session.run({ x });
      seen!.reset();
      for (let i = 0; i < 5; i++) await session.run({ x });
      expect([...seen!.made]).toEqual([]);
      expect([seen!.submits, seen!.encoders, seen!.reads]).toEqual([5, 5, 5]);
      expect(seen!.written).toEqual(Array(5).fill("x"));
      seen!.reset();
      for (let i = 0; i < 5; i++) session.push({ x });
      expect([[...seen!.made], seen!.submits, seen!.reads]).toEqual([[], 5, 0]);
      runtime.dispose();
    },
  );
});
