import { softmaxGradient, softmaxRows } from "../../kernels/masked-softmax.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Sizes {
  /** Rows. */
  readonly R: number;
  /** Columns. */
  readonly S: number;
}

const op: Op<Sizes> = {
  name: "softmax",
  forward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const views = { scores: e.view(x!), mask: undefined, weights: e.allocate(y!, label) };
    e.emit(softmaxRows(e.target, label, { ...attributes, B: 1, scale: 1 }, views));
  },
  backward({ inputs: [x], outputs: [y], attributes, label }, e) {
    const weightGradient = e.gradient(y!);
    if (!weightGradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const views = { weights: e.view(y!), weightGradient, scoreGradient: view };
    e.emit(softmaxGradient(e.target, `${label} gradient`, { ...attributes, scale: 1, accumulate }, views));
  },
};

/** Softmax over the last axis of `x [..., S]`. */
export function softmax(label: string, x: Tensor): Tensor {
  const S = x.shape.at(-1)!;
  return apply(op, label, [x], [{ shape: x.shape }], { R: x.size / S, S })[0]!;
}
