import { rnnRelu, rnnTanh } from "../cells/index.ts";
import { OptionError } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkRecurrentOptions, Recurrent, type RecurrentOptions } from "./recurrent.ts";

/** Hidden state `[L*D,B,H]`. */
export type RNNState = Readonly<Record<"h", Tensor>>;

export interface RNNOptions extends RecurrentOptions {
  /** Default "tanh". */
  readonly nonlinearity?: "tanh" | "relu";
}

/** Elman network, as torch.nn.RNN (Elman 1990): `h = tanh(W·x + b + R·h + b')`, or a rectifier in place of tanh. */
export class RNN extends Recurrent<RNNState> {
  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: RNNOptions) {
    checkRecurrentOptions("RNN", options, ["nonlinearity"]);
    const { nonlinearity = "tanh" } = options;
    if (nonlinearity !== "tanh" && nonlinearity !== "relu") {
      throw new OptionError(`RNN: nonlinearity is ${String(nonlinearity)}, expected "tanh" or "relu"`);
    }
    super(nonlinearity === "tanh" ? rnnTanh.name : rnnRelu.name, options);
  }
}
