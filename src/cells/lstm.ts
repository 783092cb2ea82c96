import { sigmoid } from "./activations.ts";
import { defineCell } from "./cell.ts";

/** Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000), gates i f g o as in torch.nn.LSTM. */
export const lstm = defineCell({
  name: "lstm",
  gates: ["i", "f", "g", "o"],
  apart: [],
  states: ["h", "c"],
  forward(x, r, prev) {
    const i = sigmoid(x.i! + r.i!);
    const f = sigmoid(x.f! + r.f!);
    const g = Math.tanh(x.g! + r.g!);
    const o = sigmoid(x.o! + r.o!);
    const c = f * prev.c! + i * g;
    const h = o * Math.tanh(c);
    return { state: { h, c }, work: { i, f, g, o } };
  },
  backward(saved, prev, next, grad) {
    const { i, f, g, o } = saved as { i: number; f: number; g: number; o: number };
    const q = Math.tanh(next.c!);
    const dc = grad.c! + grad.h! * o * (1 - q * q);
    return {
      work: {
        i: dc * g * i * (1 - i),
        f: dc * prev.c! * f * (1 - f),
        g: dc * i * (1 - g * g),
        o: grad.h! * q * o * (1 - o),
      },
      state: { h: 0, c: dc * f },
    };
  },
});
