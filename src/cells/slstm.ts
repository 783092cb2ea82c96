import { slstmWgsl } from "../shaders/cells/slstm.generated.ts";
import { sigmoid } from "./activations.ts";
import { cellOnce, type FullCell } from "./cell.ts";

export interface SLSTMCellOptions {
  readonly forgetGate?: "sigmoid" | "exponential";
}

/** log(σ(x)), without overflow. */
const logSigmoid = (x: number): number => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));

/**
 * sLSTM (Beck et al. 2024, "xLSTM"), gates i f z o. c and n are kept times exp(-m), where m is the largest exponent so far;
 * while n is 0 nothing was stored yet, and m becomes the input gate's exponent, as in the authors' code.
 */
export function slstmCell(options: SLSTMCellOptions = {}): FullCell {
  const exponential = options.forgetGate === "exponential";
  return cellOnce(exponential ? "slstm(exponential forget gate)" : "slstm", () => ({
    fragment: slstmWgsl,
    gates: ["i", "f", "z", "o"],
    states: ["h", "c", "n", "m"],
    // The derivative of the forget gate's logarithm.
    kept: ["slope"],
    prelude: exponential
      ? "fn logForget(x: Real) -> Real { return x; }\nfn logForgetSlope(x: Real) -> Real { return Real(1.0); }"
      : "fn logForget(x: Real) -> Real { return -softplus(-x); }\nfn logForgetSlope(x: Real) -> Real { return sigmoid(-x); }",
    forward(x, r, prev) {
      const vi = x.i! + r.i!;
      const vf = x.f! + r.f!;
      const z = Math.tanh(x.z! + r.z!);
      const o = sigmoid(x.o! + r.o!);
      const old = (exponential ? vf : logSigmoid(vf)) + prev.m!;
      const isNew = vi >= old || prev.n === 0;
      const i = isNew ? 1 : Math.exp(vi - old);
      const f = isNew ? Math.exp(Math.min(old - vi, 80)) : 1;
      const c = f * prev.c! + i * z;
      const n = f * prev.n! + i;
      return {
        state: { h: (o * c) / n, c, n, m: isNew ? vi : old },
        saved: { i, f, z, o, slope: exponential ? 1 : sigmoid(-vf) },
      };
    },
    backward(saved, prev, grad) {
      const { i, f, z, o, slope } = saved as { i: number; f: number; z: number; o: number; slope: number };
      const c = f * prev.c! + i * z;
      const n = f * prev.n! + i;
      const dc = grad.c! + (grad.h! * o) / n;
      const dn = grad.n! - (grad.h! * o * c) / n ** 2;
      const byI = (dc * z + dn) * i;
      const byF = (dc * prev.c! + dn * prev.n!) * f;
      // What m does goes to the one of the two that it is.
      const byM = grad.m! - byI - byF;
      const isNew = i === 1;
      const old = byF + (isNew ? 0 : byM);
      return {
        grads: {
          i: byI + (isNew ? byM : 0),
          f: old * slope,
          z: dc * i * (1 - z * z),
          o: ((grad.h! * c) / n) * o * (1 - o),
        },
        state: { h: 0, c: dc * f, n: dn * f, m: old },
      };
    },
  }));
}
