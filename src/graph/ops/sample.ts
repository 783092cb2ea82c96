import { sampleTokens } from "../../kernels/sample.ts";
import { type Op, part } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Sizes {
  readonly B: number;
  readonly V: number;
  readonly step: number;
}

const op: Op<Sizes> = {
  name: "sample",
  makesStates: true,
  forward({ inputs: [logits, settings, all], outputs: [drawn], attributes, label }, e) {
    const { B, step } = attributes;
    const tokens = part(e.view(all!), step * B, B);
    e.define(drawn!, tokens);
    e.emit(sampleTokens(e.target, label, attributes, { logits: e.view(logits!), settings: e.view(settings!), tokens }));
  },
};

/**
 * Next tokens `[1,B]` (i32) drawn from `logits [1,B,V]`, as row `step` of the state `tokens [K,B]`, whose last row holds what
 * came before the first; see kernels/sample.ts.
 */
export function sampleInto(label: string, logits: Tensor, settings: Tensor, tokens: Tensor, step: number): Tensor {
  const [, B, V] = logits.shape as [number, number, number];
  const shape = [1, B];
  return apply(op, label, [logits, settings, tokens], [{ shape, dtype: "i32" }], { B, V, step })[0]!;
}
