import { rnnWgsl } from "../shaders/cells/rnn.generated.ts";
import { derivative } from "./activation-derivatives.ts";
import { type Activations, cellActivation } from "./activations.ts";
import { cellOnce, type FullCell } from "./cell.ts";

export interface RNNCellOptions {
  readonly nonlinearity?: "tanh" | "relu" | Activations;
  readonly clip?: number;
}

/** Elman network (Elman 1990), as torch.nn.RNN, with any activation; with a rectifier: Le, Jaitly and Hinton 2015. */
export function rnnCell(what: string, options: RNNCellOptions = {}): FullCell {
  const { nonlinearity = "tanh", clip } = options;
  const given = nonlinearity === "tanh" ? "Tanh" : nonlinearity === "relu" ? "Relu" : nonlinearity;
  const activation = cellActivation(`${what}: nonlinearity`, given, clip);
  return cellOnce(`rnn(${activation.key})`, () => ({
    fragment: rnnWgsl,
    gates: ["a"],
    states: ["h"],
    prelude: activation.wgsl("activation"),
    forward(x, r, _prev, _learned, { direction }) {
      const h = activation.f(x.a! + r.a!, direction);
      return { state: { h }, saved: { a: h } };
    },
    backward(saved, _prev, grad, _learned, { direction }) {
      return { grads: { a: grad.h! * derivative(activation, saved.a!, direction) }, state: { h: 0 } };
    },
  }));
}
