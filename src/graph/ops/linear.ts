import { product } from "../../kernels/matmul.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { weightGradient } from "./weight-gradient.ts";

interface Sizes {
  /** Rows. */
  readonly N: number;
  readonly I: number;
  readonly O: number;
}

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
  backward({ inputs: [x, weight, bias], outputs: [y], attributes: { N, I, O }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient) return;
    weightGradient(e, {
      label: `${label} weight gradient`,
      weight: weight!,
      bias,
      size: { M: O, N: I, K: N },
      a: { view: gradient, row: 1, column: O },
      b: { view: e.view(x!), row: I, column: 1 },
    });
    if (e.needsGradient(x)) {
      const { view, accumulate } = e.gradientInto(x);
      e.emit(
        ...product(e, {
          label: `${label} input gradient`,
          size: { M: N, N: I, K: O },
          a: { view: gradient, row: O, column: 1 },
          b: { view: e.view(weight!), row: I, column: 1 },
          c: { view, row: I },
          accumulate,
        }),
      );
    }
  },
};

/** `x [..., I]` times `weight [O,I]` (or of more axes, which are together I) transposed, plus `bias [O]`: `[..., O]`. */
export function linear(label: string, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const O = weight.shape[0]!;
  const I = weight.size / O;
  return apply(op, label, [x, weight, bias], [{ shape: [...x.shape.slice(0, -1), O] }], { N: x.size / I, I, O })[0]!;
}
