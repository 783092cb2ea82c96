import { type PoolKind, pool, poolGradient } from "../../kernels/pool.ts";
import type { View } from "../../plan/plan.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { maskRange } from "./number-kinds.ts";

interface Attributes {
  readonly kind: PoolKind;
  readonly T: number;
  readonly B: number;
  readonly C: number;
}

const op: Op<Attributes, View> = {
  name: "pool",
  takes: ({ inputs: [, mask] }) => maskRange(mask, 1),
  forward({ inputs: [x, mask], outputs: [y], attributes, label }, e) {
    const note = e.scratch(`${label} steps`, y!.size, "i32");
    const views = { x: e.view(x!), mask: mask && e.view(mask), y: e.allocate(y!, label), note };
    e.emit(pool(e.target, label, attributes.kind, attributes, views));
    return note;
  },
  backward({ inputs: [x, mask], outputs: [y], attributes, label }, e, note) {
    const outputGradient = e.gradient(y!);
    if (!outputGradient || !e.needsGradient(x)) return;
    const { view, accumulate } = e.gradientInto(x);
    const views = { mask: mask && e.view(mask), note, outputGradient, gradient: view };
    e.emit(poolGradient(e.target, `${label} gradient`, attributes.kind, { ...attributes, accumulate }, views));
  },
};

/** Mean, largest or last of the real steps of `x [T,B,C]` by `mask [T,B]` (all when undefined): `[B,C]`, 0 where none is real. */
export function poolSteps(label: string, kind: PoolKind, x: Tensor, mask: Tensor | undefined): Tensor {
  const [T, B, C] = x.shape as [number, number, number];
  return apply(op, label, [x, mask], [{ shape: [B, C] }], { kind, T, B, C })[0]!;
}
