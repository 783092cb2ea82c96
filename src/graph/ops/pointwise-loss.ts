import { countTargets, meanOfRows } from "../../kernels/loss-mean.ts";
import { lossOfRows, type PointwiseKind } from "../../kernels/pointwise-loss.ts";
import type { View } from "../../plan/plan.ts";
import type { Op } from "../op.ts";
import { apply, constantTensor, type Tensor } from "../tensor.ts";
import { type LossAndCount, passGradient, refuseGradient } from "./loss-gradient.ts";
import { maskRange } from "./number-kinds.ts";

export interface PointwiseOptions {
  readonly kind: PointwiseKind;
  /** Of Huber's loss. */
  readonly delta: number;
  /** Factor on the loss of each number. */
  readonly scale: number;
  /** Of binary cross-entropy: one number, or one for each entry of the last axis. */
  readonly posWeight: readonly number[];
  readonly mean: boolean;
}

interface Attributes extends Omit<PointwiseOptions, "posWeight"> {
  /** Rows: what one entry of the mask stands for. */
  readonly N: number;
  /** Numbers in a row. */
  readonly C: number;
}

const LONG_ROW = 64;

// Without a mask, and for a sum, the divisor is known beforehand: `given`.
const op: Op<Attributes, View | undefined> = {
  name: "pointwise-loss",
  startsGradient: true,
  takes: ({ inputs: [, , , mask] }) => maskRange(mask, 3),
  forward({ inputs: [output, target, posWeight, mask, given], outputs: [loss, count], attributes, label }, e) {
    const { N, C, kind, delta, mean } = attributes;
    refuseGradient(e, label, target!);
    const views = { output: e.view(output!), goal: e.view(target!), posWeight: e.view(posWeight!) };
    const gradient = e.needsGradient(output) ? e.scratch(`${label} gradient`, N * C) : undefined;
    const maskView = mask && e.view(mask);
    const unused = { f32: gradient ?? e.scratch("unused", 4), i32: maskView ?? e.scratch("unused", 4, "i32") };
    let counted: View;
    if (given) {
      counted = e.view(given);
      e.define(count!, counted);
    } else {
      counted = e.allocate(count!, `${label} count`);
      const counting = { targets: maskView!, weight: undefined, mask: undefined, count: counted, unused: views.goal };
      e.emit(countTargets(`${label} count`, { N, ignoreIndex: 0 }, counting));
    }
    const rowLoss = e.scratch(`${label} rows`, N);
    const sizes = { N, C, K: posWeight!.size, kind, delta, scale: mean ? attributes.scale / C : attributes.scale };
    const meanLoss = e.allocate(loss!, label);
    e.emit(
      lossOfRows(e.target, label, sizes, { ...views, mask: maskView, count: counted, rowLoss, gradient, unused }),
      meanOfRows(label, N, { rowLoss, count: counted, loss: meanLoss }),
    );
    return gradient;
  },
  backward({ inputs: [output], outputs: [loss], label }, e, gradient) {
    passGradient(e, label, { loss: loss!, input: output!, gradient });
  },
};

/**
 * A loss of `output` against `target`, number by number, both of one shape (f32). A mask (i32) has that shape, or the shape
 * without its last axis. Returns the loss and how many entries of the mask it is a mean over (1 for a sum).
 */
export function pointwise(
  label: string,
  { output, target, mask }: { readonly output: Tensor; readonly target: Tensor; readonly mask?: Tensor | undefined },
  { posWeight, ...options }: PointwiseOptions,
): LossAndCount {
  // A row is one invocation's work, so where the mask leaves the choice long rows are cut up.
  const last = output.shape.length > 1 ? output.shape.at(-1)! : 1;
  const rows = mask ? mask.size : output.size / (last <= LONG_ROW ? last : 1);
  const divisor = options.mean ? (mask ? undefined : constantTensor(`${label} count`, [rows], [])) : one(label);
  const weights = constantTensor(`${label} weights`, posWeight);
  const inputs = [output, target, weights, mask, divisor];
  const attributes = { ...options, N: rows, C: output.size / rows };
  const [loss, count] = apply(op, label, inputs, [{ shape: [] }, { shape: [] }], attributes);
  return { loss: loss!, count: count! };
}

/** The divisor of a sum. */
export const one = (label: string): Tensor => constantTensor(`${label} divisor`, [1], []);
