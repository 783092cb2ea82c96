import { onDemand } from "../commands.ts";
import { apply, type Tensor } from "../tensor.ts";
import { TOKEN } from "./number-kinds.ts";

export interface TokenSizes {
  /** Tokens. */
  readonly N: number;
  readonly M: number;
  readonly V: number;
}

const op = onDemand<TokenSizes>("linear-tokens", {
  takes: ({ attributes }) => [{ input: 0, kind: TOKEN, below: attributes.V }],
});

/** `linear` of one-hot vectors: column `tokens[...]` (i32) of `weight [M,V]`, plus `bias [M]`: `[..., M]`. */
export function linearTokens(label: string, tokens: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [M, V] = weight.shape as [number, number];
  return apply(op, label, [tokens, weight, bias], [{ shape: [...tokens.shape, M] }], { N: tokens.size, M, V })[0]!;
}
