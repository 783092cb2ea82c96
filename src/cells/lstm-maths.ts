import { derivative } from "./activation-derivatives.ts";
import type { CellActivation } from "./activations.ts";
import type { Cell } from "./cell.ts";
import { layerNorm, noNorm } from "./norm-maths.ts";

/** What the maths of an LSTM depends on. */
export interface LSTMMaths {
  readonly coupled: boolean;
  /** Of |c|. */
  readonly limit: number;
  readonly gate: CellActivation;
  readonly candidate: CellActivation;
  readonly hidden: CellActivation;
  /** Whether there is layer normalisation. */
  readonly norm: boolean;
  /** Names of the learned vectors. */
  readonly has: ReadonlySet<string>;
}

/** The equations of `lstmCell` and their gradients in float64. */
export function lstmMaths({
  coupled,
  limit,
  gate,
  candidate,
  hidden,
  norm: isNormed,
  has,
}: LSTMMaths): Pick<Cell, "forward" | "backward"> {
  const norm = isNormed ? layerNorm : noNorm;
  const limited = (c: number) => Math.max(-limit, Math.min(limit, c));
  return {
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
      const no = grad.h! * q * derivative(gate, o, direction);
      const vo = norm.backward("o", saved, no, p, unit);
      const through = grad.c! + grad.h! * o * derivative(hidden, q, direction) + vo.v * (p.peepholeO ?? 0);
      const dc = Math.abs(sum) < limit ? through : 0;
      const ng = dc * i * derivative(candidate, g, direction);
      const vg = norm.backward("g", saved, ng, p, unit);
      const ni = coupled ? 0 : dc * g * derivative(gate, i, direction);
      const vi = coupled ? { v: 0, weight: 0 } : norm.backward("i", saved, ni, p, unit);
      const nf = dc * (coupled ? prev.c! - g : prev.c!) * derivative(gate, f, direction);
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
  };
}
