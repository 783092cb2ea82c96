import { dropNumbers } from "../../kernels/dropout.ts";
import { noiseSeed, noiseStream } from "../noise.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Attributes {
  readonly p: number;
  readonly stream: number;
  readonly period: number;
}

const op: Op<Attributes> = {
  name: "dropout",
  forward({ inputs: [x, seed], outputs: [y], attributes, label }, e) {
    const views = { x: e.view(x!), seed: e.view(seed!), y: e.allocate(y!, label) };
    e.emit(dropNumbers(e.target, label, { N: x!.size, ...attributes }, views));
  },
  backward({ inputs: [x, seed], outputs: [y], attributes, label }, e) {
    const gradient = e.gradient(y!);
    if (!gradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const views = { x: gradient, seed: e.view(seed!), y: view };
    e.emit(dropNumbers(e.target, `${label} gradient`, { N: x.size, ...attributes, accumulate }, views));
  },
};

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
