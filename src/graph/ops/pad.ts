import { onDemand } from "../commands.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

/** Numbers around a tensor: what it is filled up with, and how many come before it on each axis. */
export interface Padding {
  readonly before: readonly number[];
  readonly value: number;
}

const padOp: Op<Padding> = /* @__PURE__ */ onDemand("pad");

/** `x` with `widths[axis]` numbers of `value` before and after it. */
export function pad(x: Tensor, widths: readonly (readonly [number, number])[], value: number): Tensor {
  const shape = x.shape.map((n, axis) => n + widths[axis]![0] + widths[axis]![1]);
  const before = widths.map(([n]) => n);
  return apply(padOp, "pad", [x], [{ shape, dtype: x.dtype }], { before, value })[0]!;
}
