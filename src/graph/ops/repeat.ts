import { onDemand } from "../commands.ts";
import { apply, type Tensor } from "../tensor.ts";

export interface RepeatSizes {
  readonly D: number;
  readonly B: number;
  readonly C: number;
}

const op = onDemand<RepeatSizes>("repeat");

/** `x [D,C]` for each of B rows: `[D,B,C]`. */
export function repeatRows(label: string, x: Tensor, B: number): Tensor {
  const [D, C] = x.shape as [number, number];
  return apply(op, label, [x], [{ shape: [D, B, C] }], { D, B, C })[0]!;
}
