import { gatherAlong, gatherGradient, type Rows, sumCumulatively, takeTopK } from "../../kernels/axis.ts";
import { type Shape, sizeOf } from "../../tensor-data.ts";
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

const topKOp: Op<Taken & { readonly smallest: boolean }> = {
  name: "top-k",
  forward({ inputs: [x], outputs: [y, index], attributes, label }, e) {
    const views = { x: e.view(x!), y: e.allocate(y!, label), index: e.allocate(index!, `${label} indices`) };
    e.emit(takeTopK(e.target, label, attributes, views));
  },
  backward({ inputs: [x], outputs: [y, index], attributes, label }, e) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient || !e.needsGradient(x)) return;
    const { view: gradient, accumulate } = e.gradientInto(x);
    const views = { index: e.view(index!), outputGradient, gradient };
    e.emit(gatherGradient(e.target, `${label} gradient`, { ...attributes, accumulate }, views));
  },
};

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

const gatherOp: Op<Taken> = {
  name: "gather",
  takes: ({ attributes: { R } }) => [{ input: 1, kind: INDEX, below: R }],
  forward({ inputs: [x, index], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), index: e.view(index!), y: e.allocate(y!, label) };
    e.emit(gatherAlong(e.target, label, attributes, views));
  },
  backward({ inputs: [x, index], outputs: [y], attributes, label }, e) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient || !e.needsGradient(x)) return;
    const { view: gradient, accumulate } = e.gradientInto(x);
    const views = { index: e.view(index!), outputGradient, gradient };
    e.emit(gatherGradient(e.target, `${label} gradient`, { ...attributes, accumulate }, views));
  },
};

/** Entries of an axis by number: `index` (i32) has the shape of x, but for that axis. */
export function gather(label: string, x: Tensor, index: Tensor, axis: number): Tensor {
  const attributes = { ...rowsOf(x.shape, axis), K: index.shape[axis]! };
  return apply(gatherOp, label, [x, index], [{ shape: index.shape, dtype: x.dtype }], attributes)[0]!;
}

const cumulativeOp: Op<Rows> = {
  name: "cumulative-sum",
  forward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), y: e.allocate(y!, label) };
    e.emit(sumCumulatively(e.target, label, { ...attributes, reverse: false, accumulate: false }, views));
  },
  backward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const call = { ...attributes, reverse: true, accumulate };
    e.emit(sumCumulatively(e.target, `${label} gradient`, call, { x: gradient, y: view }));
  },
};

/** The sum of everything up to each entry of an axis. */
export const cumulativeSum = (label: string, x: Tensor, axis: number): Tensor =>
  apply(cumulativeOp, label, [x], [{ shape: x.shape }], rowsOf(x.shape, axis))[0]!;
