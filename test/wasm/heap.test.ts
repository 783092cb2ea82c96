/** The memory of the WebAssembly backend: ranges of it, its growth, its end, and plans that share it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  adam,
  type Batch,
  CharModel,
  DisposedError,
  GRU,
  type GRUState,
  LimitError,
  Module,
  Runtime,
  type Tensor,
} from "../../src/index.ts";
import type { BufferSpec, Plan } from "../../src/plan/plan.ts";
import { Heap } from "../../src/wasm/heap.ts";
import type { Native } from "../../src/wasm/native.ts";
import { natives } from "../../src/wasm/natives.ts";
import { WasmBackend } from "../../src/wasm/wasm-backend.ts";
import { errorOf } from "../support/mistakes.ts";

const MIB = 2 ** 20;
const memoryOf = (pages: number) => new WebAssembly.Memory({ initial: pages, maximum: 65536 });

describe("ranges", () => {
  const action = fc.record({ size: fc.oneof(fc.nat(300), fc.nat(300_000)), frees: fc.nat(3), which: fc.nat() });

  test("do not meet, begin at 64, are zero, and end with 16 bytes that belong to nobody", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), fc.nat(5000), (actions, base) => {
        const heap = new Heap(memoryOf(1), base);
        const taken: { address: number; bytes: number; mark: number }[] = [];
        const bytesOf = ({ address, bytes }: { address: number; bytes: number }, behind = 0) =>
          new Uint8Array(heap.memory.buffer, address, bytes + behind);
        const giveBack = (which: number) => {
          const [one] = taken.splice(which % taken.length, 1);
          // Nobody else has written there, however often the memory has grown.
          expect(bytesOf(one!).every((byte) => byte === one!.mark)).toBe(true);
          // What lies there now is not handed out as it is.
          bytesOf(one!).fill(0xaa);
          heap.free(one!.address, one!.bytes);
        };
        for (const [i, { size, frees, which }] of actions.entries()) {
          const one = { address: heap.allocate("it", size), bytes: size, mark: 1 + (i % 250) };
          expect(one.address % 64).toBe(0);
          expect(one.address).toBeGreaterThanOrEqual(base);
          expect(bytesOf(one, 16).every((byte) => byte === 0)).toBe(true);
          for (const other of taken)
            expect(one.address + size + 16 <= other.address || other.address + other.bytes + 16 <= one.address).toBe(
              true,
            );
          bytesOf(one).fill(one.mark);
          taken.push(one);
          for (let f = 0; f < frees && frees > 1 && taken.length > 0; f++) giveBack(which + f);
        }
        while (taken.length > 0) giveBack(0);
        // All of it is one range again: as much as there is fits, without growing.
        const { byteLength } = heap.memory.buffer;
        const from = Math.ceil(base / 64) * 64;
        expect(heap.allocate("everything", byteLength - from - 64)).toBe(from);
        expect(heap.memory.buffer.byteLength).toBe(byteLength);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  test("are taken from the smallest gap that is large enough", () => {
    const heap = new Heap(memoryOf(64), 0);
    const [large, , small, last] = [5000, 10, 1000, 10].map((bytes) => heap.allocate("it", bytes));
    heap.free(large!, 5000);
    heap.free(small!, 1000);
    expect(heap.allocate("it", 900)).toBe(small);
    expect(heap.allocate("it", 4000)).toBe(large);
    expect(heap.allocate("it", 4000)).toBeGreaterThan(last!);
  });
});

describe("the memory", () => {
  test("grows, keeps what it holds, and says that it has grown", () => {
    const heap = new Heap(memoryOf(1), 0);
    const at = heap.allocate("small", 400);
    new Float32Array(heap.memory.buffer, at, 100).fill(7);
    const { epoch } = heap;
    heap.allocate("large", 9 * MIB);
    expect(heap.epoch).toBeGreaterThan(epoch);
    expect(new Float32Array(heap.memory.buffer, at, 100).every((x) => x === 7)).toBe(true);
  });

  test("that cannot grow by a quarter grows by what is needed; if that fails too, nothing is lost", () => {
    const real = memoryOf(1);
    let most = 20;
    const asked: number[] = [];
    const memory = {
      get buffer() {
        return real.buffer;
      },
      grow(pages: number) {
        asked.push(pages);
        if (real.buffer.byteLength / 65536 + pages > most) throw new RangeError("no memory");
        return real.grow(pages);
      },
    };
    const heap = new Heap(memory as WebAssembly.Memory, 0);
    const first = heap.allocate("first", 65536);
    // 4 MiB, which are 64 pages, are not to be had.
    expect(asked).toEqual([64, 1]);
    new Uint8Array(real.buffer, first, 65536).fill(3);
    const { epoch } = heap;
    expect(() => heap.allocate("the vast one", 30 * 65536)).toThrow(
      /^the vast one needs 1\.88 MiB, and with it the WebAssembly memory .* MiB, more than this process can get; choose a smaller batch/,
    );
    expect([heap.epoch, real.buffer.byteLength]).toEqual([epoch, 2 * 65536]);
    expect(new Uint8Array(real.buffer, first, 65536).every((byte) => byte === 3)).toBe(true);
    expect(heap.allocate("a small one", 1000)).toBeGreaterThan(first);
    most = 100;
    expect(heap.allocate("the vast one", 30 * 65536)).toBeGreaterThan(first);
  });

  test("has 4 GiB at most, and the message says what would have been needed", async () => {
    const backend = await WasmBackend.open();
    const vast = { name: "states", role: "state", dtype: "f32", length: 2 ** 30 } as const;
    const before = [...backend.allocations].length;
    const error = await errorOf(() => backend.allocate(vast, { part: "test" }));
    expect(error).toBeInstanceOf(LimitError);
    expect(String(error)).toMatch(
      /states needs 4\.00 GiB, and with it the WebAssembly memory 4\.0\d GiB, more than its 4 GiB/,
    );
    expect([...backend.allocations].length).toBe(before);
    expect(backend.allocate({ ...vast, length: 10 }, { part: "test" }).bytes).toBe(40);
  });
});

const f32 = (name: string, role: BufferSpec["role"], length: number) => ({ name, role, dtype: "f32", length }) as const;
const view = (buffer: number, length: number, offset = 0) => ({ buffer, offset, length });
const copying = (name: string, from: BufferSpec): Plan => ({
  name,
  buffers: [from, f32("y", "output", from.length)],
  commands: [{ type: "copy", label: "copy", from: view(0, from.length), to: view(1, from.length) }],
});

describe("plans", () => {
  test("that were loaded before the memory grew run after it, natives and twins alike", async () => {
    const runtime = await Runtime.open({ backend: "wasm" });
    const quiet = await Runtime.open({ backend: "wasm" });
    const model = new CharModel({ vocabSize: 7, cell: "gru", embeddingDim: 5, hiddenSize: 9 });
    const programOf = (on: Runtime) =>
      on.compile(model, {
        inputs: { x: { shape: [4, 3], dtype: "i32" } },
        forward: ({ x }) => ({ logits: model.forward(x).logits.sigmoid() }),
      });
    const x = { shape: [4, 3], data: Int32Array.from({ length: 12 }, (_, i) => i % 7) };
    const [program, expected] = [await programOf(runtime), await (await programOf(quiet)).run({ x })];
    expect(await program.run({ x })).toEqual(expected);
    // Larger than what the memory grows by at least.
    const large = new GRU({ inputSize: 800, hiddenSize: 800 });
    runtime.initialize(large);
    expect(runtime.memory().bytes).toBeGreaterThan(10 * MIB);
    expect(await program.run({ x })).toEqual(expected);
    runtime.dispose();
    quiet.dispose();
  });

  test("read NaN from scratch memory that they have not written", async () => {
    const backend = await WasmBackend.open();
    const loaded = await backend.load(copying("reads scratch", f32("s", "scratch", 5)));
    expect((await loaded.runAndRead(["y"]))[0]).toEqual(new Float32Array(5).fill(Number.NaN));
  });

  test("whose memory was given back are refused, as is that memory", async () => {
    const backend = await WasmBackend.open();
    const buffer = backend.allocate(f32("x", "parameter", 6), { part: "weights" });
    const memory = {
      find: ({ name }: BufferSpec) => (name === "x" ? buffer : undefined),
      ownerOf: () => undefined,
      keep() {},
    };
    const loaded = await backend.load(copying("copy", f32("x", "parameter", 6)), undefined, memory);
    loaded.run();
    backend.free(buffer);
    // Somebody else's now.
    const other = backend.allocate(f32("z", "parameter", 6), { part: "weights" });
    expect(() => loaded.run()).toThrow(DisposedError);
    expect(() => backend.write(buffer as never, new Float32Array(6).fill(9))).toThrow(DisposedError);
    expect(await errorOf(() => backend.read([buffer as never]))).toBeInstanceOf(DisposedError);
    expect((await backend.read([other as never]))[0]).toEqual(new Float32Array(6));
    backend.free(buffer);
    expect(await backend.read([other as never])).toHaveLength(1);
  });

  test("whose steps could not be made again are not run with the old ones", async () => {
    const table = natives as Map<string, Native>;
    const product = table.get("matmul")!;
    let fails = false;
    table.set("matmul", (at, numbers, context) => {
      if (fails) throw new LimitError("no workspace");
      return product(at, numbers, context);
    });
    const runtime = await Runtime.open({ backend: "wasm" });
    try {
      const layer = new CharModel({ vocabSize: 5, embeddingDim: 3, hiddenSize: 4 });
      const program = await runtime.compile(layer, {
        inputs: { x: { shape: [2, 2], dtype: "i32" } },
        forward: ({ x }) => ({ y: layer.forward(x).logits }),
      });
      const x = { shape: [2, 2], data: Int32Array.of(1, 2, 3, 4) };
      const expected = await program.run({ x });
      runtime.initialize(new GRU({ inputSize: 700, hiddenSize: 700 }));
      fails = true;
      for (let i = 0; i < 2; i++) expect(await errorOf(() => program.run({ x }))).toBeInstanceOf(LimitError);
      fails = false;
      expect(await program.run({ x })).toEqual(expected);
    } finally {
      table.set("matmul", product);
      runtime.dispose();
    }
  });
});

const V = 6;
const tokens = (shift: number, T = 5) => ({
  shape: [T, 2],
  data: Int32Array.from({ length: 2 * T }, (_, i) => (i * i + shift) % V),
});
const batches = (count: number, from = 0): Batch[] =>
  Array.from({ length: count }, (_, i) => ({ x: tokens(from + i), target: tokens(from + i + 1) }));
const charModel = () => new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 5, hiddenSize: 11 });

class Streams extends Module {
  readonly rnn = new GRU({ inputSize: 3, hiddenSize: 8 });
  forward(x: Tensor, before?: GRUState) {
    const { output, state } = this.rnn.forward(x, before);
    return { y: output, state };
  }
}

test("a model that is too large is refused, and what is under way goes on as if it had not been asked for", async () => {
  const results: unknown[] = [];
  for (const disturbed of [false, true]) {
    const runtime = await Runtime.open({ backend: "wasm" });
    const model = charModel();
    runtime.initialize(model, { seed: 2 });
    const trainer = runtime.trainer(model, { optimizer: adam(), clipNorm: 1 });
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(batches(3))) losses.push(loss);
    const before = runtime.memory();
    if (disturbed) {
      const vast = new GRU({ inputSize: 19_000, hiddenSize: 19_000 });
      const error = await errorOf(() => runtime.initialize(vast));
      expect(error).toBeInstanceOf(LimitError);
      expect(String(error)).toMatch(/needs .* GiB/);
      expect(runtime.memory()).toEqual(before);
    }
    for await (const { loss } of trainer.fit(batches(3, 3))) losses.push(loss);
    results.push([losses, await runtime.stateDict(model), await trainer.stateDict()]);
    runtime.dispose();
  }
  expect(results[1]).toEqual(results[0]);
});

test("plans that share scratch memory, and what is disposed between them, do not disturb each other", async () => {
  const x = (step: number) => ({
    shape: [1, 2, 3],
    data: Float32Array.from({ length: 6 }, (_, i) => Math.sin(step + i)),
  });
  const alone = await Runtime.open({ backend: "wasm" });
  const both = await Runtime.open({ backend: "wasm" });
  const begin = async (on: Runtime) => {
    const [model, streams] = [charModel(), new Streams()];
    on.initialize(model, { seed: 1 });
    on.initialize(streams, { seed: 5 });
    const trainer = on.trainer(model, { optimizer: adam({ lr: 0.02 }) });
    const session = await on.session(streams, { inputs: { x: [1, 2, 3] }, streams: 2 });
    return { model, trainer, session };
  };
  const quiet = await begin(alone);
  const losses: number[] = [];
  for (const batch of batches(12)) losses.push((await quiet.trainer.step(batch)).loss);
  const outputs: unknown[] = [];
  for (let step = 0; step < 12; step++) outputs.push((await quiet.session.run({ x: x(step) })).y);

  const loud = await begin(both);
  for (const [step, batch] of batches(12).entries()) {
    expect((await loud.trainer.step(batch)).loss, `step ${step}`).toBe(losses[step]);
    // Now and then another plan comes with more scratch memory, or one goes.
    if (step % 4 === 1) {
      const passing = charModel();
      const trainer = both.trainer(passing, { optimizer: adam() });
      await trainer.step({ x: tokens(step, 40 * step), target: tokens(step + 1, 40 * step) });
      trainer.dispose();
      both.release(passing);
    }
    expect((await loud.session.run({ x: x(step) })).y, `call ${step}`).toEqual(outputs[step]);
  }
  expect(await both.stateDict(loud.model)).toEqual(await alone.stateDict(quiet.model));
  loud.session.dispose();
  expect((await loud.trainer.step(batches(1)[0]!)).loss).toBe((await quiet.trainer.step(batches(1)[0]!)).loss);
  both.dispose();
  alone.dispose();
});
