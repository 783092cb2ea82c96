import { onDemand } from "../commands.ts";
import { noiseSeed, noiseStream } from "../noise.ts";
import { apply, type Tensor } from "../tensor.ts";

export interface DropoutAttributes {
  readonly p: number;
  readonly stream: number;
  readonly period: number;
}

const op = onDemand<DropoutAttributes>("dropout");

/**
 * Zeroes numbers of `x` with probability `p` while traced for training, and divides the others by 1 - p; `x` itself
 * otherwise. With `sameForAll` one mask is drawn for the axes behind the first: all steps lose the same units.
 */
export function dropout(label: string, x: Tensor, p: number, sameForAll = false): Tensor {
  const seed = noiseSeed();
  if (!seed || p === 0) return x;
  const period = sameForAll ? x.size / x.shape[0]! : x.size;
  return apply(op, label, [x, seed], [{ shape: x.shape }], { p, stream: noiseStream(label), period })[0]!;
}
