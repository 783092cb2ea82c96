import {
  AdditiveAttention,
  Dropout,
  Embedding,
  functional,
  Linear,
  Module,
  MultiplicativeAttention,
  type Tensor,
} from "../../index.ts";
import { type RecurrentLayer, type RecurrentOptionsOfTask, recurrentLayer } from "../recurrent-layer.ts";
import type { States } from "./first-state.ts";

/** How a decoder looks at what was read. */
export const attentions = ["none", "additive", "multiplicative"] as const;
export type AttentionKind = (typeof attentions)[number];

export interface DecoderSizes extends Required<RecurrentOptionsOfTask> {
  readonly embeddingDim: number;
  /** V, special tokens included. */
  readonly vocabulary: number;
  readonly attention: AttentionKind;
  /** K: size of each vector that attention looks at; not read without attention. */
  readonly encodedSize: number;
  /** J: size of the vector that joins every step; 0: none. */
  readonly joinedSize: number;
}

/** What a decoder writes from, of B sequences. */
export interface Given {
  /** What attention looks at, `[S,B,K]`. */
  readonly encoded?: Tensor;
  /** How many of them are real, i32 `[B]`. */
  readonly lengths?: Tensor;
  /** What joins every step, `[B,J]`. */
  readonly joined?: Tensor;
}

/**
 * Writes a sequence unit by unit: embeddings, recurrent layers of one direction, attention over what was read, scores of the next
 * unit. Attention comes after the recurrent layers, as in Luong, Pham and Manning (EMNLP 2015, equations 5 and 6; without input
 * feeding): so in training all steps of the sequence are computed together, whichever way queries and keys are compared.
 */
export class Decoder extends Module {
  readonly embedding: Embedding;
  readonly rnn: RecurrentLayer;
  readonly attention: AdditiveAttention | MultiplicativeAttention | undefined;
  /** W_c: makes the attentional vector tanh(W_c·[context; output]). */
  readonly combine: Linear | undefined;
  readonly head: Linear;
  readonly dropout: Dropout;

  constructor(sizes: DecoderSizes) {
    super();
    const { vocabulary, embeddingDim, hiddenSize: H, attention, encodedSize: K, joinedSize } = sizes;
    this.embedding = new Embedding({ numEmbeddings: vocabulary, embeddingDim });
    this.rnn = recurrentLayer(embeddingDim + joinedSize, { ...sizes, bidirectional: false });
    if (attention === "additive") this.attention = new AdditiveAttention({ querySize: H, keySize: K, hiddenSize: H });
    if (attention === "multiplicative") this.attention = new MultiplicativeAttention({ querySize: H, keySize: K });
    if (this.attention) this.combine = new Linear({ inFeatures: H + K, outFeatures: H });
    this.head = new Linear({ inFeatures: H, outFeatures: vocabulary });
    this.dropout = new Dropout({ p: sizes.dropout });
  }

  /** Scores `[T,B,V]` of what follows each of the tokens `[T,B]`. */
  forward(
    tokens: Tensor,
    state: States | undefined,
    given: Given,
  ): { readonly logits: Tensor; readonly state: States } {
    const { output, state: after } = this.read(tokens, state, given);
    return { logits: this.score(output, given).logits, state: after };
  }

  /** What the recurrent layers make of tokens `[T,B]`: `output [T,B,H]` and the states. */
  read(
    tokens: Tensor,
    state: States | undefined,
    { joined }: Given,
  ): { readonly output: Tensor; readonly state: States } {
    const [T, B] = tokens.shape as [number, number];
    const embedded = this.embedding.forward(tokens);
    const x = joined ? functional.concat([embedded, joined.unsqueeze(0).expand([T, B, joined.shape[1]!])]) : embedded;
    const { output, state: after } = this.rnn.forward(this.dropout.forward(x), state);
    return { output, state: after };
  }

  /** Scores `[T,B,V]` from outputs `[T,B,H]`, and the weights of attention `[T,B,S]`. */
  score(output: Tensor, { encoded, lengths }: Given): { readonly logits: Tensor; readonly weights?: Tensor } {
    if (!this.attention) return { logits: this.head.forward(this.dropout.forward(output)) };
    const { context, weights } = this.attention.forward(output, encoded!, lengths ? { lengths } : {});
    const combined = this.combine!.forward(functional.concat([context, output])).tanh();
    return { logits: this.head.forward(this.dropout.forward(combined)), weights };
  }
}
