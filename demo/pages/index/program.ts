/** How fast this device trains: updates of one LSTM, measured for a second. */
import { adam, Linear, LSTM, Module, mse, type Runtime, type Tensor } from "webgpu-rnn";

/** Steps, rows, inputs and units. */
export const sizes = { T: 32, B: 16, I: 32, H: 64 } as const;
const { T, B, I, H } = sizes;

class Summary extends Module {
  rnn = new LSTM({ inputSize: I, hiddenSize: H });
  head = new Linear({ inFeatures: H, outFeatures: 1 });
  forward(x: Tensor) {
    return { y: this.head.forward(this.rnn.forward(x).output.select(-1)) }; // of the last step
  }
}

/** Updates a second, as they are counted so far. */
export async function* measure(runtime: Runtime) {
  const loss = ({ y }: { y: Tensor }, target: Tensor) => mse().apply(y, target);
  const trainer = runtime.trainer(new Summary(), { optimizer: adam({ lr: 1e-3 }), loss });
  const numbers = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i));
  const batch = {
    x: { shape: [T, B, I], data: numbers(T * B * I) },
    target: { shape: [B, 1], data: numbers(B) },
  };
  // The first steps prepare what the others use.
  for (let i = 0; i < 3; i++) await trainer.step(batch);
  const began = performance.now();
  for (let updates = 1, seconds = 0; seconds < 1; updates++) {
    await trainer.step(batch);
    seconds = (performance.now() - began) / 1000;
    yield { updates, seconds, perSecond: updates / seconds };
  }
}
