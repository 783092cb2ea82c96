import { type AdditiveSizes, additiveGradient, scoreAdditively } from "../../kernels/additive-scores.ts";
import { sumColumns } from "../../kernels/column-sums.ts";
import { softmaxGradient, softmaxRows } from "../../kernels/masked-softmax.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { maskRange } from "./number-kinds.ts";

const scoresOp: Op<AdditiveSizes> = {
  name: "additive-scores",
  forward({ inputs: [queries, keys, v], outputs: [scores], attributes, label }, e) {
    const views = { queries: e.view(queries!), keys: e.view(keys!), v: e.view(v!), scores: e.allocate(scores!, label) };
    e.emit(scoreAdditively(e.target, label, attributes, views));
  },
  backward({ inputs: [queries, keys, v], outputs: [scores], attributes: size, label }, e) {
    const scoreGradient = e.gradient(scores!);
    if (!scoreGradient) return;
    const { T, B, A } = size;
    const given = { q: e.view(queries!), k: e.view(keys!), v: e.view(v!) };
    const unused = e.scratch("unused", 4);
    if (e.needsGradient(queries) || e.needsGradient(v)) {
      // v's gradient comes along with that by the queries.
      const vRows = e.needsGradient(v) ? e.scratch(`${label} v`, T * B * A) : undefined;
      const into = e.needsGradient(queries)
        ? e.gradientInto(queries)
        : { view: e.scratch("unused", T * B * A), accumulate: false };
      const views = { own: given.q, other: given.k, v: given.v, scoreGradient, ownGradient: into.view, vRows, unused };
      const by = { label: `${label} queries backward`, byKeys: false, accumulate: into.accumulate };
      e.emit(additiveGradient(e.target, { ...by, size, views }));
      if (vRows && e.needsGradient(v)) {
        const { view: to, accumulate } = e.gradientInto(v);
        e.emit(sumColumns(e.target, `${label} v backward`, { N: T * B, C: A, accumulate }, { a: vRows, to }));
      }
    }
    if (e.needsGradient(keys)) {
      const { view: ownGradient, accumulate } = e.gradientInto(keys);
      const views = { own: given.k, other: given.q, v: given.v, scoreGradient, ownGradient, vRows: undefined, unused };
      const by = { label: `${label} keys backward`, byKeys: true, accumulate };
      e.emit(additiveGradient(e.target, { ...by, size, views }));
    }
  },
};

/**
 * `scores [T,B,S]` of additive attention: `scores[t,b,s] = v · tanh(queries[t,b] + keys[s,b])` for `queries [T,B,A]`,
 * `keys [S,B,A]` and `v` of A numbers. The A·T·S·B numbers in between stand nowhere: backward computes them again.
 */
export function additiveScores(label: string, queries: Tensor, keys: Tensor, v: Tensor): Tensor {
  const [T, B, A] = queries.shape as [number, number, number];
  const S = keys.shape[0]!;
  return apply(scoresOp, label, [queries, keys, v], [{ shape: [T, B, S] }], { T, S, B, A })[0]!;
}

interface Softmax {
  readonly R: number;
  readonly B: number;
  readonly S: number;
  readonly scale: number;
}

const softmaxOp: Op<Softmax> = {
  name: "masked-softmax",
  takes: ({ inputs: [, mask] }) => maskRange(mask, 1),
  forward({ inputs: [scores, mask], outputs: [weights], attributes, label }, e) {
    const views = { scores: e.view(scores!), mask: mask && e.view(mask), weights: e.allocate(weights!, label) };
    e.emit(softmaxRows(e.target, label, attributes, views));
  },
  backward({ inputs: [scores], outputs: [weights], attributes, label }, e) {
    const weightGradient = e.gradient(weights!);
    if (!weightGradient || !e.needsGradient(scores)) return;
    const { view: scoreGradient, accumulate } = e.gradientInto(scores);
    const views = { weights: e.view(weights!), weightGradient, scoreGradient };
    e.emit(softmaxGradient(e.target, `${label} backward`, { ...attributes, accumulate }, views));
  },
};

/**
 * Softmax over the last axis of `scale * scores [T,B,S]`, over those s where `mask [S,B]` (i32) is not 0: the others weigh 0,
 * and so do all when there is none.
 */
export function maskedSoftmax(label: string, scores: Tensor, mask?: Tensor, scale = 1): Tensor {
  const [T, B, S] = scores.shape as [number, number, number];
  return apply(softmaxOp, label, [scores, mask], [{ shape: scores.shape }], { R: T * B, B, S, scale })[0]!;
}
