import { type Activations, activationNames } from "../cells/activations.ts";
import { rnnCell } from "../cells/rnn.ts";
import { OptionError, shown } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Recurrent } from "./recurrent.ts";
import { checkLimit, checkPairs, checkRecurrentOptions, type RecurrentOptions } from "./recurrent-options.ts";

/** Hidden state `[L*D,B,H]`. */
export type RNNState = Readonly<Record<"h", Tensor>>;

export interface RNNOptions extends RecurrentOptions {
  /** "tanh" (default), "relu", or any activation by ONNX's name (ONNX's f). */
  readonly nonlinearity?: "tanh" | "relu" | Activations;
  /** What goes into the activation is cut to ± this (ONNX's clip); default: no limit. */
  readonly clip?: number;
}

/** Elman network, as torch.nn.RNN (Elman 1990): `h = tanh(W·x + b + R·h + b')`, or another activation in place of tanh. */
export class RNN extends Recurrent<RNNState> {
  /** @throws OptionError for an unknown option, a bad value, or options that make no sense together */
  constructor(options: RNNOptions) {
    checkRecurrentOptions("RNN", options, ["nonlinearity", "clip"]);
    const { nonlinearity = "tanh", ...others } = options;
    const names: readonly unknown[] = ["tanh", "relu", ...activationNames];
    if ((typeof nonlinearity !== "object" || nonlinearity === null) && !names.includes(nonlinearity)) {
      throw new OptionError(
        `RNN: nonlinearity is ${shown(nonlinearity)}, expected "tanh", "relu" or one of ${activationNames.join(", ")}`,
      );
    }
    checkPairs("RNN: ", { nonlinearity }, options.bidirectional);
    const { clip } = options;
    checkLimit("RNN", "clip", clip);
    super({ ...others, cell: rnnCell("RNN", { nonlinearity, ...(clip !== undefined && { clip }) }) });
  }
}
