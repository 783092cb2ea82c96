import { Dropout, functional, Linear, Module, type Tensor } from "../../index.ts";
import { type RecurrentLayer, type RecurrentOptionsOfTask, recurrentLayer } from "../recurrent-layer.ts";

export interface ForecastSizes extends Required<RecurrentOptionsOfTask> {
  /** Numbers of a step of the window, and of a step to come. */
  readonly past: number;
  readonly future: number;
  /** H: steps that are forecast at once. */
  readonly steps: number;
  /** K: numbers that are forecast of each step. */
  readonly targets: number;
  readonly quantiles: readonly number[];
}

/** What the model reads: windows `[T,B,C]`, and what is known of the steps to come, `[H,B,F]`. */
export interface ForecastInputs {
  readonly past: Tensor;
  readonly future?: Tensor;
}

/**
 * Quantiles of several steps at once (Wen et al. 2017, "A Multi-Horizon Quantile Recurrent Forecaster"): recurrent layers read the
 * window, one linear layer makes all steps of their last state, and a small network, the same for all steps, adds what that state and
 * the columns known ahead say of a step.
 */
export class ForecastModel extends Module {
  readonly rnn: RecurrentLayer;
  readonly dropout: Dropout;
  readonly head: Linear;
  readonly hidden: Linear | undefined;
  readonly local: Linear | undefined;
  readonly #sizes: ForecastSizes;

  constructor(sizes: ForecastSizes) {
    super();
    const { past, future, steps, targets, quantiles, hiddenSize, bidirectional } = sizes;
    const stateSize = hiddenSize * (bidirectional ? 2 : 1);
    const outputs = targets * quantiles.length;
    this.rnn = recurrentLayer(past, sizes);
    this.dropout = new Dropout({ p: sizes.dropout });
    this.head = new Linear({ inFeatures: stateSize, outFeatures: steps * outputs });
    if (future > 0) {
      this.hidden = new Linear({ inFeatures: stateSize + future, outFeatures: hiddenSize });
      this.local = new Linear({ inFeatures: hiddenSize, outFeatures: outputs });
    }
    this.#sizes = sizes;
  }

  /** @returns quantiles `[B,H*K,Q]`, relative to the window */
  forward({ past, future }: ForecastInputs) {
    const { steps, targets, quantiles, bidirectional } = this.#sizes;
    const h = this.rnn.forward(past).state.h!;
    const last = h.select(-1, 0);
    const state = this.dropout.forward(bidirectional ? functional.concat([h.select(-2, 0), last]) : last); // [B,H]
    let y = this.head.forward(state).reshape([-1, steps * targets, quantiles.length]);
    if (this.hidden && this.local) {
      const [B, S] = state.shape as [number, number];
      const each = functional.concat([state.unsqueeze(0).expand([steps, B, S]), future!]); // [steps,B,S+F]
      const added = this.local.forward(this.hidden.forward(each).relu()); // [steps,B,K*Q]
      y = y.add(added.transpose(0, 1).reshape([-1, steps * targets, quantiles.length]));
    }
    return { y };
  }
}
