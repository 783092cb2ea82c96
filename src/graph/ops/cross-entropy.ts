import { crossEntropyOfRows } from "../../kernels/cross-entropy.ts";
import { countTargets, meanOfRows } from "../../kernels/loss-mean.ts";
import type { View } from "../../plan/plan.ts";
import type { Op } from "../op.ts";
import { apply, constantTensor, type Tensor } from "../tensor.ts";
import { type LossAndCount, passGradient } from "./loss-gradient.ts";
import { LABEL, maskRange } from "./number-kinds.ts";

interface Attributes {
  readonly N: number;
  readonly V: number;
  readonly ignoreIndex: number;
  readonly smoothing: number;
}

// The sum is divided by `given`, where there is one; else by what is counted.
const op: Op<Attributes, View | undefined> = {
  name: "cross-entropy",
  startsGradient: true,
  takes: ({ inputs: [, , , mask], attributes: { V, ignoreIndex } }) => [
    { input: 1, kind: LABEL, below: V, also: ignoreIndex },
    ...maskRange(mask, 3),
  ],
  forward({ inputs: [logits, targets, weight, mask, given], outputs: [loss, count], attributes, label }, e) {
    const { N, V, ignoreIndex } = attributes;
    const gradient = e.needsGradient(logits) ? e.scratch(`${label} gradient`, N * V) : undefined;
    const unused = gradient ?? e.scratch("unused", 4);
    const common = { targets: e.view(targets!), weight: weight && e.view(weight), mask: mask && e.view(mask), unused };
    let counted: View;
    if (given) {
      counted = e.view(given);
      e.define(count!, counted);
    } else {
      counted = e.allocate(count!, `${label} count`);
      e.emit(countTargets(`${label} count`, { N, ignoreIndex }, { ...common, count: counted }));
    }
    const rowLoss = e.scratch(`${label} rows`, N);
    const loss0 = e.allocate(loss!, label);
    e.emit(
      crossEntropyOfRows(e.target, label, attributes, {
        ...common,
        logits: e.view(logits!),
        count: counted,
        rowLoss,
        gradient,
      }),
      meanOfRows(label, N, { rowLoss, count: counted, loss: loss0 }),
    );
    return gradient;
  },
  backward({ inputs: [logits], outputs: [loss], label }, e, gradient) {
    passGradient(e, label, { loss: loss!, input: logits!, gradient });
  },
};

/**
 * Softmax cross-entropy of `logits [..., V]` against `targets [...]` (i32), as torch.nn.functional.cross_entropy.
 * Returns the loss in nats and what it is divided by: the weights of the targets that are neither `ignoreIndex` nor masked
 * added up, or 1 for a sum.
 */
export function softmaxCrossEntropy(
  label: string,
  { logits, targets, mask }: { readonly logits: Tensor; readonly targets: Tensor; readonly mask?: Tensor | undefined },
  options: {
    readonly ignoreIndex: number;
    readonly smoothing: number;
    /** `[V]`. */
    readonly weight?: readonly number[] | undefined;
    readonly mean: boolean;
  },
): LossAndCount {
  const V = logits.shape.at(-1)!;
  const { ignoreIndex, smoothing } = options;
  const weight = options.weight && constantTensor(`${label} class weights`, options.weight);
  const divisor = options.mean ? undefined : constantTensor(`${label} divisor`, [1], []);
  const [loss, count] = apply(op, label, [logits, targets, weight, mask, divisor], [{ shape: [] }, { shape: [] }], {
    N: logits.size / V,
    V,
    ignoreIndex,
    smoothing,
  });
  return { loss: loss!, count: count! };
}
