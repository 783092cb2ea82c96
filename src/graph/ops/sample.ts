import { sampleTokens } from "../../kernels/sample.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Sizes {
  readonly B: number;
  readonly V: number;
  readonly step: number;
}

const op: Op<Sizes> = {
  name: "sample",
  forward({ inputs: [logits, forced, settings], outputs: [tokens], attributes, label }, e) {
    const views = {
      logits: e.view(logits!),
      forced: e.view(forced!),
      settings: e.view(settings!),
      tokens: e.place(tokens!, label),
    };
    e.emit(sampleTokens(e.target, label, attributes, views));
  },
};

/** Next tokens `[1,B]` (i32) drawn from `logits [1,B,V]`; see kernels/sample.ts. */
export function sampleNext(label: string, logits: Tensor, forced: Tensor, settings: Tensor, step: number): Tensor {
  const [, B, V] = logits.shape as [number, number, number];
  return apply(op, label, [logits, forced, settings], [{ shape: [1, B], dtype: "i32" }], { B, V, step })[0]!;
}
