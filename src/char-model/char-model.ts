import { checkCount, checkOptions, OptionError, shown } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Embedding } from "../nn/embedding.ts";
import { GRU } from "../nn/gru.ts";
import { Linear } from "../nn/linear.ts";
import { LSTM } from "../nn/lstm.ts";
import { Module } from "../nn/module.ts";
import type { Recurrent, RecurrentState } from "../nn/recurrent.ts";
import { RNN } from "../nn/rnn.ts";

export const charModelCells = ["lstm", "gru", "rnn_tanh", "rnn_relu"] as const;
export type CharModelCell = (typeof charModelCells)[number];

export interface CharModelOptions {
  /** V: how many different characters there are. */
  readonly vocabSize: number;
  /** Default "lstm". */
  readonly cell?: CharModelCell;
  /** Default 64. */
  readonly embeddingDim?: number;
  /** Default 128. */
  readonly hiddenSize?: number;
  /** Default 1. */
  readonly numLayers?: number;
}

/** A language model: embedding, recurrent layers, and a linear layer that scores the next token. */
export class CharModel extends Module {
  readonly embedding: Embedding;
  readonly rnn: Recurrent<RecurrentState>;
  readonly head: Linear;
  /** The options with their defaults filled in. */
  readonly options: Required<CharModelOptions>;

  /** @throws OptionError for an unknown option, cell or a size that is no whole number of at least 1 */
  constructor(options: CharModelOptions) {
    super();
    checkOptions("CharModel", options, ["vocabSize", "cell", "embeddingDim", "hiddenSize", "numLayers"]);
    const { vocabSize, cell = "lstm", embeddingDim = 64, hiddenSize = 128, numLayers = 1 } = options;
    checkCount("CharModel", "vocabSize", vocabSize);
    this.options = { vocabSize, cell, embeddingDim, hiddenSize, numLayers };
    const sizes = { inputSize: embeddingDim, hiddenSize, numLayers };
    this.embedding = new Embedding({ numEmbeddings: vocabSize, embeddingDim });
    if (cell === "lstm") this.rnn = new LSTM(sizes) as unknown as Recurrent<RecurrentState>;
    else if (cell === "gru") this.rnn = new GRU(sizes) as unknown as Recurrent<RecurrentState>;
    else if (cell === "rnn_tanh" || cell === "rnn_relu") {
      this.rnn = new RNN({
        ...sizes,
        nonlinearity: cell === "rnn_relu" ? "relu" : "tanh",
      }) as unknown as Recurrent<RecurrentState>;
    } else throw new OptionError(`CharModel: cell is ${shown(cell)}, expected one of ${charModelCells.join(", ")}`);
    this.head = new Linear({ inFeatures: hiddenSize, outFeatures: vocabSize });
  }

  /**
   * @param tokens i32 `[T,B]`
   * @param state states of the recurrent layers, `[L,B,H]`; zeros when not given
   * @returns `logits [T,B,V]` and the final states
   */
  forward(tokens: Tensor, state?: RecurrentState): { logits: Tensor; state: RecurrentState } {
    const { output, state: next } = this.rnn.forward(this.embedding.forward(tokens), state);
    return { logits: this.head.forward(output), state: next };
  }
}
