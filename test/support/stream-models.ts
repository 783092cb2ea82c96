/** Models that sessions are tried with. */
import {
  GRU,
  Linear,
  LSTM,
  MinGRU,
  Module,
  type Recurrent,
  type RecurrentState,
  RNN,
  SLSTM,
  type Tensor,
  type TensorData,
} from "../../src/index.ts";
import { Numbers } from "./against-twin.ts";

type Layer = Recurrent<RecurrentState>;
/** Layers and a head over streams. */
export class Streams extends Module {
  rnn: Layer;
  head: Linear;
  constructor(rnn: unknown, outFeatures = 2) {
    super();
    this.rnn = rnn as Layer;
    this.head = new Linear({ inFeatures: this.rnn.hiddenSize, outFeatures });
  }
  forward(x: Tensor, state?: RecurrentState) {
    const { output, state: next } = this.rnn.forward(x, state);
    return { y: this.head.forward(output), state: next };
  }
}
export const size = { inputSize: 3, hiddenSize: 5 };
export const streamModels: Record<string, () => Streams> = {
  lstm: () => new Streams(new LSTM(size)),
  "lstm of two layers": () => new Streams(new LSTM({ ...size, numLayers: 2 })),
  "lstm with projection": () => {
    const rnn = new LSTM({ ...size, projSize: 2 });
    const model = new Streams(rnn);
    model.head = new Linear({ inFeatures: 2, outFeatures: 2 });
    return model;
  },
  "lstm with learned start": () => new Streams(new LSTM({ ...size, numLayers: 2, learnedInitialState: true })),
  gru: () => new Streams(new GRU(size)),
  "gru, reset before": () => new Streams(new GRU({ ...size, resetAfter: false })),
  rnn: () => new Streams(new RNN({ ...size, numLayers: 3 })),
  slstm: () => new Streams(new SLSTM(size)),
  mingru: () => new Streams(new MinGRU({ ...size, numLayers: 2 })),
};

export const numbers = (shape: readonly number[], seed: string): TensorData => ({
  shape,
  data: new Numbers(seed).floats(shape.reduce((a, b) => a * b)),
});
