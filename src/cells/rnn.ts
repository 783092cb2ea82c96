import { defineCell } from "./cell.ts";

/** Elman network with tanh (Elman 1990), as in torch.nn.RNN. */
export const rnnTanh = defineCell({
  name: "rnn-tanh",
  gates: ["a"],
  apart: [],
  states: ["h"],
  forward(x, r) {
    const h = Math.tanh(x.a! + r.a!);
    return { state: { h }, work: { a: h } };
  },
  backward(saved, _prev, _next, grad) {
    return { work: { a: grad.h! * (1 - saved.a! ** 2) }, state: { h: 0 } };
  },
});

/** Elman network with a rectifier (Le, Jaitly and Hinton 2015), as in torch.nn.RNN with nonlinearity "relu". */
export const rnnRelu = defineCell({
  name: "rnn-relu",
  gates: ["a"],
  apart: [],
  states: ["h"],
  forward(x, r) {
    const h = Math.max(x.a! + r.a!, 0);
    return { state: { h }, work: { a: h } };
  },
  backward(saved, _prev, _next, grad) {
    return { work: { a: saved.a! > 0 ? grad.h! : 0 }, state: { h: 0 } };
  },
});
