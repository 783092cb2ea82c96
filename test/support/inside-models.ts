/** Small models for the tests of what looks inside, and their numbers. */
import {
  functional,
  GRU,
  Linear,
  LSTM,
  Module,
  RandomStream,
  type Recurrent,
  RNN,
  type Tensor,
} from "../../src/index.ts";
import type { PlainCell } from "./plain-layers.ts";

export function layerOf(cell: PlainCell, inputSize: number, hiddenSize: number, numLayers = 1): Recurrent {
  const sizes = { inputSize, hiddenSize, numLayers };
  if (cell === "lstm") return new LSTM(sizes);
  if (cell === "gru") return new GRU(sizes);
  return new RNN({ ...sizes, nonlinearity: cell === "sigmoid" ? "Sigmoid" : cell });
}

/** A class for every step. */
export class Tagger extends Module {
  rnn: Recurrent;
  head: Linear;
  constructor(rnn: Recurrent, classes: number) {
    super();
    this.rnn = rnn;
    this.head = new Linear({ inFeatures: rnn.hiddenSize, outFeatures: classes });
  }
  forward(x: Tensor) {
    const { output, state } = this.rnn.forward(x);
    return { logits: this.head.forward(output), state };
  }
}

/** A class for the sequence. */
export class Classifier extends Tagger {
  override forward(x: Tensor) {
    const { output, state } = this.rnn.forward(x);
    return { logits: this.head.forward(functional.lastPool(output)), state };
  }
}

/** Numbers of a normal distribution. */
export function normals(shape: readonly number[], seed = 1) {
  const random = new RandomStream(seed, "inside");
  return { shape, data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()) };
}

export function classes(shape: readonly number[], below: number, seed = 2) {
  const random = new RandomStream(seed, "classes");
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Int32Array.from({ length: size }, () => Math.floor(random.next() * below)) };
}
