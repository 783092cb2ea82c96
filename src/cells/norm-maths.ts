import type { Unit, Values } from "./cell.ts";
import { upper } from "./norm.ts";

const EPSILON = 1e-5;

/** The twin of shaders/lib/layer-norm.wgsl: a cell's layer normalisation, or the identity in cells without one. */
export interface Norm {
  /** Of a gate's pre-activation `v`: the result, and what is saved in the slots of the weight and the bias for `backward`. */
  forward(gate: string, v: number, learned: Values, unit: Unit): { y: number; saved: Values };
  /** Gradients by v and by the weight, from the one by the result, which is the bias's. */
  backward(gate: string, saved: Values, grad: number, learned: Values, unit: Unit): { v: number; weight: number };
}

export const noNorm: Norm = {
  forward: (_, y) => ({ y, saved: {} }),
  backward: (_gate, _saved, v) => ({ v, weight: 0 }),
};

/** Layer normalisation over the units of a row (Ba, Kiros and Hinton 2016). */
export const layerNorm: Norm = {
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
