import { onDemand } from "../commands.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

export interface Sizes {
  /** Rows. */
  readonly R: number;
  /** Columns. */
  readonly S: number;
}

const op: Op<Sizes> = /* @__PURE__ */ onDemand("softmax");

/** Softmax over the last axis of `x [..., S]`. */
export function softmax(label: string, x: Tensor): Tensor {
  const S = x.shape.at(-1)!;
  return apply(op, label, [x], [{ shape: x.shape }], { R: x.size / S, S })[0]!;
}
