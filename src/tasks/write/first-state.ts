import { functional, Linear, Module, type Tensor } from "../../index.ts";
import type { RecurrentOptionsOfTask } from "../recurrent-layer.ts";

/** What recurrent layers begin with, computed from a vector. */
export type States = Readonly<Record<string, Tensor>>;

/** Cells with a cell state c beside the hidden state h. */
const withCellState = ["lstm", "sru", "slstm"];

/**
 * The first state of recurrent layers from a vector z, `[B,Z]` to `[L,B,H]`: h = tanh(W·z + b), as the first state of the decoder of
 * Bahdanau, Cho and Bengio (2015), and c = W·z + b where the cell has one.
 */
export class FirstState extends Module {
  readonly h: Linear;
  readonly c: Linear | undefined;
  readonly #options: Required<RecurrentOptionsOfTask>;

  /** @param options of the layers, which have one direction */
  constructor(size: number, options: Required<RecurrentOptionsOfTask>) {
    super();
    const { cell, hiddenSize, numLayers } = options;
    const sizes = { inFeatures: size, outFeatures: numLayers * hiddenSize };
    this.h = new Linear(sizes);
    if (withCellState.includes(cell)) this.c = new Linear(sizes);
    this.#options = options;
  }

  forward(z: Tensor): States {
    const { cell, hiddenSize, numLayers } = this.#options;
    const B = z.shape[0]!;
    const byLayer = (x: Tensor) => x.reshape([B, numLayers, hiddenSize]).transpose(0, 1);
    const h = byLayer(this.h.forward(z).tanh());
    if (!this.c) return { h };
    const c = byLayer(this.c.forward(z));
    if (cell !== "slstm") return { h, c };
    // As if one step of weight 1 had been stored: sLSTM divides c by n.
    const [zeros, ones] = [0, 1].map((value) =>
      functional.constant(new Array(numLayers * B * hiddenSize).fill(value), { shape: [numLayers, B, hiddenSize] }),
    );
    return { h, c, n: ones!, m: zeros! };
  }
}
