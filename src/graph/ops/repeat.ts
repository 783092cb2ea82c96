import { sumColumns } from "../../kernels/column-sums.ts";
import { copyStrided } from "../../kernels/strided-copy.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Sizes {
  readonly D: number;
  readonly B: number;
  readonly C: number;
}

const op: Op<Sizes> = {
  name: "repeat",
  forward({ inputs: [x], outputs: [y], attributes: { D, B, C }, label }, e) {
    const [from, to] = [e.view(x!), e.allocate(y!, label)];
    e.emit(copyStrided(e.target, { label, from, to, lengths: [1, D, B, C], strides: [0, C, 0, 1] }));
  },
  backward({ inputs: [x], outputs: [y], attributes: { D, B, C }, label }, e) {
    const a = e.gradient(y!);
    if (!a || !e.needsGradient(x)) return;
    const { view: to, accumulate } = e.gradientInto(x);
    e.emit(sumColumns(e.target, `${label} gradient`, { N: B, D, C, batch: B * C, accumulate }, { a, to }));
  },
};

/** `x [D,C]` for each of B rows: `[D,B,C]`. */
export function repeatRows(label: string, x: Tensor, B: number): Tensor {
  const [D, C] = x.shape as [number, number];
  return apply(op, label, [x], [{ shape: [D, B, C] }], { D, B, C })[0]!;
}
