import { onDemand } from "../commands.ts";
import { apply, type Tensor } from "../tensor.ts";
import { maskRange } from "./number-kinds.ts";

export interface ScanGatesAttributes {
  readonly R: number;
  readonly H: number;
  readonly pair: boolean;
}

const op = onDemand<ScanGatesAttributes>("scan-gates", { takes: ({ inputs: [, mask] }) => maskRange(mask, 1) });

/**
 * The a and b, each `[T,B,H]`, of a recurrence `h_t = a_t * h_{t-1} + b_t` whose new part is weighted by 1 - a, from
 * pre-activations `x [T,B,G*H]`: one gate z and the candidate (a = 1 - z), or with `pair` two gates f, i and the candidate
 * (a = f / (f + i)). Where `mask [T,B]` (i32) is 0, a is 1 and b is 0: the state goes on as it is.
 */
export function scanGates(label: string, x: Tensor, pair: boolean, mask?: Tensor): { a: Tensor; b: Tensor } {
  const [T, B, columns] = x.shape as [number, number, number];
  const H = columns / (pair ? 3 : 2);
  const shape = [T, B, H];
  const [a, b] = apply(op, label, [x, mask], [{ shape }, { shape }], { R: T * B, H, pair });
  return { a: a!, b: b! };
}
