import { MinRecurrent, type MinRecurrentOptions } from "./min-recurrent.ts";

/**
 * minGRU: a gated recurrent unit whose gate does not see the state, so that it is trained by a parallel scan (Feng, Tung, Ahmed,
 * Bengio and Hajimirsadegh, "Were RNNs All We Needed?", 2024, [arXiv:2410.01201](https://arxiv.org/abs/2410.01201), section 3.1;
 * rows of the weight in the order z h):
 *
 *     z = σ(W_z·x + b_z)     h = (1 - z) * h + z * (W_h·x + b_h)
 *
 * This is the paper's plain form: the candidate may have either sign, and no logarithm is taken. The scan multiplies numbers
 * between 0 and 1 and adds, which neither overflows nor divides.
 */
export class MinGRU extends MinRecurrent {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: MinRecurrentOptions) {
    super(false, options);
  }
}
