/** Long sequences on a device that has exactly WebGPU's guaranteed limits, beside WebAssembly. */
import { afterAll, beforeEach, expect, test } from "vitest";
import { adam, GRU, Linear, LSTM, Module, Runtime, type Tensor } from "../../src/node.ts";
import { expectSame, Numbers } from "../support/against-twin.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, found } = await adapterForTests("default");
beforeEach((context) => context.skip(!device, found.reason));
const wasm = await Runtime.open({ backend: "wasm", threads: 1 });
const gpu = device ? await Runtime.open({ device }) : (undefined as never);
afterAll(() => {
  wasm.dispose();
  gpu?.dispose();
});

test("100,000 steps stream, in memory that does not grow", async () => {
  const T = 1000;
  const layer = new GRU({ inputSize: 3, hiddenSize: 8 });
  const inputs = { x: [T, 1, 3] } as const;
  const sessions = [await gpu.session(layer, { inputs }), await wasm.session(layer, { inputs })];
  const numbers = new Numbers("a long stream");
  let before: unknown;
  for (let call = 0; call < 100; call++) {
    const x = numbers.floats(T * 3);
    const [got, expected] = await Promise.all(
      sessions.map((session) => session.run({ x: { shape: [T, 1, 3], data: x } })),
    );
    if (call % 33 === 0) expectSame(got as never, expected as never, 1e-4);
    if (call === 1) before = gpu.memory().bytes;
  }
  expect(gpu.memory().bytes).toEqual(before);
  for (const session of sessions) session.dispose();
});

class Labels extends Module {
  readonly lstm = new LSTM({ inputSize: 4, hiddenSize: 12 });
  readonly head = new Linear({ inFeatures: 12, outFeatures: 5 });

  forward(x: Tensor): { logits: Tensor } {
    return { logits: this.head.forward(this.lstm.forward(x).output) };
  }
}

test("a window of 4096 steps trains", async () => {
  const [T, B] = [4096, 2];
  const numbers = new Numbers("a long window");
  const model = new Labels();
  const batch = {
    x: { shape: [T, B, 4], data: numbers.floats(T * B * 4) },
    target: { shape: [T, B], data: numbers.integers(T * B, 0, 4) },
  };
  const reports = [];
  for (const runtime of [gpu, wasm]) {
    runtime.initialize(model, { seed: 3 });
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
    const losses = [];
    for (let step = 0; step < 2; step++) {
      const { loss, gradNorm } = await trainer.step(batch);
      losses.push(loss, gradNorm);
    }
    reports.push({ losses: { shape: [losses.length], data: Float64Array.from(losses) } });
    trainer.dispose();
  }
  expectSame(reports[0]!, reports[1]!, 1e-4);
});
