import { findCandidates, takeBest } from "../../kernels/beam.ts";
import { type Op, part } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Attributes {
  /** Hypotheses. */
  readonly W: number;
  /** Vocabulary. */
  readonly V: number;
  /** Candidates of each hypothesis. */
  readonly K: number;
  /** Which row of the history is written. */
  readonly step: number;
}

/** The hypotheses of a beam search, apart from the model's states. */
export interface Beam {
  /** Sums of log-probabilities, `[W]`. */
  readonly totals: Tensor;
  /** i32 `[2,W]`: lengths, then 1 where finished. */
  readonly hypotheses: Tensor;
}

const op: Op<Attributes> = {
  name: "beam-step",
  forward({ inputs, outputs, attributes, label }, e) {
    const { W, K, step } = attributes;
    const [logits, settings, totals, hypotheses, history] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [tokens, parents, nextTotals, nextHypotheses] = outputs as [Tensor, Tensor, Tensor, Tensor];
    const chosen = part(e.view(history), step * 2 * W, 2 * W);
    const [row, candidates] = [
      { settings: e.view(settings), hypotheses: e.view(hypotheses) },
      {
        tokens: e.scratch("candidates' tokens", W * K, "i32"),
        sums: e.scratch("candidates' sums", W * K),
        scores: e.scratch("candidates' scores", W * K),
      },
    ];
    e.emit(
      findCandidates(e.target, label, attributes, {
        ...row,
        ...candidates,
        logits: e.view(logits),
        totals: e.view(totals),
      }),
      takeBest(e.target, label, attributes, {
        ...row,
        ...candidates,
        chosen,
        nextTotals: e.allocate(nextTotals, label),
        nextHypotheses: e.allocate(nextHypotheses, label),
      }),
    );
    e.define(tokens, part(chosen, 0, W));
    e.define(parents, part(chosen, W, W));
  },
};

/**
 * One step of a beam search: every hypothesis goes on with its likeliest tokens, and the best W of all stay. See kernels/beam.ts.
 * @param logits `[1,W,V]`
 * @param settings i32 `[3]`
 * @param history i32 `[steps,2,W]`: tokens and parents of the step are written into its row, for the host
 * @returns tokens i32 `[1,W]`, the hypotheses that they follow i32 `[W]`, and the beam after it
 */
export function beamStep(
  label: string,
  { logits, settings, history, step }: { logits: Tensor; settings: Tensor; history: Tensor; step: number },
  { totals, hypotheses }: Beam,
): { readonly tokens: Tensor; readonly parents: Tensor; readonly beam: Beam } {
  const [, W, V] = logits.shape as [number, number, number];
  const [tokens, parents, nextTotals, nextHypotheses] = apply(
    op,
    label,
    [logits, settings, totals, hypotheses, history],
    [{ shape: [1, W], dtype: "i32" }, { shape: [W], dtype: "i32" }, { shape: [W] }, { shape: [2, W], dtype: "i32" }],
    { W, V, K: Math.min(W, V), step },
  );
  return { tokens: tokens!, parents: parents!, beam: { totals: nextTotals!, hypotheses: nextHypotheses! } };
}
