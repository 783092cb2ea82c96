import { sruCell } from "../cells/sru.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Recurrent } from "./recurrent.ts";
import { checkRecurrentOptions, type RecurrentOptions } from "./recurrent-options.ts";

/** Output and cell state, each `[L*D,B,H]`. The next step reads c only; h is there for outputs that are held. */
export type SRUState = Readonly<Record<"h" | "c", Tensor>>;

/**
 * Simple recurrent unit (Lei, Zhang, Wang, Dai and Artzi, "Simple Recurrent Units for Highly Parallelizable Recurrence",
 * EMNLP 2018, [arXiv:1709.02755](https://arxiv.org/abs/1709.02755)): no matrix R, gates see c through a weight of each unit.
 *
 *     f = σ(W_f·x + b_f + v_f * c)     c' = f * c + (1 - f) * (W_u·x + b_u)
 *     r = σ(W_r·x + b_r + v_r * c)     h' = r * c' + (1 - r) * (W_p·x + b_p)
 *
 * Three ways in which it is not the paper's: the highway always takes a projection W_p·x, where the paper takes x itself if
 * I = H; b_u and b_p, which start at 0, are learned too; and the highway is not scaled by the paper's factor α.
 *
 * Parameters: `weight_ih_l0 [4*H,I]` and `bias_ih_l0 [4*H]` with gates in the order u f r p, `weight_v_f_l0` and
 * `weight_v_r_l0 [H]`.
 */
export class SRU extends Recurrent<SRUState> {
  /** @throws OptionError for an unknown option, a bad value, or options that make no sense together */
  constructor(options: RecurrentOptions) {
    checkRecurrentOptions("SRU", options, []);
    super({ ...options, cell: sruCell() }, { gateBias: { u: 0, p: 0 } });
  }
}
