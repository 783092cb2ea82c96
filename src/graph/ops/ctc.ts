import { DataError } from "../../errors.ts";
import { gradientOfPaths, logSums, pathsOf } from "../../kernels/ctc.ts";
import { meanOfRows } from "../../kernels/loss-mean.ts";
import type { View } from "../../plan/plan.ts";
import type { Op } from "../op.ts";
import { apply, constantTensor, type Tensor } from "../tensor.ts";
import { type LossAndCount, passGradient } from "./loss-gradient.ts";
import { LABEL, LENGTH } from "./number-kinds.ts";

interface Attributes {
  readonly T: number;
  readonly B: number;
  readonly C: number;
  readonly S: number;
  readonly blank: number;
  readonly mean: boolean;
  readonly zeroInfinity: boolean;
}

const op: Op<Attributes, View | undefined> = {
  name: "ctc",
  startsGradient: true,
  takes: ({ attributes: { T, C, S } }) => [
    { input: 1, kind: LABEL, below: C, also: -1 },
    { input: 2, kind: LENGTH, below: T + 1 },
    { input: 3, kind: LENGTH, below: S + 1 },
  ],
  check({ inputs: [, , , counts], attributes: { S, blank } }, [, labels, , labelCounts]) {
    const all = counts?.source?.kind === "constant";
    for (let i = 0; i < labels!.length; i++) {
      const [b, s] = [Math.floor(i / S), i % S];
      const count = labelCounts!.at(b);
      const label = labels!.at(i);
      if (count === undefined || label === undefined || s >= count || (label !== blank && label >= 0)) continue;
      const what = label === blank ? `${blank}, the blank` : `${label}, no class`;
      const counted = all
        ? `all ${S} count, because no lengths say otherwise`
        : `${labelCounts!.nameOf(b)} is ${count}`;
      throw new DataError(
        `${labels!.nameOf(i)} is ${what}: label ${s} of sequence ${b}, of which ${counted}; give the number of labels of each sequence`,
      );
    }
  },
  forward({ inputs, outputs: [loss, count], attributes: { zeroInfinity, mean, ...sizes }, label }, e) {
    const [logits, labels, stepCounts, labelCounts, divisor] = inputs as Tensor[];
    const { T, B, C, S } = sizes;
    const L = 2 * S + 1;
    const logSum = e.scratch(`${label} log sums`, T * B);
    const paths = e.scratch(`${label} paths`, T * B * L);
    const beta = e.scratch(`${label} beta`, 2 * B * L);
    const rowLoss = e.scratch(`${label} of each sequence`, B);
    const counted = e.view(divisor!);
    e.define(count!, counted);
    const given = {
      logits: e.view(logits!),
      logSum,
      labels: e.view(labels!),
      labelCounts: e.view(labelCounts!),
      paths,
    };
    const views = { ...given, stepCounts: e.view(stepCounts!), beta, rowLoss };
    e.emit(
      logSums(e.target, `${label} log sums`, { N: T * B, V: C }, { logits: given.logits, logSum }),
      pathsOf(e.target, label, { ...sizes, byLength: mean, zeroInfinity }, views),
      meanOfRows(label, B, { rowLoss, count: counted, loss: e.allocate(loss!, label) }),
    );
    if (!e.needsGradient(logits)) return undefined;
    const gradient = e.scratch(`${label} gradient`, T * B * C);
    const scale = mean ? 1 / B : 1;
    e.emit(gradientOfPaths(e.target, `${label} gradient`, { ...sizes, byLength: mean, scale }, { ...given, gradient }));
    return gradient;
  },
  backward({ inputs: [logits], outputs: [loss], label }, e, gradient) {
    passGradient(e, label, { loss: loss!, input: logits!, gradient });
  },
};

/**
 * Connectionist temporal classification of `logits [T,B,C]` against `labels [B,S]` (i32), of which sequence b has
 * `labelCounts[b]`, in `stepCounts[b]` steps (i32 `[B]`; default all). Returns the loss and B (1 for a sum).
 */
export function connectionistLoss(
  label: string,
  tensors: {
    readonly logits: Tensor;
    readonly labels: Tensor;
    readonly stepCounts?: Tensor | undefined;
    readonly labelCounts?: Tensor | undefined;
  },
  options: { readonly blank: number; readonly mean: boolean; readonly zeroInfinity: boolean },
): LossAndCount {
  const { logits, labels } = tensors;
  const [T, B, C] = logits.shape as [number, number, number];
  const S = labels.shape[1]!;
  const all = (what: string, count: number) =>
    constantTensor(`${label} ${what}`, new Array<number>(B).fill(count), [B], "i32");
  const stepCounts = tensors.stepCounts ?? all("steps", T);
  const labelCounts = tensors.labelCounts ?? all("labels", S);
  const divisor = constantTensor(`${label} count`, [options.mean ? B : 1], []);
  const inputs = [logits, labels, stepCounts, labelCounts, divisor];
  const attributes = { T, B, C, S, ...options };
  const [loss, count] = apply(op, label, inputs, [{ shape: [] }, { shape: [] }], attributes);
  return { loss: loss!, count: count! };
}
