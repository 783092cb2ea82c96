import type { Activations } from "../cells/activations.ts";
import { indRNNCell } from "../cells/indrnn.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Recurrent } from "./recurrent.ts";
import { checkPairs, checkRecurrentOptions, type RecurrentOptions } from "./recurrent-options.ts";

/** Hidden state `[L*D,B,H]`. */
export type IndRNNState = Readonly<Record<"h", Tensor>>;

export interface IndRNNOptions extends RecurrentOptions {
  /** "Relu" (default, the paper's), or any activation by ONNX's name. */
  readonly activation?: Activations;
}

/**
 * Independently recurrent network (Li et al., "Independently Recurrent Neural Network (IndRNN): Building A Longer and Deeper
 * RNN", CVPR 2018, [arXiv:1803.04831](https://arxiv.org/abs/1803.04831)): units do not hear each other inside a layer, so
 * there is no matrix R, and layers are stacked to connect them.
 *
 *     h = act(W·x + b + u * h)
 *
 * Parameters: `weight_ih_l0 [H,I]`, `bias_ih_l0 [H]`, and the recurrent weights `weight_u_l0 [H]`, which start uniform in
 * [0, 1]. The paper draws them from [0, U_max] with U_max a little above 1 for a known length, and cuts them to ±U_max in
 * training; that cut is not made here.
 */
export class IndRNN extends Recurrent<IndRNNState> {
  /** @throws OptionError for an unknown option, a bad value, or options that make no sense together */
  constructor(options: IndRNNOptions) {
    checkRecurrentOptions("IndRNN", options, ["activation"]);
    const { activation = "Relu", ...others } = options;
    checkPairs("IndRNN: ", { activation }, options.bidirectional);
    super({ ...others, cell: indRNNCell("IndRNN", { activation }) });
  }
}
