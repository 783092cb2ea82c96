import { scan, scanGradients } from "../../kernels/scan.ts";
import { type Op, part } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Sizes {
  readonly T: number;
  readonly N: number;
}

const op: Op<Sizes> = {
  name: "linear-recurrence",
  makesStates: true,
  forward({ inputs: [a, b, h0], outputs: [h], attributes: size, label }, e) {
    const views = { a: e.view(a!), b: e.view(b!), h0: h0 && e.view(h0), h: e.allocate(h!, label) };
    e.emit(...scan(e, { label, size, views }));
  },
  backward({ inputs: [a, b, h0], outputs: [h], attributes: size, label }, e) {
    const hGradient = e.gradient(h!);
    if (!hGradient) return;
    const { T, N } = size;
    const gradients = e.scratch(`${label} gradients`, (2 * T + 1) * N);
    const views = { a: e.view(a!), h: e.view(h!), h0: h0 && e.view(h0), hGradient, gradients };
    e.emit(...scanGradients(e, { label: `${label} backward`, size, views }));
    if (e.needsGradient(a)) e.contribute(a, part(gradients, 0, T * N));
    if (e.needsGradient(b)) e.contribute(b, part(gradients, T * N, T * N));
    if (e.needsGradient(h0)) e.contribute(h0, part(gradients, 2 * T * N, N));
  },
};

/**
 * `h_t = a_t * h_{t-1} + b_t` over the first axis of `a` and `b [T,...]`, from `h0 [...]` (0 when not given): `[T,...]`.
 *
 * Trained by a parallel scan (Martin and Cundy, "Parallelizing Linear Recurrent Neural Nets Over Sequence Length", ICLR 2018,
 * arXiv:1709.04057): one dispatch where the columns alone fill the machine or T is small, else three, each with chunks of
 * steps side by side, and backward the same from the end. Every sum and product has a fixed order.
 */
export function linearRecurrence(label: string, a: Tensor, b: Tensor, h0?: Tensor): Tensor {
  const T = a.shape[0]!;
  return apply(op, label, [a, b, h0], [{ shape: a.shape }], { T, N: a.size / T })[0]!;
}
