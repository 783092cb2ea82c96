import { functional, Linear, Module, type Tensor } from "../../index.ts";
import type { ColumnSize } from "../columns.ts";
import type { RecurrentOptionsOfTask } from "../recurrent-layer.ts";
import { StepEncoder, type StepInputs } from "../step-encoder.ts";

/** How the steps of a sequence become one vector. */
export const poolings = ["last", "mean", "max", "attention"] as const;
export type Pooling = (typeof poolings)[number];

export interface ClassifierSizes extends Required<RecurrentOptionsOfTask> {
  readonly pooling: Pooling;
  readonly embeddingDim: number;
  /** The classes. */
  readonly labels: readonly string[];
}

export class ClassifierModel extends Module {
  readonly encoder: StepEncoder;
  readonly head: Linear;
  readonly attention: Linear | undefined;
  readonly #sizes: ClassifierSizes;

  constructor(columns: readonly ColumnSize[], sizes: ClassifierSizes) {
    super();
    this.encoder = new StepEncoder(columns, sizes.embeddingDim, sizes);
    const { outputSize } = this.encoder;
    this.head = new Linear({ inFeatures: outputSize, outFeatures: sizes.labels.length });
    if (sizes.pooling === "attention") this.attention = new Linear({ inFeatures: outputSize, outFeatures: 1 });
    this.#sizes = sizes;
  }

  forward(x: StepInputs) {
    return { logits: this.classify(this.encoder.embed(x), x.lengths) };
  }

  /** Scores `[B,V]` of embedded steps `[T,B,C]`. */
  classify(embedded: Tensor, lengths: Tensor): Tensor {
    const { output, state } = this.encoder.forward(embedded, undefined, { lengths });
    return this.head.forward(this.#pool(output, state.h!, lengths));
  }

  #pool(output: Tensor, h: Tensor, lengths: Tensor): Tensor {
    const { pooling, bidirectional } = this.#sizes;
    if (pooling === "mean") return functional.meanPool(output, { lengths });
    if (pooling === "max") return functional.maxPool(output, { lengths });
    if (pooling === "last") {
      // The last states of both directions: the backward one has read the whole sequence at its first step.
      const last = h.select(-1, 0);
      return bidirectional ? functional.concat([h.select(-2, 0), last]) : last;
    }
    const scores = this.attention!.forward(output.tanh()); // [T,B,1]
    const [T, B] = [output.shape[0]!, output.shape[1]!];
    const steps = functional.constant(Array.from({ length: T }, (_, t) => t)).reshape([T, 1, 1]);
    const isReal = steps.lt(lengths.toFloat().reshape([1, B, 1]));
    const shares = functional.where(isReal, scores, -1e9).transpose(0, 2).softmax().transpose(0, 2);
    return output.mul(shares).sum(0);
  }
}
