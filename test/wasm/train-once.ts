/** A training with everything that draws random numbers, and what came of it as one text: equal texts are equal bits. */
import { createHash } from "node:crypto";
import { adam, CharModel, Dropout, GRU, Linear, Module, mse, Runtime, type Tensor } from "../../src/node.ts";

class Noisy extends Module {
  readonly rnn = new GRU({
    inputSize: 3,
    hiddenSize: 13,
    numLayers: 2,
    dropout: 0.2,
    recurrentDropout: 0.2,
    zoneout: 0.1,
  });
  readonly dropout = new Dropout({ p: 0.3 });
  readonly head = new Linear({ inFeatures: 13, outFeatures: 2 });
  forward(x: Tensor) {
    return { y: this.head.forward(this.dropout.forward(this.rnn.forward(x).output)) };
  }
}

const [T, B, V] = [9, 5, 11];
const tokens = (shift: number) => ({
  shape: [T, B],
  data: Int32Array.from({ length: T * B }, (_, i) => (i * i + 3 * i + shift) % V),
});
const waves = (shift: number, C: number) => ({
  shape: [T, B, C],
  data: Float32Array.from({ length: T * B * C }, (_, i) => Math.sin(i + shift)),
});

/** Trains both models for some steps and draws a text. @param between is called after each step */
export async function trainOnce(runtime: Runtime, between: (step: number) => void = () => {}): Promise<string> {
  const characters = new CharModel({ vocabSize: V, cell: "lstm", embeddingDim: 7, hiddenSize: 19 });
  const noisy = new Noisy();
  runtime.initialize(characters, { seed: 3 });
  runtime.initialize(noisy, { seed: 4 });
  const texts = runtime.trainer(characters, { optimizer: adam({ lr: 0.02 }), clipNorm: 0.5 });
  const series = runtime.trainer(noisy, {
    optimizer: adam({ lr: 0.02 }),
    loss: ({ y }: { y: Tensor }, target: Tensor) => mse().apply(y, target),
    seed: 6,
  });
  const hash = createHash("sha256");
  const add = (numbers: ArrayLike<number>) => hash.update(new Uint8Array(Float64Array.from(numbers).buffer));
  for (let step = 0; step < 6; step++) {
    const a = await texts.step({ x: tokens(step), target: tokens(step + 1) });
    const b = await series.step({ x: waves(step, 3), target: waves(step + 9, 2) });
    add([a.loss, a.gradNorm!, b.loss]);
    between(step);
  }
  for (const model of [characters, noisy])
    for (const { data } of Object.values(await runtime.stateDict(model))) add(data);
  for await (const { tokens: drawn } of runtime.generate(characters, { prompt: [1, 2], length: 40, seed: 9 }))
    add(drawn);
  return hash.digest("hex");
}

// As a process of its own.
if (process.argv.includes("--print")) console.log(await trainOnce(await Runtime.open({ backend: "wasm" })));
