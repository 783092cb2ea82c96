import { pointwise } from "../../kernels/pointwise.ts";
import { Terms } from "../../kernels/terms.ts";
import type { View } from "../../plan/plan.ts";
import type { Commands } from "../commands.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { Padding } from "./pad.ts";
import { emitCopy, rowStrides } from "./strided.ts";

export const padCommands: Commands<Padding> = {
  forward({ inputs: [x], outputs: [y], attributes: { before, value }, label }, e) {
    const to = e.allocate(y!, label);
    if (value === 0) e.emit({ type: "clear", label, to });
    else fill(e, label, y!, to, value);
    emitCopy(e, { label, shape: x!.shape, from: e.view(x!), strides: rowStrides(x!.shape), ...inside(y!, to, before) });
  },
  backward({ inputs: [x], outputs: [y], attributes: { before }, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const { to: source, toStrides: strides } = inside(y!, gradient, before);
    const toStrides = rowStrides(x.shape);
    emitCopy(e, { label: `${label} gradient`, shape: x.shape, from: source, strides, to: view, toStrides, accumulate });
  },
};

/** The view whose element 0 is that of a strided one. */
const from = (view: View, offset: number): View => part(view, offset, view.length - offset);

/** Where a tensor stands in its padded one. */
function inside(padded: Tensor, view: View, before: readonly number[]): { to: View; toStrides: number[] } {
  const toStrides = rowStrides(padded.shape);
  return {
    to: from(
      view,
      before.reduce((sum, n, axis) => sum + n * toStrides[axis]!, 0),
    ),
    toStrides,
  };
}

function fill(e: Emitter, label: string, { shape, dtype }: Tensor, to: View, value: number): void {
  const terms = new Terms();
  const call = { label, terms, result: terms.constant(value, dtype), leaves: [], shape, to };
  e.emit(...pointwise(e.target, call, e.scratch("unused", 4)));
}
