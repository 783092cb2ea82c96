/** A reader of sentences whose gates can be held at 0 or 1: it says who was meant, he or she. */

import type { Runtime, StateDict, Tensor, Vocabulary } from "webgpu-rnn";
import { adam, collate, field, functional, GRU, Linear, LSTM, Module } from "webgpu-rnn";

export const hiddenSize = 8;
/** In the order of the weights. */
export const gatesOf = { lstm: ["i", "f", "g", "o"], gru: ["r", "z", "n"] } as const;
export type Cell = keyof typeof gatesOf;
/** Gates that are held, and at which value. */
export type Held = Readonly<Record<string, 0 | 1>>;
export interface Row {
  readonly words: readonly string[];
  /** 0 is he, 1 is she. */
  readonly label: number;
}

export class Reader extends Module {
  readonly layer: LSTM | GRU;
  readonly head = new Linear({ inFeatures: hiddenSize, outFeatures: 2 });
  constructor(cell: Cell, inputSize: number) {
    super();
    const sizes = { inputSize, hiddenSize };
    // The forget gate begins open, so that what is to be kept is kept in c.
    this.layer = cell === "lstm" ? new LSTM({ ...sizes, forgetBias: 3 }) : new GRU(sizes);
  }
  forward(words: Tensor) {
    return { logits: this.head.forward(functional.lastPool(this.layer.forward(words).output)) };
  }
}

/** Trains on batches of rows, and reports the loss after each. */
export async function* learn(
  runtime: Runtime,
  reader: Reader,
  vocabulary: Vocabulary,
  batches: Iterable<readonly Row[]>,
) {
  const trainer = runtime.trainer(reader, { optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
  const [x, target] = [field.tokens("words", vocabulary), field.label("label", 2)];
  for (const rows of batches) yield await trainer.step({ x: collate(rows, x), target: collate(rows, target) });
}

/** The weights with some gates held: none from input or state, and a bias so large that the sigmoid is 0 or 1. */
export function hold(weights: StateDict, cell: Cell, held: Held): StateDict {
  const copies = Object.entries(weights).map(([name, { shape, data }]) => {
    const copy = Float32Array.from(data);
    const size = (copy.length / shape[0]!) * hiddenSize;
    for (const [g, gate] of gatesOf[cell].entries()) {
      const value = name.startsWith("layer.") ? held[gate] : undefined;
      if (value !== undefined) copy.fill(name.includes("bias_ih") ? (value ? 30 : -30) : 0, g * size, (g + 1) * size);
    }
    return [name, { shape, data: copy }];
  });
  return Object.fromEntries(copies);
}

/** How likely "she" is, of rows of one length. */
export async function askShe(runtime: Runtime, reader: Reader, vocabulary: Vocabulary, rows: readonly Row[]) {
  const { logits } = await runtime.predict(reader, collate(rows, field.tokens("words", vocabulary)));
  return rows.map((_, i) => 1 / (1 + Math.exp(logits.data[2 * i]! - logits.data[2 * i + 1]!)));
}
