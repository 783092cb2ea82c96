import { onDemand } from "../commands.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

export interface Sizes {
  /** Matrices. */
  readonly Z: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** `a` is `[Z,K,M]`. */
  readonly turned: boolean;
}

const op: Op<Sizes> = /* @__PURE__ */ onDemand("matmul");

/** `Z` products of a matrix of `a [Z,M,K]`, or with `turned` of the transpose of one of `a [Z,K,M]`, and one of `b [Z,K,N]`: `[Z,M,N]`. */
export function matmul(label: string, a: Tensor, b: Tensor, turned = false): Tensor {
  const [Z, K, N] = b.shape as [number, number, number];
  const M = a.size / Z / K;
  return apply(op, label, [a, b], [{ shape: [Z, M, N] }], { Z, M, N, K, turned })[0]!;
}
