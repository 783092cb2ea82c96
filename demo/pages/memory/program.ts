/** An RNN, a GRU and an LSTM race: the same rows in the same order, and a step of training each in turn. */
import { adam, collate, GRU, Linear, LSTM, Module, RNN, type Runtime, type Tensor } from "webgpu-rnn";
import type { Problem, Row } from "./problems.ts";

const hiddenSize = 24;
const layers = {
  rnn: (inputSize: number) => new RNN({ inputSize, hiddenSize }),
  gru: (inputSize: number) => new GRU({ inputSize, hiddenSize }),
  // Its forget gate begins open (Jozefowicz et al. 2015).
  lstm: (inputSize: number) => new LSTM({ inputSize, hiddenSize, forgetBias: 2 }),
};
export const cells = ["rnn", "gru", "lstm"] as const;
export type Cell = (typeof cells)[number];

class Network extends Module {
  readonly layer: RNN | GRU | LSTM;
  readonly head: Linear;
  readonly answers: number;
  constructor(cell: Cell, { inputs, outputs, answers }: Problem["sizes"]) {
    super();
    this.layer = layers[cell](inputs);
    this.head = new Linear({ inFeatures: hiddenSize, outFeatures: outputs });
    this.answers = answers;
  }
  /** Reads all steps, and answers in the last ones. */
  forward(x: Tensor) {
    const { output } = this.layer.forward(x);
    return { logits: this.head.forward(output.slice(output.shape[0]! - this.answers, this.answers, 0)) };
  }
}

/** The networks, and what trains each. */
export function enter(runtime: Runtime, { sizes, loss, learningRate }: Problem, seed: number) {
  return cells.map((cell) => {
    const network = new Network(cell, sizes);
    runtime.initialize(network, { seed });
    const trainer = runtime.trainer(network, { optimizer: adam({ lr: learningRate }), loss, clipNorm: 1 });
    return { cell, network, trainer, dispose: () => runtime.release(network) };
  });
}
export type Racer = ReturnType<typeof enter>[number];

/** One step of each: the losses. */
export async function step(racers: readonly Racer[], { fields }: Problem, rows: readonly Row[]) {
  const batch = { x: collate(rows, fields.x), target: collate(rows, fields.target) };
  const losses: number[] = [];
  for (const { trainer } of racers) losses.push((await trainer.step(batch)).loss);
  return losses;
}

/** What a network says to rows of one length: its answers to each. */
export async function answers(runtime: Runtime, { network }: Racer, problem: Problem, rows: readonly Row[]) {
  const { outputs, answers } = problem.sizes;
  const { logits } = await runtime.predict(network, collate(rows, problem.fields.x));
  // [answers, rows, outputs]
  const said = (row: number, answer: number) => (answer * rows.length + row) * outputs;
  return rows.map((_, row) =>
    Array.from({ length: answers }, (_, a) => problem.said(logits.data.subarray(said(row, a), said(row, a) + outputs))),
  );
}
