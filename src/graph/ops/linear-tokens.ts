import { gatherColumns } from "../../kernels/column-gather.ts";
import type { Op } from "../op.ts";
import { apply, type Node, type Tensor } from "../tensor.ts";
import { TOKEN } from "./number-kinds.ts";

interface Sizes {
  /** Tokens. */
  readonly N: number;
  readonly M: number;
  readonly V: number;
}

export type LinearTokensNode = Node & { readonly attributes: Sizes };

const op: Op<Sizes> = {
  name: "linear-tokens",
  takes: ({ attributes }) => [{ input: 0, kind: TOKEN, below: attributes.V }],
  forward({ inputs: [tokens, weight, bias], outputs: [y], attributes, label }, e) {
    const columns = { ...attributes, row: attributes.M };
    const views = { tokens: e.view(tokens!), weight: e.view(weight!), bias: bias && e.view(bias) };
    e.emit(gatherColumns(e.target, label, columns, { ...views, y: e.allocate(y!, label) }));
  },
  backwardElsewhere: true,
};

/** `linear` of one-hot vectors: column `tokens[...]` (i32) of `weight [M,V]`, plus `bias [M]`: `[..., M]`. */
export function linearTokens(label: string, tokens: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [M, V] = weight.shape as [number, number];
  return apply(op, label, [tokens, weight, bias], [{ shape: [...tokens.shape, M] }], { N: tokens.size, M, V })[0]!;
}
