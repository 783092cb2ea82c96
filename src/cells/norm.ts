import { layerNormWgsl } from "../shaders/lib/layer-norm.generated.ts";
import { noNormWgsl } from "../shaders/lib/no-norm.generated.ts";
import type { Shader } from "../shaders/shader.ts";
import type { CellParameter, Unit, Values } from "./cell.ts";

// The twin of shaders/lib/layer-norm.wgsl, and what a cell with it must have.

const EPSILON = 1e-5;

/** `i` to `I`: gates in the names of their learned vectors. */
const upper = (gate: string): string => gate[0]!.toUpperCase() + gate.slice(1);

/** The weight and bias of a gate's layer normalisation. */
export const normOf = (gate: string): CellParameter[] => [
  { name: `normWeight${upper(gate)}`, stateName: `norm_weight_${gate}`, initial: 1 },
  { name: `normBias${upper(gate)}`, stateName: `norm_bias_${gate}`, initial: 0 },
];

/** A cell's layer normalisation, or the identity in cells without one. */
export interface Norm {
  /** The shader file that stands for `// #include NORM`. */
  readonly shader: Shader;
  /** Of a gate's pre-activation `v`: the result, and what is saved in the slots of the weight and the bias for `backward`. */
  forward(gate: string, v: number, learned: Values, unit: Unit): { y: number; saved: Values };
  /** Gradients by v and by the weight, from the one by the result, which is the bias's. */
  backward(gate: string, saved: Values, grad: number, learned: Values, unit: Unit): { v: number; weight: number };
}

export const noNorm: Norm = {
  shader: noNormWgsl,
  forward: (_, y) => ({ y, saved: {} }),
  backward: (_gate, _saved, v) => ({ v, weight: 0 }),
};

/** Layer normalisation over the units of a row (Ba, Kiros and Hinton 2016). */
export const layerNorm: Norm = {
  shader: layerNormWgsl,
  forward(gate, v, learned, unit) {
    const centred = v - unit.mean(v);
    const scale = 1 / Math.sqrt(unit.mean(centred * centred) + EPSILON);
    const hat = centred * scale;
    const [weight, bias] = [`normWeight${upper(gate)}`, `normBias${upper(gate)}`];
    return { y: hat * learned[weight]! + learned[bias]!, saved: { [weight]: hat, [bias]: scale } };
  },
  backward(gate, saved, grad, learned, unit) {
    const hat = saved[`normWeight${upper(gate)}`]!;
    const scale = saved[`normBias${upper(gate)}`]!;
    const byHat = grad * learned[`normWeight${upper(gate)}`]!;
    return { v: scale * (byHat - unit.mean(byHat) - hat * unit.mean(byHat * hat)), weight: grad * hat };
  },
};
