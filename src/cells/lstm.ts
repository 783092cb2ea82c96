import { lstmWgsl } from "../shaders/cells/lstm.generated.ts";
import { layerNormWgsl } from "../shaders/lib/layer-norm.generated.ts";
import { noNormWgsl } from "../shaders/lib/no-norm.generated.ts";
import { type Activations, cellActivation, literal } from "./activations.ts";
import { cellOnce, type FullCell, mathsOnCpu } from "./cell.ts";
import type { LSTMMaths } from "./lstm-maths.ts";
import { normOf } from "./norm.ts";

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
  const learned = [
    ...(options.peepholes
      ? [...(coupled ? "fo" : "ifo")].map((g) => ({ name: `peephole${g.toUpperCase()}`, stateName: `peephole_${g}` }))
      : []),
    ...(options.layerNorm ? gates.flatMap(normOf) : []),
  ];
  const has = new Set(learned.map(({ name }) => name));
  const limit = cellClip ?? Number.POSITIVE_INFINITY;
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
    parts: { NORM: options.layerNorm ? layerNormWgsl : noNormWgsl },
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
    ...mathsOnCpu<LSTMMaths>("lstm", {
      coupled,
      limit,
      gate,
      candidate,
      hidden,
      norm: options.layerNorm === true,
      has,
    }),
  }));
}
