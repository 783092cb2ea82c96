import type { Activations } from "../cells/activations.ts";
import { gruCell } from "../cells/gru.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Recurrent } from "./recurrent.ts";
import {
  checkActivations,
  checkLimit,
  checkPairs,
  checkRecurrentOptions,
  checkSwitches,
  type RecurrentOptions,
} from "./recurrent-options.ts";

/** Hidden state `[L*D,B,H]`. */
export type GRUState = Readonly<Record<"h", Tensor>>;

export interface GRUOptions extends RecurrentOptions {
  /**
   * Where the reset gate acts: after the product, r * (R_n·h + b'_n) (torch.nn.GRU, cuDNN, Keras), or before it,
   * R_n·(r * h) + b'_n (Cho et al. 2014; ONNX's default), which takes one dispatch more in each step. Default true.
   */
  readonly resetAfter?: boolean;
  /** Every gate's pre-activation is normalised over the units, scaled and shifted (Ba, Kiros and Hinton 2016); default false. */
  readonly layerNorm?: boolean;
  /** What goes into the activations is cut to ± this (ONNX's clip); default: no limit. */
  readonly clip?: number;
  /** ONNX's f (r and z; default Sigmoid) and g (`candidate`: n; Tanh). */
  readonly activations?: { readonly gate?: Activations; readonly candidate?: Activations };
}

/**
 * Gated recurrent unit, as torch.nn.GRU (Cho et al. 2014; reset after the product; gates in the order r z n):
 *
 *     r = σ(W_r·x + b_r + R_r·h + b'_r)     n = tanh(W_n·x + b_n + r * (R_n·h + b'_n))
 *     z alike                               h = (1 - z) * n + z * h
 *
 * Learned vectors, where there is layer normalisation: `norm_weight_r_l0`, `norm_bias_r_l0` and so on for z and n, each `[H]`.
 */
export class GRU extends Recurrent<GRUState> {
  /** @throws OptionError for an unknown option, a bad value, or options that make no sense together */
  constructor(options: GRUOptions) {
    checkRecurrentOptions("GRU", options, ["resetAfter", "layerNorm", "clip", "activations"]);
    checkSwitches("GRU", options, ["resetAfter", "layerNorm"]);
    const { resetAfter = true, layerNorm = false, activations, ...others } = options;
    checkActivations("GRU", activations, ["gate", "candidate"]);
    checkPairs("GRU: activations.", activations, options.bidirectional);
    const { clip } = options;
    checkLimit("GRU", "clip", clip);
    const chosen = { resetAfter, layerNorm, ...(clip !== undefined && { clip }), ...(activations && { activations }) };
    super({ ...others, cell: gruCell("GRU", chosen) });
  }
}
