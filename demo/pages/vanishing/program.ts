/** One network trained twice from the same start, with its gradient clipped and without: what was the first of 20 numbers? */
import {
  functional,
  GRU,
  Linear,
  LSTM,
  Module,
  mse,
  RandomStream,
  type Recurrent,
  RNN,
  type Runtime,
  sgd,
  type Tensor,
} from "webgpu-rnn";
import { H, I, type Kind, type Layer } from "./flow.ts";

const [T, B] = [20, 32];

function recurrent(kind: Kind): Recurrent {
  const sizes = { inputSize: I, hiddenSize: H };
  if (kind === "lstm") return new LSTM(sizes);
  if (kind === "gru") return new GRU(sizes);
  const nonlinearity = { sigmoid: "Sigmoid", tanh: "tanh", relu: "relu", orthogonal: "tanh" } as const;
  return new RNN({ ...sizes, nonlinearity: nonlinearity[kind] });
}

export class Memory extends Module {
  rnn: Recurrent;
  head = new Linear({ inFeatures: H, outFeatures: 1, bias: false });
  constructor(kind: Kind) {
    super();
    this.rnn = recurrent(kind);
  }
  forward(x: Tensor) {
    return { logits: this.head.forward(functional.lastPool(this.rnn.forward(x).output)) };
  }
}

/** A network that begins with these weights. */
export function networkOf(runtime: Runtime, { kind, U, W, b, V }: Layer): Memory {
  const network = new Memory(kind);
  runtime.loadStateDict(network, {
    "rnn.weight_ih_l0": { shape: [b.length, I], data: U },
    "rnn.weight_hh_l0": { shape: [b.length, H], data: W },
    "rnn.bias_ih_l0": { shape: [b.length], data: b },
    "rnn.bias_hh_l0": { shape: [b.length], data: new Float64Array(b.length) },
    "head.weight": { shape: [1, H], data: V },
  });
  return network;
}

/** Made up: a first step that counts, and 19 with numbers a tenth as large that say nothing. */
function batch(random: RandomStream) {
  const x = Float32Array.from({ length: T * B * I }, (_, i) => random.normal() * (i < B * I ? 1 : 0.1));
  const target = Float32Array.from({ length: B }, (_, row) => x[row * I]!);
  return { x: { shape: [T, B, I], data: x }, target: { shape: [B, 1], data: target } };
}

export interface Training {
  readonly seed: number;
  readonly rate: number;
  /** The gradient's norm is scaled down to this. */
  readonly limit: number;
}

/** @returns losses and norms of the gradient (before clipping) after each step; none of a training that has diverged */
export async function* train(runtime: Runtime, layer: Layer, { seed, rate, limit }: Training, steps = 300) {
  const [clipped, free] = [networkOf(runtime, layer), networkOf(runtime, layer)];
  try {
    const options = { optimizer: sgd({ lr: rate }), loss: mse() };
    const clippedTrainer = runtime.trainer(clipped, { ...options, clipNorm: limit });
    const freeTrainer = runtime.trainer(free, options);
    const random = new RandomStream(seed, "batches");
    let diverged: number | undefined;
    for (let step = 1; step <= steps; step++) {
      const given = batch(random);
      const { loss, gradNorm } = await clippedTrainer.step(given);
      const values: Record<string, number> = { clipped: loss, clippedNorm: gradNorm };
      if (diverged === undefined) {
        const other = await freeTrainer.step(given).catch(() => undefined); // a loss that is no number any more
        if (other && other.loss < 1000) [values.free, values.freeNorm] = [other.loss, other.gradNorm];
        else diverged = step;
      }
      yield { step, steps, values, diverged };
    }
  } finally {
    for (const network of [clipped, free]) runtime.release(network);
  }
}
