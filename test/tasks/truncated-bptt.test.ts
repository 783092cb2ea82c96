/** Truncated back-propagation through time with windows that overlap, against states that are carried by hand. */
import { expect, test } from "vitest";
import {
  adam,
  crossEntropy,
  Linear,
  LSTM,
  Module,
  Runtime,
  type StateDict,
  sgd,
  type Tensor,
  Windows,
} from "../../src/index.ts";
import { truncatedBPTT } from "../../src/tasks/inside/truncated-bptt.ts";

const [V, H, B, stride, window] = [3, 4, 2, 2, 6];
const tokens = Int32Array.from({ length: 31 }, (_, i) => (i * i + (i >> 2)) % V);

class Writer extends Module {
  rnn = new LSTM({ inputSize: V, hiddenSize: H });
  head = new Linear({ inFeatures: H, outFeatures: V });
  forward(x: Tensor, state?: { h: Tensor; c: Tensor }) {
    const { output, state: next } = this.rnn.forward(x, state);
    return { logits: this.head.forward(output), state: next };
  }
}

test("each step trains on new tokens, with gradients that go back through the whole window", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const writer = new Writer();
  runtime.initialize(writer, { seed: 4 });
  const { model, windows } = truncatedBPTT(writer, tokens, { window, stride, batch: B });
  const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0.5 }) });
  const hand = await runtime.compile(writer, {
    inputs: {
      x: { shape: [window, B], dtype: "i32" },
      target: { shape: [window, B], dtype: "i32" },
      h: { shape: [1, B, H] },
      c: { shape: [1, B, H] },
    },
    forward({ x, target, h, c }) {
      // All steps at once, as one stretch; and the state after `stride` of them, for the window that begins there.
      const { logits } = writer.forward(x, { h, c });
      const { state } = writer.forward(x.slice(0, stride, 0), { h, c });
      return { loss: crossEntropy().apply(logits, target).loss, nextH: state.h, nextC: state.c };
    },
    seeds: ["loss"],
    parameterGradients: true,
  });
  const zeros = () => ({ shape: [1, B, H], data: new Float64Array(B * H) });
  let [h, c] = [zeros(), zeros()] as StateDict[string][];
  const rowLength = 15;
  // 7 pieces of 2 tokens make 5 windows of 3 pieces; the 6th step begins the next epoch.
  expect(windows.stepsPerEpoch).toBe(5);
  for (let step = 0; step < 7; step++) {
    const index = step % 5;
    if (index === 0) [h, c] = [zeros(), zeros()];
    const at = (t: number, b: number) => b * rowLength + index * stride + t;
    const read = (of: (t: number, b: number) => number) => ({
      shape: [window, B],
      data: Int32Array.from({ length: window * B }, (_, i) => of(Math.floor(i / B), i % B)),
    });
    const batch = {
      x: read((t, b) => tokens[at(t, b)]!),
      target: read((t, b) => (index > 0 && t < window - stride ? -100 : tokens[at(t, b) + 1]!)),
    };
    expect(windows.at(step)).toEqual({ ...batch, resetState: index === 0 });
    const before = await runtime.stateDict(writer);
    const gradient = { shape: [], data: Float64Array.of(1) };
    const own: StateDict = await hand.run({ ...batch, h: h!, c: c!, "gradient.loss": gradient });
    const { loss } = await trainer.step(windows.at(step));
    expect(loss).toBeCloseTo(own.loss!.data[0]!, 12);
    const after = await runtime.stateDict(writer);
    for (const [name, { data }] of Object.entries(before))
      for (const [i, weight] of data.entries())
        expect(after[name]!.data[i]).toBeCloseTo(weight - 0.5 * own[`grad.${name}`]!.data[i]!, 12);
    [h, c] = [own.nextH!, own.nextC!];
  }
});

test("fit trains on the windows, and the model that was given has the weights", async () => {
  const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
  const writer = new Writer();
  runtime.initialize(writer, { seed: 1 });
  const turns = Int32Array.from({ length: 61 }, (_, i) => i % V);
  const { model, windows } = truncatedBPTT(writer, turns, { window: 4, stride: 2, batch: 2 });
  const heldOut = [...new Windows(turns, { window: 30, batch: 2 }).epoch()];
  const before = await runtime.evaluate(writer, heldOut);
  const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.05 }) });
  await trainer.fit(windows.from(), { steps: 60 });
  const after = await runtime.evaluate(writer, heldOut);
  expect(before.loss).toBeGreaterThan(1);
  expect(after.loss).toBeLessThan(0.2);
});

test("what makes no sense is refused", async () => {
  const cut = (options: object) => () => truncatedBPTT(new Writer(), tokens, options as never);
  expect(cut({ window: 5, stride: 2, batch: 1 })).toThrow("window is 5, expected a multiple of stride, 2");
  expect(cut({ window: 4, batch: 1 })).toThrow("stride is undefined");
  expect(cut({ window: 4, stride: 2, batch: 1, k1: 2 })).toThrow("options are window, stride, batch");
  expect(cut({ window: 20, stride: 2, batch: 2 })).toThrow("need at least 41");
  class Stateless extends Writer {
    override forward(x: Tensor) {
      return { logits: this.head.forward(this.rnn.forward(x).output) } as never;
    }
  }
  const runtime = await Runtime.open({ backend: "cpu" });
  const { model, windows } = truncatedBPTT(new Stateless(), tokens, { window: 4, stride: 2, batch: 1 });
  const step = runtime.trainer(model, { optimizer: sgd({ lr: 1 }) }).step(windows.at(0));
  await expect(step).rejects.toThrow("forward returns no state, so no window could go on");
});
