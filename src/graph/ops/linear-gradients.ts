import { product } from "../../kernels/matmul.ts";
import type { Emitter } from "../op.ts";
import type { LinearNode } from "./linear.ts";
import { weightGradient } from "./weight-gradient.ts";

/** Gradients of the weight and the bias, one product, and of x, another one. */
export function linearGradients(
  { inputs: [x, weight, bias], outputs: [y], attributes: { N, I, O }, label }: LinearNode,
  e: Emitter,
): void {
  const gradient = e.gradient(y!);
  if (!gradient) return;
  weightGradient(e, {
    label: `${label} weight gradient`,
    weight: weight!,
    bias,
    size: { M: O, N: I, K: N },
    a: { view: gradient, row: 1, column: O },
    b: { view: e.view(x!), row: I, column: 1 },
  });
  if (e.needsGradient(x)) {
    const { view, accumulate } = e.gradientInto(x);
    e.emit(
      ...product(e, {
        label: `${label} input gradient`,
        size: { M: N, N: I, K: O },
        a: { view: gradient, row: O, column: 1 },
        b: { view: e.view(weight!), row: I, column: 1 },
        c: { view, row: I },
        accumulate,
      }),
    );
  }
}
