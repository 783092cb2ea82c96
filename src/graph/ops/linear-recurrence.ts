import { onDemand } from "../commands.ts";
import { apply, type Tensor } from "../tensor.ts";

export interface LinearRecurrenceSizes {
  readonly T: number;
  readonly N: number;
}

const op = onDemand<LinearRecurrenceSizes>("linear-recurrence", { makesStates: true });

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
