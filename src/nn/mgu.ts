import { mguCell } from "../cells/mgu.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Recurrent } from "./recurrent.ts";
import { checkRecurrentOptions, type RecurrentOptions } from "./recurrent-options.ts";

/** Hidden state `[L*D,B,H]`. */
export type MGUState = Readonly<Record<"h", Tensor>>;

/**
 * Minimal gated unit (Zhou, Wu, Zhang and Zhou, "Minimal Gated Unit for Recurrent Neural Networks", 2016,
 * [arXiv:1603.09420](https://arxiv.org/abs/1603.09420)): a GRU with one gate for both purposes.
 *
 *     f = σ(W_f·x + b_f + R_f·h + b'_f)
 *     n = tanh(W_n·x + b_n + R_n·(f * h) + b'_n)     h = (1 - f) * h + f * n
 *
 * Two products in a step, the second with what the first made, so two dispatches. Parameters have GRU's names, gates in the
 * order f n: `weight_ih_l0 [2*H,I]`, `weight_hh_l0 [2*H,H]`, `bias_ih_l0`, `bias_hh_l0 [2*H]`.
 */
export class MGU extends Recurrent<MGUState> {
  /** @throws OptionError for an unknown option, a bad value, or options that make no sense together */
  constructor(options: RecurrentOptions) {
    checkRecurrentOptions("MGU", options, []);
    super({ ...options, cell: mguCell() });
  }
}
