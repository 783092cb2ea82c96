import { slstmCell } from "../cells/slstm.ts";
import { checkChoice, OptionError } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Recurrent } from "./recurrent.ts";
import { checkRecurrentOptions, type RecurrentOptions } from "./recurrent-options.ts";

/** Output, cell, normaliser and stabiliser, each `[L*D,B,H]`. Zeros are the beginning; n must never be negative. */
export type SLSTMState = Readonly<Record<"h" | "c" | "n" | "m", Tensor>>;

export interface SLSTMOptions extends RecurrentOptions {
  /** The paper allows both: "sigmoid" (default, as in the authors' code), or "exponential". */
  readonly forgetGate?: "sigmoid" | "exponential";
}

/**
 * sLSTM, the scalar half of xLSTM (Beck et al., "xLSTM: Extended Long Short-Term Memory", NeurIPS 2024,
 * [arXiv:2405.04517](https://arxiv.org/abs/2405.04517), equations 8 to 17):
 *
 *     i = exp(ĩ)     z = tanh(z̃)     o = σ(õ)     f = σ(f̃) or exp(f̃)     each with ĩ = W_i·x + b_i + R_i·h + b'_i
 *     c' = f * c + i * z     n' = f * n + i     h' = o * c' / n'
 *
 * c and n are kept times exp(-m), so that nothing overflows: m' = max(log f + m, ĩ), and i and f are then times exp(-m') and
 * exp(m - m'). h does not depend on m. While n is 0 nothing has been stored, and m' = ĩ: so from zeros i is 1, n' is 1 and
 * h' = o * z. (The authors' code does the same, but asks it of the whole batch at once.)
 *
 * The paper's heads are the option `numHeads`; its block around the layer (convolution, group norm, projections) is not here.
 * Zoneout in inference averages c, n and m of two steps each by itself, which is rough. Parameters have LSTM's names, gates in
 * the order i f z o: `weight_ih_l0 [4*H,I]`, `weight_hh_l0 [4*H,H/numHeads]`, `bias_ih_l0`, `bias_hh_l0 [4*H]`.
 */
export class SLSTM extends Recurrent<SLSTMState> {
  /** @throws OptionError for an unknown option, a bad value, or options that make no sense together */
  constructor(options: SLSTMOptions) {
    checkRecurrentOptions("SLSTM", options, ["forgetGate"]);
    const { forgetGate = "sigmoid", ...others } = options;
    checkChoice("SLSTM", "forgetGate", forgetGate, ["sigmoid", "exponential"]);
    if (options.learnedInitialState)
      throw new OptionError(
        "SLSTM: learnedInitialState would learn n as well, which must not become negative; leave it out",
      );
    super({ ...others, cell: slstmCell({ forgetGate }) });
  }
}
