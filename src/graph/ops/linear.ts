import { product } from "../../kernels/matmul.ts";
import type { Op } from "../op.ts";
import { apply, type Node, type Tensor } from "../tensor.ts";

interface Sizes {
  /** Rows. */
  readonly N: number;
  readonly I: number;
  readonly O: number;
}

export type LinearNode = Node & { readonly attributes: Sizes };

const op: Op<Sizes> = {
  name: "linear",
  forward({ inputs: [x, weight, bias], outputs: [y], attributes: { N, I, O }, label }, e) {
    e.emit(
      ...product(e, {
        label,
        size: { M: N, N: O, K: I },
        a: { view: e.view(x!), row: I, column: 1 },
        b: { view: e.view(weight!), row: 1, column: I },
        c: { view: e.allocate(y!, label), row: O },
        ...(bias && { bias: { view: e.view(bias) } }),
      }),
    );
  },
  backwardElsewhere: true,
};

/** `x [..., I]` times `weight [O,I]` (or of more axes, which are together I) transposed, plus `bias [O]`: `[..., O]`. */
export function linear(label: string, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const O = weight.shape[0]!;
  const I = weight.size / O;
  return apply(op, label, [x, weight, bias], [{ shape: [...x.shape.slice(0, -1), O] }], { N: x.size / I, I, O })[0]!;
}
