import { sumColumns } from "../../kernels/column-sums.ts";
import { normalizeGradient, normalizeRows } from "../../kernels/layer-norm.ts";
import type { View } from "../../plan/plan.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Attributes {
  /** Rows. */
  readonly N: number;
  /** Columns. */
  readonly C: number;
  readonly eps: number;
}

const op: Op<Attributes, View> = {
  name: "layer-norm",
  forward({ inputs: [x, weight, bias], outputs: [y], attributes, label }, e) {
    const stats = e.scratch(`${label} means`, 2 * attributes.N);
    const given = { x: e.view(x!), weight: weight && e.view(weight), bias: bias && e.view(bias) };
    e.emit(normalizeRows(e.target, label, attributes, { ...given, y: e.allocate(y!, label), stats }));
    return stats;
  },
  backward({ inputs: [x, weight, bias], outputs: [y], attributes: { N, C }, label }, e, stats) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient) return;
    if (e.needsGradient(weight)) {
      const { view, accumulate } = e.gradientInto(weight);
      const views = { a: outputGradient, b: e.view(x!), stats, to: view };
      e.emit(sumColumns(e.target, `${label} weight gradient`, { N, C, accumulate }, views));
    }
    if (e.needsGradient(bias)) {
      const { view, accumulate } = e.gradientInto(bias);
      e.emit(sumColumns(e.target, `${label} bias gradient`, { N, C, accumulate }, { a: outputGradient, to: view }));
    }
    if (e.needsGradient(x)) {
      const { view, accumulate } = e.gradientInto(x);
      const views = { x: e.view(x), weight: weight && e.view(weight), stats, outputGradient, gradient: view };
      e.emit(normalizeGradient(e.target, `${label} gradient`, { N, C, accumulate }, views));
    }
  },
};

/** The rows of `x [..., C]` with mean 0 and variance 1, times `weight [C]`, plus `bias [C]`. */
export function layerNorm(label: string, x: Tensor, eps: number, weight?: Tensor, bias?: Tensor): Tensor {
  const C = x.shape.at(-1)!;
  return apply(op, label, [x, weight, bias], [{ shape: x.shape }], { N: x.size / C, C, eps })[0]!;
}
