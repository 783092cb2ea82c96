/** Sessions on WebAssembly beside a runtime's own backend: with the same weights, whenever these change. */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  adam,
  DisposedError,
  GRU,
  type GRUState,
  Linear,
  Module,
  mse,
  NoAdapterError,
  OptionError,
  Runtime,
  type Session,
  type SessionOptions,
  type Tensor,
  type TensorData,
} from "../../src/node.ts";
import { Numbers } from "../support/against-twin.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, title } = await adapterForTests();

const [B, I] = [3, 5];

class Streams extends Module {
  rnn: GRU;
  head = new Linear({ inFeatures: 7, outFeatures: 2 });
  constructor(learnedInitialState = false) {
    super();
    this.rnn = new GRU({ inputSize: I, hiddenSize: 7, learnedInitialState });
  }
  forward(x: Tensor, before?: GRUState): { y: Tensor; state: GRUState } {
    const { output, state } = this.rnn.forward(x, before);
    return { y: this.head.forward(output), state };
  }
}

/** Another module around the same layers. */
class Around extends Module {
  inner: Streams;
  constructor(inner: Streams) {
    super();
    this.inner = inner;
  }
  forward(x: Tensor, before?: GRUState) {
    const { y, state } = this.inner.forward(x, before);
    return { twice: y.mul(2), state };
  }
}

const inputOf = (call: number, T = 1): TensorData => ({
  shape: [T, B, I],
  data: new Numbers(`call ${call}`).floats(T * B * I),
});
const batch = {
  x: inputOf(100, 4),
  target: { shape: [4, B, 2], data: new Numbers("target").floats(8 * B) },
};
const open = (runtime: Runtime, model: Module, on?: SessionOptions["on"]): Promise<Session<"x">> =>
  runtime.session(model, { inputs: { x: [1, B, I] }, streams: B, ...(on && { on }) });
const trainerOf = (runtime: Runtime, model: Module) =>
  runtime.trainer(model, {
    optimizer: adam({ lr: 0.1 }),
    loss: ({ y }: { y: Tensor }, target: Tensor) => mse().apply(y, target),
    carryState: false,
  });

/** Largest difference of what two sessions say of the same input. */
async function difference(some: Session<"x">, other: Session<"x">, call: number, name = "y"): Promise<number> {
  const [a, b] = [await some.run({ x: inputOf(call) }), await other.run({ x: inputOf(call) })];
  return Math.max(...a[name]!.data.map((value, i) => Math.abs(value - b[name]!.data[i]!)));
}

const modelsOf = (runtime: Runtime) => runtime.memory().models.map(({ name }) => name);

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe.each(["cpu", "gpu"] as const)("beside the %s", (backend) => {
  const skip = backend === "gpu" && !device;
  const runtimeOf = () => Runtime.open(backend === "cpu" ? { backend } : { device: device! });

  test.skipIf(skip)(
    title("a session says what one on the runtime's own backend says, whatever changes the weights"),
    async () => {
      const runtime = await runtimeOf();
      const model = new Streams();
      const [own, wasm] = [await open(runtime, model, backend), await open(runtime, model, "wasm")];
      expect(await difference(own, wasm, 0)).toBeLessThan(1e-6);
      expect(await difference(own, wasm, 1)).toBeLessThan(1e-6);
      const before = (await wasm.run({ x: inputOf(2) })).y!.data;
      await own.run({ x: inputOf(2) });

      const trainer = trainerOf(runtime, model);
      for (let step = 0; step < 3; step++) await trainer.step(batch);
      own.reset();
      wasm.reset();
      expect(await difference(own, wasm, 3)).toBeLessThan(1e-5);
      for (const call of [0, 1]) expect(await difference(own, wasm, call)).toBeLessThan(1e-5);
      const after = (await wasm.run({ x: inputOf(2) })).y!.data;
      await own.run({ x: inputOf(2) });
      expect(after).not.toEqual(before);

      const dict = await runtime.stateDict(model);
      dict["head.bias"]!.data.fill(5);
      runtime.loadStateDict(model, dict);
      expect(await difference(own, wasm, 4)).toBeLessThan(1e-5);
      runtime.initialize(model, { seed: 9 });
      expect(await difference(own, wasm, 5)).toBeLessThan(1e-5);
      const [mine, theirs] = [await own.state(), await wasm.state()];
      for (const [i, value] of theirs.h!.data.entries()) expect(value).toBeCloseTo(mine.h!.data[i]!, 5);
      wasm.setState(mine);
      own.active = wasm.active = [0, 2];
      expect(await difference(own, wasm, 6)).toBeGreaterThanOrEqual(0);
      // The stream that took no part has what it was given.
      expect((await wasm.state()).h!.data[8]).toBe(Math.fround(mine.h!.data[8]!));
      runtime.dispose();
    },
  );

  test.skipIf(skip)("each call has the weights and the input of the moment at which it was made", async () => {
    const runtime = await runtimeOf();
    const model = new Streams();
    const [own, first, second] = [
      await open(runtime, model),
      await open(runtime, model, "wasm"),
      await open(runtime, model, "wasm"),
    ];
    const dict = await runtime.stateDict(model);
    const bias = (value: number) => {
      runtime.loadStateDict(model, { ...dict, "head.bias": { shape: [2], data: new Float32Array(2).fill(value) } });
    };
    const said: Promise<Readonly<Record<string, TensorData>>>[][] = [[], [], []];
    const x = inputOf(0);
    for (const value of [1, 2, 2, 3]) {
      bias(value);
      x.data.fill(value / 4);
      for (const [i, session] of [own, first, second].entries()) {
        session.push({ x });
        said[i]!.push(session.run({ x }));
      }
      x.data.fill(100);
    }
    const [expected, ...both] = await Promise.all(
      said.map(async (one) => (await Promise.all(one)).flatMap(({ y }) => [...y!.data])),
    );
    for (const values of both)
      for (const [i, value] of values.entries()) expect(value, `${i}`).toBeCloseTo(expected![i]!, 5);
    runtime.dispose();
  });

  test.skipIf(skip)("states that are learned begin with what is learned, also after a training", async () => {
    const runtime = await runtimeOf();
    const model = new Streams(true);
    const [own, wasm] = [await open(runtime, model), await open(runtime, model, "wasm")];
    expect(await difference(own, wasm, 0)).toBeLessThan(1e-6);
    const trainer = trainerOf(runtime, model);
    for (let step = 0; step < 3; step++) await trainer.step(batch);
    for (const session of [own, wasm]) session.reset([1]);
    expect(await difference(own, wasm, 1)).toBeLessThan(1e-5);
    const { h } = await wasm.state();
    const learned = await runtime.session(model, { inputs: { x: [1, B, I] }, streams: B, on: "wasm" });
    expect((await learned.state()).h!.data.some((value) => value !== 0)).toBe(true);
    expect(h!.data.some((value) => value !== 0)).toBe(true);
    runtime.dispose();
  });

  test.skipIf(skip)("modules around the same layers share the copy", async () => {
    const runtime = await runtimeOf();
    const inner = new Streams();
    const around = new Around(inner);
    runtime.initialize(inner);
    const wasm = await open(runtime, inner, "wasm");
    const { bytes } = runtime.memory();
    const [own, outer] = [await open(runtime, around), await open(runtime, around, "wasm")];
    await wasm.run({ x: inputOf(0) });
    expect(await difference(own, outer, 0, "twice")).toBeLessThan(1e-6);
    await trainerOf(runtime, inner).step(batch);
    expect(await difference(own, outer, 1, "twice")).toBeLessThan(1e-5);
    expect(runtime.memory().bytes).toBeGreaterThan(bytes);
    expect(modelsOf(runtime)).toEqual(["Streams", "Streams on wasm"]);
    runtime.release(around);
    expect(() => outer.push({ x: inputOf(0) })).toThrow(DisposedError);
    await wasm.run({ x: inputOf(1) });
    runtime.dispose();
  });

  test.skipIf(skip)("memory is told, and given back with the session, the model and the runtime", async () => {
    const runtime = await runtimeOf();
    const [model, other] = [new Streams(), new Streams()];
    runtime.initialize(model);
    const before = runtime.memory();
    const wasm = await open(runtime, model, "wasm");
    const alive = await open(runtime, other, "wasm");
    expect(modelsOf(runtime).sort()).toEqual(["Streams", "Streams 2", "Streams 2 on wasm", "Streams on wasm"]);
    wasm.dispose();
    expect(() => wasm.push({ x: inputOf(0) })).toThrow(DisposedError);
    const again = await open(runtime, model, "wasm");
    const old = (await again.run({ x: inputOf(0) })).y!.data;
    runtime.release(model);
    expect(() => again.push({ x: inputOf(0) })).toThrow(DisposedError);
    expect(modelsOf(runtime)).not.toContain("Streams on wasm");
    // Used again, the model has new weights, and so has a new copy.
    runtime.initialize(model, { seed: 3 });
    const fresh = await open(runtime, model, "wasm");
    expect((await fresh.run({ x: inputOf(0) })).y!.data).not.toEqual(old);
    await alive.run({ x: inputOf(0) });
    runtime.release(model);
    runtime.release(other);
    expect(before.bytes).toBeGreaterThan(0);
    expect(modelsOf(runtime)).toEqual([]);
    const last = await open(runtime, model, "wasm");
    runtime.dispose();
    await expect(last.run({ x: inputOf(0) })).rejects.toThrow(DisposedError);
    await expect(open(runtime, model, "wasm")).rejects.toThrow(DisposedError);
    expect(runtime.memory().bytes).toBe(0);
  });

  test.skipIf(skip)("weights that cannot be read are the call's error, and the next call tries again", async () => {
    const runtime = await runtimeOf();
    const model = new Streams();
    const [own, wasm] = [await open(runtime, model), await open(runtime, model, "wasm")];
    await difference(own, wasm, 0);
    const { Weights } = await import("../../src/nn/weights.ts");
    const spy = vi.spyOn(Weights.prototype, "stateDict").mockRejectedValue(new Error("the device is gone"));
    // Nothing has changed, so nothing is read.
    expect(await difference(own, wasm, 1)).toBeLessThan(1e-5);
    expect(spy).not.toHaveBeenCalled();
    runtime.initialize(model, { seed: 4 });
    await expect(wasm.run({ x: inputOf(2) })).rejects.toThrow("the device is gone");
    spy.mockRestore();
    expect(await difference(own, wasm, 2)).toBeLessThan(1e-5);
    runtime.dispose();
  });

  test.skipIf(skip)("a backend that is not there is an error, and can be had later", async () => {
    const runtime = await runtimeOf();
    const model = new Streams();
    const { validate } = WebAssembly;
    vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
    await expect(open(runtime, model, "wasm")).rejects.toThrow(NoAdapterError);
    vi.mocked(WebAssembly.validate).mockRestore();
    expect(WebAssembly.validate).toBe(validate);
    await (await open(runtime, model, "wasm")).run({ x: inputOf(0) });
    const other = backend === "cpu" ? "gpu" : "cpu";
    await expect(open(runtime, model, other)).rejects.toThrow(
      new OptionError(
        `session: on is "${other}", expected "wasm" or the runtime's own, "${backend}"; Runtime.open takes every backend`,
      ),
    );
    runtime.dispose();
  });

  test.skipIf(skip)("a runtime that is disposed, or a model that is released, while it opens", async () => {
    const runtime = await runtimeOf();
    const model = new Streams();
    const opening = open(runtime, model, "wasm");
    runtime.release(model);
    await expect(opening).rejects.toThrow(DisposedError);
    const again = open(runtime, model, "wasm");
    runtime.dispose();
    await expect(again).rejects.toThrow(DisposedError);
    expect(runtime.memory().bytes).toBe(0);
  });
});

test("on a runtime that is on wasm itself nothing is copied", async () => {
  const runtime = await Runtime.open({ backend: "wasm" });
  const model = new Streams();
  const session = await open(runtime, model, "wasm");
  await session.run({ x: inputOf(0) });
  expect(modelsOf(runtime)).toEqual(["Streams"]);
  await expect(open(runtime, model, "gpu")).rejects.toThrow(OptionError);
  runtime.dispose();
});
