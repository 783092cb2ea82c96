import { mguWgsl } from "../shaders/cells/mgu.generated.ts";
import { sigmoid } from "./activations.ts";
import { cellOnce, type FullCell } from "./cell.ts";

/** Minimal gated unit (Zhou et al. 2016): a GRU whose one gate f is reset and update gate. */
export const mguCell = (): FullCell =>
  cellOnce("mgu", () => ({
    fragment: mguWgsl,
    gates: ["f", "n"],
    states: ["h"],
    kept: ["forget"],
    forward(x, r, prev) {
      const f = sigmoid(x.f!);
      const n = Math.tanh(x.n! + r.n!);
      return { state: { h: (1 - f) * prev.h! + f * n }, saved: { f, n, forget: f } };
    },
    backward(saved, prev, grad) {
      const { f, n } = saved as { f: number; n: number };
      // f: the gradient by f without what comes through the intermediate vector.
      const grads = { ...saved, f: grad.h! * (n - prev.h!), n: grad.h! * f * (1 - n * n) };
      return { grads, state: { h: grad.h! * (1 - f) } };
    },
    intermediate: {
      gates: 1,
      forward: (x, prev) => sigmoid(x.f!) * prev.h!,
      backward(saved, prev, grad) {
        const f = saved.forget!;
        return {
          grads: { ...saved, f: (saved.f! + grad * prev.h!) * f * (1 - f) },
          state: { h: grad * f },
        };
      },
    },
  }));
