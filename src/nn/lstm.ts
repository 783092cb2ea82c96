import type { Activations } from "../cells/activations.ts";
import { lstmCell } from "../cells/lstm.ts";
import { checkNumber, OptionError } from "../errors.ts";
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

/** Hidden state `[L*D,B,P]` and cell state `[L*D,B,H]`; P is projSize, or H without a projection. */
export type LSTMState = Readonly<Record<"h" | "c", Tensor>>;

export interface LSTMOptions extends RecurrentOptions {
  /**
   * Size of h where it is a projection of what the cell makes: h = W_hr·(o * tanh(c)) (Sak, Senior and Beaufays 2014;
   * torch.nn.LSTM's proj_size); less than hiddenSize. One dispatch more in each step. Default 0: no projection.
   */
  readonly projSize?: number;
  /** The gates see c by a weight of each unit: i and f the one before, o the new one (Gers and Schmidhuber 2000); default false. */
  readonly peepholes?: boolean;
  /**
   * Coupled gates, i = 1 - f, with gates f g o only, as TensorFlow Lite's and Arm NN's CIFG (Greff et al. 2017); default false.
   * ONNX's `input_forget` keeps i's weights in place of f's, f = 1 - i; `importWeights` turns them.
   */
  readonly coupledGates?: boolean;
  /** Every gate's pre-activation is normalised over the units, scaled and shifted (Ba, Kiros and Hinton 2016); default false. */
  readonly layerNorm?: boolean;
  /** What goes into the activations is cut to ± this (ONNX's clip); default: no limit. */
  readonly clip?: number;
  /** c is cut to ± this in every step (TensorFlow's cell_clip); default: no limit. */
  readonly cellClip?: number;
  /**
   * What the forget gate's bias b_ih starts with, b_hh being 0 (Jozefowicz et al. 2015 advise 1); with layerNorm the bias of its
   * normalisation. Default: as the other biases.
   */
  readonly forgetBias?: number;
  /** ONNX's f (gates; default Sigmoid), g (`cell`: the candidate; Tanh) and h (`hidden`: on c; Tanh). */
  readonly activations?: { readonly gate?: Activations; readonly cell?: Activations; readonly hidden?: Activations };
}

const own = [
  "projSize",
  "peepholes",
  "coupledGates",
  "layerNorm",
  "clip",
  "cellClip",
  "forgetBias",
  "activations",
] as const;

/**
 * Long short-term memory, as torch.nn.LSTM (Hochreiter and Schmidhuber 1997; gates in the order i f g o):
 *
 *     i = σ(W_i·x + b_i + R_i·h + b'_i)     c = f * c + i * g
 *     f, o alike, g with tanh               h = o * tanh(c)
 *
 * Learned vectors, where there are peepholes or layer normalisation: `peephole_i_l0`, `peephole_f_l0`, `peephole_o_l0`,
 * `norm_weight_i_l0`, `norm_bias_i_l0` and so on for f, g and o, each `[H]`. With coupled gates those of i do not exist.
 */
export class LSTM extends Recurrent<LSTMState> {
  /** @throws OptionError for an unknown option, a bad value, or options that make no sense together */
  constructor(options: LSTMOptions) {
    checkRecurrentOptions("LSTM", options, own);
    checkSwitches("LSTM", options, ["peepholes", "coupledGates", "layerNorm"]);
    const { projSize = 0, coupledGates, peepholes, layerNorm, forgetBias, activations, ...others } = options;
    checkActivations("LSTM", activations, ["gate", "cell", "hidden"]);
    checkPairs("LSTM: activations.", activations, options.bidirectional);
    const { clip, cellClip } = options;
    checkLimit("LSTM", "clip", clip);
    checkLimit("LSTM", "cellClip", cellClip);
    if (forgetBias !== undefined) {
      checkNumber("LSTM", "forgetBias", forgetBias);
      if (options.bias === false && !layerNorm)
        throw new OptionError(
          `LSTM: forgetBias is ${forgetBias}, which a bias would start with, but bias is false; leave one of them out`,
        );
    }
    const cell = lstmCell("LSTM", {
      coupledGates: coupledGates === true,
      peepholes: peepholes === true,
      layerNorm: layerNorm === true,
      ...(clip !== undefined && { clip }),
      ...(cellClip !== undefined && { cellClip }),
      ...(activations && { activations }),
    });
    // A bias that all units share is gone after the normalisation, whose own bias stands where it would have.
    const start =
      forgetBias !== undefined &&
      (layerNorm ? { vectorStart: { norm_bias_f: forgetBias } } : { gateBias: { f: forgetBias } });
    super({ ...others, cell }, { projSize, ...start });
  }
}
