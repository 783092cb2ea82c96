import { lstm } from "../cells/index.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkRecurrentOptions, Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** Hidden and cell state, each `[L*D,B,H]`. */
export type LSTMState = Readonly<Record<"h" | "c", Tensor>>;

/**
 * Long short-term memory, as torch.nn.LSTM (Hochreiter and Schmidhuber 1997; gates in the order i f g o):
 *
 *     i = σ(W_i·x + b_i + R_i·h + b'_i)     c = f * c + i * g
 *     f, o alike, g with tanh               h = o * tanh(c)
 */
export class LSTM extends Recurrent<LSTMState> {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: RecurrentOptions) {
    checkRecurrentOptions("LSTM", options);
    super(lstm.name, options);
  }
}
