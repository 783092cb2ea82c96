import { sigmoid } from "./activations.ts";
import { defineCell } from "./cell.ts";

/** Gated recurrent unit (Cho et al. 2014), reset after the product, gates r z n as in torch.nn.GRU. */
export const gru = defineCell({
  name: "gru",
  gates: ["r", "z", "n"],
  apart: ["rn"],
  states: ["h"],
  forward(x, recurrent, prev) {
    const r = sigmoid(x.r! + recurrent.r!);
    const z = sigmoid(x.z! + recurrent.z!);
    const rn = recurrent.n!;
    const n = Math.tanh(x.n! + r * rn);
    return { state: { h: (1 - z) * n + z * prev.h! }, work: { r, z, n, rn } };
  },
  backward(saved, prev, _next, grad) {
    const { r, z, n, rn } = saved as { r: number; z: number; n: number; rn: number };
    const dn = grad.h! * (1 - z) * (1 - n * n);
    return {
      work: { r: dn * rn * r * (1 - r), z: grad.h! * (prev.h! - n) * z * (1 - z), n: dn, rn: dn * r },
      state: { h: grad.h! * z },
    };
  },
});
