/** Models that label each step of sequences: recurrent layers with every option that their steps treat differently. */
import { GRU, Linear, LSTM, Module, type Tensor } from "../../src/index.ts";
import type { Recurrent } from "../../src/nn/recurrent.ts";
import { Numbers } from "./against-twin.ts";

const [C, V] = [4, 5];

class Labels extends Module {
  readonly layer: Recurrent;
  readonly head: Linear;

  constructor(layer: unknown, width: number) {
    super();
    this.layer = layer as Recurrent;
    this.head = new Linear({ inFeatures: width, outFeatures: V });
  }

  forward({ x, lengths }: { x: Tensor; lengths: Tensor }): { logits: Tensor } {
    return { logits: this.head.forward(this.layer.forward(x, undefined, { lengths }).output) };
  }
}

const sizes = { inputSize: C, hiddenSize: 6 };
/** None of these widths is a multiple of four. */
export const labellers: readonly (readonly [name: string, make: () => Module])[] = [
  ["LSTM", () => new Labels(new LSTM(sizes), 6)],
  [
    "LSTM in both directions, two layers",
    () => new Labels(new LSTM({ ...sizes, bidirectional: true, numLayers: 2 }), 12),
  ],
  ["LSTM with a projection", () => new Labels(new LSTM({ ...sizes, projSize: 3 }), 3)],
  ["LSTM, noise", () => new Labels(new LSTM({ ...sizes, zoneout: 0.2, recurrentDropout: 0.2 }), 6)],
  ["LSTM with layer normalisation", () => new Labels(new LSTM({ ...sizes, layerNorm: true, peepholes: true }), 6)],
  ["LSTM that learns its initial state", () => new Labels(new LSTM({ ...sizes, learnedInitialState: true }), 6)],
  ["GRU from the end", () => new Labels(new GRU({ ...sizes, goBackwards: true }), 6)],
  ["LSTM with heads", () => new Labels(new LSTM({ ...sizes, numHeads: 2 }), 6)],
  ["GRU that resets before the product", () => new Labels(new GRU({ ...sizes, resetAfter: false }), 6)],
];

/** Batches of `lengths.length` sequences of at most T steps, with a label for each step. */
export function labelledBatches(name: string, T: number, lengths: readonly number[], count: number): readonly never[] {
  const B = lengths.length;
  const numbers = new Numbers(name);
  return Array.from({ length: count }, () => ({
    x: {
      x: { shape: [T, B, C], data: numbers.floats(T * B * C) },
      lengths: { shape: [B], data: Int32Array.from(lengths) },
    },
    target: { shape: [T, B], data: numbers.integers(T * B, 0, V - 1) },
  })) as never[];
}
