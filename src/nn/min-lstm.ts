import { MinRecurrent, type MinRecurrentOptions } from "./min-recurrent.ts";

/**
 * minLSTM: a long short-term memory whose gates do not see the state and add up to 1, and which has no cell state besides h,
 * so that it is trained by a parallel scan (Feng, Tung, Ahmed, Bengio and Hajimirsadegh, "Were RNNs All We Needed?",
 * 2024, [arXiv:2410.01201](https://arxiv.org/abs/2410.01201), section 3.2; rows of the weight in the order f i h):
 *
 *     f = σ(W_f·x + b_f)     h = f / (f + i) * h + i / (f + i) * (W_h·x + b_h)
 *     i = σ(W_i·x + b_i)
 *
 * This is the paper's plain form: the candidate may have either sign. The quotient is computed from the difference of the two
 * logarithms, so that it is right where both gates are nearly 0.
 */
export class MinLSTM extends MinRecurrent {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: MinRecurrentOptions) {
    super(true, options);
  }
}
