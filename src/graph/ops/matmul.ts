import { onDemand } from "../commands.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

export interface Sizes {
  /** Matrices. */
  readonly Z: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

const op: Op<Sizes> = /* @__PURE__ */ onDemand("matmul");

/** `Z` products of a matrix of `a [Z,M,K]` and one of `b [Z,K,N]`: `[Z,M,N]`. */
export function matmul(label: string, a: Tensor, b: Tensor): Tensor {
  const [Z, M, K] = a.shape as [number, number, number];
  const N = b.shape[2]!;
  return apply(op, label, [a, b], [{ shape: [Z, M, N] }], { Z, M, N, K })[0]!;
}
