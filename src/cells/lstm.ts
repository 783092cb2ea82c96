import { lstmWgsl } from "../shaders/cells/lstm.generated.ts";
import { type Activations, cellActivation, literal } from "./activations.ts";
import { cellOnce, type FullCell } from "./cell.ts";
import { layerNorm, noNorm, normOf } from "./norm.ts";

export interface LSTMCellOptions {
  readonly coupledGates?: boolean;
  readonly peepholes?: boolean;
  readonly layerNorm?: boolean;
  readonly clip?: number;
  readonly cellClip?: number;
  readonly activations?: { readonly gate?: Activations; readonly cell?: Activations; readonly hidden?: Activations };
}

const normed = ["normWeightI", "normWeightF", "normWeightG", "normWeightO"];
const shifted = ["normBiasI", "normBiasF", "normBiasG", "normBiasO"];
const peepholes = ["peepholeI", "peepholeF", "peepholeO"];

/** Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000), gates i f g o as in torch.nn.LSTM. */
export function lstmCell(what: string, options: LSTMCellOptions = {}): FullCell {
  const { coupledGates: coupled = false, clip, cellClip, activations = {} } = options;
  const gate = cellActivation(`${what}: activations.gate`, activations.gate ?? "Sigmoid", clip);
  const candidate = cellActivation(`${what}: activations.cell`, activations.cell ?? "Tanh", clip);
  const hidden = cellActivation(`${what}: activations.hidden`, activations.hidden ?? "Tanh", clip);
  const gates = coupled ? ["f", "g", "o"] : ["i", "f", "g", "o"];
  const norm = options.layerNorm ? layerNorm : noNorm;
  const learned = [
    ...(options.peepholes
      ? [...(coupled ? "fo" : "ifo")].map((g) => ({ name: `peephole${g.toUpperCase()}`, stateName: `peephole_${g}` }))
      : []),
    ...(options.layerNorm ? gates.flatMap(normOf) : []),
  ];
  const has = new Set(learned.map(({ name }) => name));
  const limit = cellClip ?? Number.POSITIVE_INFINITY;
  const limited = (c: number) => Math.max(-limit, Math.min(limit, c));
  const parts = [
    coupled ? "coupled" : "",
    options.peepholes ? "peepholes" : "",
    options.layerNorm ? "layer norm" : "",
    cellClip === undefined ? "" : `c clipped at ${cellClip}`,
    ...[gate, candidate, hidden].map(({ key }, i) =>
      key === ["Sigmoid", "Tanh", "Tanh"][i] ? "" : `${"fgh"[i]} ${key}`,
    ),
  ].filter(Boolean);

  return cellOnce(parts.length > 0 ? `lstm(${parts.join(", ")})` : "lstm", () => ({
    fragment: lstmWgsl,
    gates,
    states: ["h", "c"],
    learned,
    acrossUnits: options.layerNorm === true,
    absent: {
      gates: coupled ? ["i"] : [],
      learned: [...peepholes, ...normed, ...shifted].filter((name) => !has.has(name)),
    },
    parts: { NORM: norm.shader },
    prelude: [
      `const COUPLED = ${coupled};`,
      gate.wgsl("gateActivation"),
      candidate.wgsl("cellActivation"),
      hidden.wgsl("hiddenActivation"),
      cellClip === undefined
        ? "fn limited(c: Real) -> Real { return c; }\nfn limitedDerivative(c: Real) -> Real { return Real(1.0); }"
        : `fn limited(c: Real) -> Real { return cut(c, ${literal(cellClip)}); }
fn limitedDerivative(c: Real) -> Real { return select(Real(0.0), Real(1.0), abs(c) < Real(${literal(cellClip)})); }`,
    ].join("\n"),
    forward(x, r, prev, p, unit) {
      const { direction } = unit;
      const peephole = (name: string, c: number) => (has.has(name) ? p[name]! * c : 0);
      const nf = norm.forward("f", x.f! + r.f! + peephole("peepholeF", prev.c!), p, unit);
      const f = gate.f(nf.y, direction);
      const ni = coupled ? undefined : norm.forward("i", x.i! + r.i! + peephole("peepholeI", prev.c!), p, unit);
      const i = ni ? gate.f(ni.y, direction) : 1 - f;
      const ng = norm.forward("g", x.g! + r.g!, p, unit);
      const g = candidate.f(ng.y, direction);
      const c = limited(f * prev.c! + i * g);
      const no = norm.forward("o", x.o! + r.o! + peephole("peepholeO", c), p, unit);
      const o = gate.f(no.y, direction);
      const h = o * hidden.f(c, direction);
      return { state: { h, c }, saved: { i, f, g, o, ...ni?.saved, ...nf.saved, ...ng.saved, ...no.saved } };
    },
    backward(saved, prev, grad, p, unit) {
      const { direction } = unit;
      const { f, g, o } = saved as { f: number; g: number; o: number };
      const i = coupled ? 1 - f : saved.i!;
      const sum = f * prev.c! + i * g;
      const c = limited(sum);
      const q = hidden.f(c, direction);
      const no = grad.h! * q * gate.derivative(o, direction);
      const vo = norm.backward("o", saved, no, p, unit);
      const through = grad.c! + grad.h! * o * hidden.derivative(q, direction) + vo.v * (p.peepholeO ?? 0);
      const dc = Math.abs(sum) < limit ? through : 0;
      const ng = dc * i * candidate.derivative(g, direction);
      const vg = norm.backward("g", saved, ng, p, unit);
      const ni = coupled ? 0 : dc * g * gate.derivative(i, direction);
      const vi = coupled ? { v: 0, weight: 0 } : norm.backward("i", saved, ni, p, unit);
      const nf = dc * (coupled ? prev.c! - g : prev.c!) * gate.derivative(f, direction);
      const vf = norm.backward("f", saved, nf, p, unit);
      return {
        grads: {
          i: vi.v,
          f: vf.v,
          g: vg.v,
          o: vo.v,
          peepholeI: vi.v * prev.c!,
          peepholeF: vf.v * prev.c!,
          peepholeO: vo.v * c,
          normWeightI: vi.weight,
          normWeightF: vf.weight,
          normWeightG: vg.weight,
          normWeightO: vo.weight,
          normBiasI: ni,
          normBiasF: nf,
          normBiasG: ng,
          normBiasO: no,
        },
        state: { h: 0, c: dc * f + vi.v * (p.peepholeI ?? 0) + vf.v * (p.peepholeF ?? 0) },
      };
    },
  }));
}
