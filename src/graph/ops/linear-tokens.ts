import { gatherColumns, scatterColumns } from "../../kernels/column-gather.ts";
import { sumColumns } from "../../kernels/column-sums.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { groupedTokens } from "./grouped-tokens.ts";
import { TOKEN } from "./number-kinds.ts";

interface Sizes {
  /** Tokens. */
  readonly N: number;
  readonly M: number;
  readonly V: number;
}

const op: Op<Sizes> = {
  name: "linear-tokens",
  takes: ({ attributes }) => [{ input: 0, kind: TOKEN, below: attributes.V }],
  forward({ inputs: [tokens, weight, bias], outputs: [y], attributes, label }, e) {
    const columns = { ...attributes, row: attributes.M };
    const views = { tokens: e.view(tokens!), weight: e.view(weight!), bias: bias && e.view(bias) };
    e.emit(gatherColumns(e.target, label, columns, { ...views, y: e.allocate(y!, label) }));
  },
  backward({ inputs: [tokens, weight, bias], outputs: [y], attributes, label }, e) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient) return;
    if (e.needsGradient(weight)) {
      const { view, accumulate } = e.gradientInto(weight);
      if (!accumulate) e.emit({ type: "clear", label: `${label} weight gradient`, to: view });
      const columns = { ...attributes, row: attributes.M };
      const views = { ...groupedTokens(e, tokens!, attributes), outputGradient, gradient: view };
      e.emit(scatterColumns(e.target, `${label} weight gradient`, columns, views));
    }
    if (e.needsGradient(bias)) {
      const { view, accumulate } = e.gradientInto(bias);
      const sizes = { N: attributes.N, C: attributes.M, accumulate };
      e.emit(sumColumns(e.target, `${label} bias gradient`, sizes, { a: outputGradient, to: view }));
    }
  },
};

/** `linear` of one-hot vectors: column `tokens[...]` (i32) of `weight [M,V]`, plus `bias [M]`: `[..., M]`. */
export function linearTokens(label: string, tokens: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [M, V] = weight.shape as [number, number];
  return apply(op, label, [tokens, weight, bias], [{ shape: [...tokens.shape, M] }], { N: tokens.size, M, V })[0]!;
}
