import { gateGradients, openGates } from "../../kernels/scan-gates.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { maskRange } from "./number-kinds.ts";

interface Attributes {
  readonly R: number;
  readonly H: number;
  readonly pair: boolean;
}

const op: Op<Attributes> = {
  name: "scan-gates",
  takes: ({ inputs: [, mask] }) => maskRange(mask, 1),
  forward({ inputs: [x, mask], outputs: [a, b], attributes, label }, e) {
    const views = {
      x: e.view(x!),
      mask: mask && e.view(mask),
      a: e.allocate(a!, `${label} a`),
      b: e.allocate(b!, `${label} b`),
    };
    e.emit(openGates(e.target, label, attributes, views));
  },
  backward({ inputs: [x, mask], outputs: [a, b], attributes, label }, e) {
    if (!e.needsGradient(x)) return;
    const [aGradient, bGradient] = [a!, b!].map((tensor) => {
      const gradient = e.gradient(tensor);
      if (gradient) return gradient;
      const zero = e.scratch("no gradient", tensor.size);
      e.emit({ type: "clear", label: "no gradient", to: zero });
      return zero;
    });
    const { view, accumulate } = e.gradientInto(x);
    const views = {
      x: e.view(x),
      mask: mask && e.view(mask),
      aGradient: aGradient!,
      bGradient: bGradient!,
      xGradient: view,
    };
    e.emit(gateGradients(e.target, `${label} backward`, { ...attributes, accumulate }, views));
  },
};

/**
 * The a and b, each `[T,B,H]`, of a recurrence `h_t = a_t * h_{t-1} + b_t` whose new part is weighted by 1 - a, from
 * pre-activations `x [T,B,G*H]`: one gate z and the candidate (a = 1 - z), or with `pair` two gates f, i and the candidate
 * (a = f / (f + i)). Where `mask [T,B]` (i32) is 0, a is 1 and b is 0: the state goes on as it is.
 */
export function scanGates(label: string, x: Tensor, pair: boolean, mask?: Tensor): { a: Tensor; b: Tensor } {
  const [T, B, columns] = x.shape as [number, number, number];
  const H = columns / (pair ? 3 : 2);
  const shape = [T, B, H];
  const [a, b] = apply(op, label, [x, mask], [{ shape }, { shape }], { R: T * B, H, pair });
  return { a: a!, b: b! };
}
