/** Gradients that vanish over many steps end at 0: numbers below 2^-126 would cost a processor a hundred times as much. */
import { expect, test } from "vitest";
import {
  functional,
  GRU,
  init,
  Linear,
  LSTM,
  Module,
  mse,
  Parameter,
  RNN,
  Runtime,
  sgd,
  type Tensor,
} from "../../src/index.ts";

const [T, B, I, H] = [400, 2, 3, 5];

/** Reads a sequence that it learns, so that there is a gradient by each step of it. */
class LastOfMany extends Module {
  readonly shift = new Parameter([T, B, I], init.zeros);
  readonly head = new Linear({ inFeatures: H, outFeatures: 1 });

  readonly rnn: LSTM | GRU | RNN;

  constructor(rnn: LSTM | GRU | RNN) {
    super();
    this.rnn = rnn;
  }

  forward(x: Tensor) {
    const { output } = this.rnn.forward(x.add(this.shift.tensor));
    return { logits: this.head.forward(functional.lastPool(output)) };
  }
}

const sizes = { inputSize: I, hiddenSize: H };
test.each([
  ["LSTM", () => new LSTM(sizes)],
  ["LSTM with projection", () => new LSTM({ ...sizes, hiddenSize: 7, projSize: H })],
  ["GRU", () => new GRU(sizes)],
  ["RNN", () => new RNN({ ...sizes, bidirectional: false })],
])("%s", async (_, layer) => {
  const batch = {
    x: { shape: [T, B, I], data: Float32Array.from({ length: T * B * I }, (_, i) => Math.sin(i)) },
    target: { shape: [B, 1], data: new Float32Array(B) },
  };
  const [native, twins] = await Promise.all(
    (["wasm", "cpu"] as const).map(async (backend) => {
      using runtime = await Runtime.open({ backend, ...(backend === "wasm" && { threads: 1 }) });
      const trainer = runtime.trainer(new LastOfMany(layer()), { loss: mse(), optimizer: sgd({ lr: 0.1 }), seed: 3 });
      const { gradients } = await trainer.gradients(batch);
      return gradients.shift!.data;
    }),
  );
  const sized = [...native!].map(Math.abs);
  expect(sized.slice(0, B * I)).toEqual(Array(B * I).fill(0));
  expect(sized.filter((one) => one > 0 && one < 2 ** -126)).toEqual([]);
  // What is not that small is the same as before.
  const seen = [...twins!].flatMap((one, i) => (Math.abs(one) > 1e-25 ? [[native![i]!, one] as const] : []));
  expect(seen.length).toBeGreaterThan(20 * B * I);
  for (const [one, other] of seen) expect(Math.abs(one / other - 1)).toBeLessThan(1e-3);
});
