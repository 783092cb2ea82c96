import { gruWgsl } from "../shaders/cells/gru.generated.ts";
import { gruBeforeWgsl } from "../shaders/cells/gru-before.generated.ts";
import { layerNormWgsl } from "../shaders/lib/layer-norm.generated.ts";
import { noNormWgsl } from "../shaders/lib/no-norm.generated.ts";
import { derivative } from "./activation-derivatives.ts";
import { type Activations, cellActivation } from "./activations.ts";
import { type Cell, cellOnce, type FullCell } from "./cell.ts";
import { normOf } from "./norm.ts";
import { layerNorm, noNorm } from "./norm-maths.ts";

export interface GRUCellOptions {
  readonly resetAfter?: boolean;
  readonly layerNorm?: boolean;
  readonly clip?: number;
  readonly activations?: { readonly gate?: Activations; readonly candidate?: Activations };
}

const gates = ["r", "z", "n"] as const;
const vectors = gates.flatMap(normOf);

/** Gated recurrent unit (Cho et al. 2014), reset after or before the product, gates r z n as in torch.nn.GRU. */
export function gruCell(what: string, options: GRUCellOptions = {}): FullCell {
  const { resetAfter = true, clip, activations = {} } = options;
  const gate = cellActivation(`${what}: activations.gate`, activations.gate ?? "Sigmoid", clip);
  const candidate = cellActivation(`${what}: activations.candidate`, activations.candidate ?? "Tanh", clip);
  const norm = options.layerNorm ? layerNorm : noNorm;
  const parts = [
    resetAfter ? "" : "reset before",
    options.layerNorm ? "layer norm" : "",
    ...[gate, candidate].map(({ key }, i) => (key === ["Sigmoid", "Tanh"][i] ? "" : `${"fg"[i]} ${key}`)),
  ].filter(Boolean);

  const shared: Pick<Cell, "gates" | "states" | "learned" | "acrossUnits" | "absent" | "parts" | "prelude"> = {
    gates,
    states: ["h"],
    learned: options.layerNorm ? vectors : [],
    acrossUnits: options.layerNorm === true,
    absent: { learned: options.layerNorm ? [] : vectors.map(({ name }) => name) },
    parts: { NORM: options.layerNorm ? layerNormWgsl : noNormWgsl },
    prelude: [gate.wgsl("gateActivation"), candidate.wgsl("candidateActivation")].join("\n"),
  };

  const after: Omit<Cell, "name"> = {
    ...shared,
    fragment: gruWgsl,
    separate: ["rn"],
    forward(x, recurrent, prev, p, unit) {
      const rn = recurrent.n!;
      const nr = norm.forward("r", x.r! + recurrent.r!, p, unit);
      const nz = norm.forward("z", x.z! + recurrent.z!, p, unit);
      const r = gate.f(nr.y, unit.direction);
      const z = gate.f(nz.y, unit.direction);
      const nn = norm.forward("n", x.n! + r * rn, p, unit);
      const n = candidate.f(nn.y, unit.direction);
      const h = (1 - z) * n + z * prev.h!;
      return { state: { h }, saved: { r, z, n, rn, ...nr.saved, ...nz.saved, ...nn.saved } };
    },
    backward(saved, prev, grad, p, unit) {
      const { r, z, n, rn } = saved as { r: number; z: number; n: number; rn: number };
      const nn = grad.h! * (1 - z) * derivative(candidate, n, unit.direction);
      const vn = norm.backward("n", saved, nn, p, unit);
      const nz = grad.h! * (prev.h! - n) * derivative(gate, z, unit.direction);
      const vz = norm.backward("z", saved, nz, p, unit);
      const nr = vn.v * rn * derivative(gate, r, unit.direction);
      const vr = norm.backward("r", saved, nr, p, unit);
      return {
        grads: {
          r: vr.v,
          z: vz.v,
          n: vn.v,
          rn: vn.v * r,
          normWeightR: vr.weight,
          normWeightZ: vz.weight,
          normWeightN: vn.weight,
          normBiasR: nr,
          normBiasZ: nz,
          normBiasN: nn,
        },
        state: { h: grad.h! * z },
      };
    },
  };

  // The first two gates' sums stand in x, R_n times the reset state in recurrent.n.
  const before: Omit<Cell, "name"> = {
    ...shared,
    fragment: gruBeforeWgsl,
    kept: ["reset"],
    forward(x, recurrent, prev, p, unit) {
      const nr = norm.forward("r", x.r!, p, unit);
      const nz = norm.forward("z", x.z!, p, unit);
      const nn = norm.forward("n", x.n! + recurrent.n!, p, unit);
      const r = gate.f(nr.y, unit.direction);
      const z = gate.f(nz.y, unit.direction);
      const n = candidate.f(nn.y, unit.direction);
      const h = (1 - z) * n + z * prev.h!;
      return { state: { h }, saved: { r, z, n, reset: r, ...nr.saved, ...nz.saved, ...nn.saved } };
    },
    backward(saved, prev, grad, p, unit) {
      const { z, n } = saved as { z: number; n: number };
      const nn = grad.h! * (1 - z) * derivative(candidate, n, unit.direction);
      const vn = norm.backward("n", saved, nn, p, unit);
      const nz = grad.h! * (prev.h! - n) * derivative(gate, z, unit.direction);
      const vz = norm.backward("z", saved, nz, p, unit);
      const norms = { normWeightZ: vz.weight, normWeightN: vn.weight, normBiasZ: nz, normBiasN: nn };
      return { grads: { ...saved, z: vz.v, n: vn.v, ...norms }, state: { h: grad.h! * z } };
    },
    intermediate: {
      gates: 1,
      forward: (x, prev, p, unit) => gate.f(norm.forward("r", x.r!, p, unit).y, unit.direction) * prev.h!,
      backward(saved, prev, grad, p, unit) {
        const r = saved.reset!;
        const nr = grad * prev.h! * derivative(gate, r, unit.direction);
        const vr = norm.backward("r", saved, nr, p, unit);
        return { grads: { ...saved, r: vr.v, normWeightR: vr.weight, normBiasR: nr }, state: { h: grad * r } };
      },
    },
  };

  const name = parts.length > 0 ? `gru(${parts.join(", ")})` : "gru";
  return cellOnce(name, () => (resetAfter ? after : before));
}
