import { sruWgsl } from "../shaders/cells/sru.generated.ts";
import { sigmoid } from "./activations.ts";
import { cellOnce, type FullCell } from "./cell.ts";

/** Simple recurrent unit (Lei et al. 2018), gates u f r p: candidate, forget and reset gate, projected input. */
export const sruCell = (): FullCell =>
  cellOnce("sru", () => ({
    fragment: sruWgsl,
    gates: ["u", "f", "r", "p"],
    states: ["h", "c"],
    learned: [
      { name: "vF", stateName: "weight_v_f" },
      { name: "vR", stateName: "weight_v_r" },
    ],
    recurrent: false,
    forward(x, _r, prev, { vF, vR }) {
      const f = sigmoid(x.f! + vF! * prev.c!);
      const r = sigmoid(x.r! + vR! * prev.c!);
      const c = f * prev.c! + (1 - f) * x.u!;
      return { state: { h: r * c + (1 - r) * x.p!, c }, saved: { u: x.u!, f, r, p: x.p! } };
    },
    backward(saved, prev, grad, { vF, vR }) {
      const { u, f, r, p } = saved as { u: number; f: number; r: number; p: number };
      const c = f * prev.c! + (1 - f) * u;
      const dc = grad.c! + grad.h! * r;
      const df = dc * (prev.c! - u) * f * (1 - f);
      const dr = grad.h! * (c - p) * r * (1 - r);
      return {
        grads: { u: dc * (1 - f), f: df, r: dr, p: grad.h! * (1 - r), vF: df * prev.c!, vR: dr * prev.c! },
        state: { h: 0, c: dc * f + df * vF! + dr * vR! },
      };
    },
  }));
