import type { Rows } from "../../kernels/axis.ts";
import { type Shape, sizeOf } from "../../tensor-data.ts";
import { onDemand } from "../commands.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { INDEX } from "./number-kinds.ts";

/** A tensor of this shape seen along one of its axes. */
const rowsOf = (shape: Shape, axis: number): Rows => ({
  A: sizeOf(shape.slice(0, axis)),
  R: shape[axis]!,
  C: sizeOf(shape.slice(axis + 1)),
});

interface Taken extends Rows {
  /** Entries taken. */
  readonly K: number;
}

const topKOp: Op<Taken & { readonly smallest: boolean }> = /* @__PURE__ */ onDemand("top-k");

/** The `K` largest entries of an axis (or smallest), in order, and their indices (i32). */
export function topK(
  label: string,
  x: Tensor,
  axis: number,
  K: number,
  smallest: boolean,
): { readonly values: Tensor; readonly indices: Tensor } {
  const shape = x.shape.with(axis, K);
  const attributes = { ...rowsOf(x.shape, axis), K, smallest };
  const [values, indices] = apply(topKOp, label, [x], [{ shape }, { shape, dtype: "i32" }], attributes);
  return { values: values!, indices: indices! };
}

const gatherOp: Op<Taken> = /* @__PURE__ */ onDemand("gather", {
  takes: ({ attributes: { R } }) => [{ input: 1, kind: INDEX, below: R }],
});

/** Entries of an axis by number: `index` (i32) has the shape of x, but for that axis. */
export function gather(label: string, x: Tensor, index: Tensor, axis: number): Tensor {
  const attributes = { ...rowsOf(x.shape, axis), K: index.shape[axis]! };
  return apply(gatherOp, label, [x, index], [{ shape: index.shape, dtype: x.dtype }], attributes)[0]!;
}

const cumulativeOp: Op<Rows> = /* @__PURE__ */ onDemand("cumulative-sum");

/** The sum of everything up to each entry of an axis. */
export const cumulativeSum = (label: string, x: Tensor, axis: number): Tensor =>
  apply(cumulativeOp, label, [x], [{ shape: x.shape }], rowsOf(x.shape, axis))[0]!;
