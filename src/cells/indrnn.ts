import { indrnnWgsl } from "../shaders/cells/indrnn.generated.ts";
import { derivative } from "./activation-derivatives.ts";
import { type Activations, cellActivation } from "./activations.ts";
import { cellOnce, type FullCell } from "./cell.ts";

export interface IndRNNCellOptions {
  readonly activation?: Activations;
}

/** Independently recurrent network (Li et al. 2018): the recurrent weight is one number for each unit. */
export function indRNNCell(what: string, options: IndRNNCellOptions = {}): FullCell {
  const activation = cellActivation(`${what}: activation`, options.activation ?? "Relu");
  return cellOnce(`indrnn(${activation.key})`, () => ({
    fragment: indrnnWgsl,
    gates: ["a"],
    states: ["h"],
    // In [0, 1], where nothing grows over time: the paper's [0, U_max] for sequences of any length.
    learned: [{ name: "u", stateName: "weight_u", initial: [0, 1] }],
    recurrent: false,
    prelude: activation.wgsl("activation"),
    forward(x, _r, prev, { u }, { direction }) {
      const h = activation.f(x.a! + u! * prev.h!, direction);
      return { state: { h }, saved: { a: h } };
    },
    backward(saved, prev, grad, { u }, { direction }) {
      const a = grad.h! * derivative(activation, saved.a!, direction);
      return { grads: { a, u: a * prev.h! }, state: { h: a * u! } };
    },
  }));
}
