import { gatherColumns } from "../../kernels/column-gather.ts";
import { scatterColumns } from "../../kernels/column-scatter.ts";
import { sumColumns } from "../../kernels/column-sums.ts";
import type { Commands } from "../commands.ts";
import { groupedTokens } from "./grouped-tokens.ts";
import type { TokenSizes } from "./linear-tokens.ts";

export const linearTokensCommands: Commands<TokenSizes> = {
  forward({ inputs: [tokens, weight, bias], outputs: [y], attributes, label }, e) {
    const columns = { ...attributes, row: attributes.M };
    const views = { tokens: e.view(tokens!), weight: e.view(weight!), bias: bias && e.view(bias) };
    e.emit(gatherColumns(e.target, label, columns, { ...views, y: e.allocate(y!, label) }));
  },
  /** Gradients of the weight and the bias: each column's is the sum over the tokens that took it. */
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
