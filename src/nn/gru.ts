import { gru } from "../cells/index.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkRecurrentOptions, Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** Hidden state `[L*D,B,H]`. */
export type GRUState = Readonly<Record<"h", Tensor>>;

/**
 * Gated recurrent unit, as torch.nn.GRU (Cho et al. 2014; reset after the product; gates in the order r z n):
 *
 *     r = σ(W_r·x + b_r + R_r·h + b'_r)     n = tanh(W_n·x + b_n + r * (R_n·h + b'_n))
 *     z alike                               h = (1 - z) * n + z * h
 */
export class GRU extends Recurrent<GRUState> {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: RecurrentOptions) {
    checkRecurrentOptions("GRU", options);
    super(gru.name, options);
  }
}
