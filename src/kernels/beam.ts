import { LARGEST } from "../errors.ts";
import type { Dispatch, Target, View } from "../plan/plan.ts";
import { beamCandidatesWgsl } from "../shaders/beam-candidates.generated.ts";
import { beamStepWgsl } from "../shaders/beam-step.generated.ts";
import { chooseVariant, variantsOf } from "./choose-variant.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, spreadGrid, u32 } from "./kernel.ts";

/** Stands for minus infinity, which WGSL does not have: the log-probability of what is never taken. */
export const LOWEST = -LARGEST;

/** How hypotheses are ranked and when they are finished; see `Runtime.beamSearch`. */
export interface BeamSettings {
  readonly lengthPenalty: number;
  readonly endToken: number | undefined;
  /** A hypothesis of so many tokens is finished. */
  readonly length: number;
}

/** The settings as the kernels read them. */
export function beamSettings({ lengthPenalty, endToken = -1, length }: BeamSettings): Int32Array {
  const [bits] = new Int32Array(Float32Array.of(lengthPenalty).buffer);
  return Int32Array.of(bits!, endToken, length);
}

/** The K likeliest next tokens of each hypothesis, with their sums of log-probabilities and their scores. */
export const beamCandidates = defineKernel({
  shader: beamCandidatesWgsl,
  bindings: [
    read("logits", "f32", "[W,V]"),
    read("settings", "i32", "[3]"),
    read("totals", "f32", "[W]"),
    read("hypotheses", "i32", "[2,W]"),
    readWrite("tokens", "i32", "[W,K]"),
    readWrite("sums", "f32", "[W,K]"),
    readWrite("scores", "f32", "[W,K]"),
  ],
  params: u32("W", "V", "K"),
  variants: variantsOf("beam-candidates"),
  twin({ logits, settings, totals, hypotheses, tokens, sums, scores }, { W, V, K }) {
    const [lengthPenalty] = new Float32Array(settings.slice(0, 1).buffer);
    const put = (at: number, token: number, sum: number, length: number) => {
      tokens[at] = token;
      sums[at] = sum;
      scores[at] = sum <= LOWEST ? LOWEST : Math.max(LOWEST, sum * length ** -lengthPenalty!);
    };
    for (let w = 0; w < W; w++) {
      const [total, length] = [totals[w]!, hypotheses[w]!];
      if (hypotheses[W + w] !== 0) {
        for (let k = 0; k < K; k++) put(w * K + k, 0, k === 0 ? total : LOWEST, length);
        continue;
      }
      const row = logits
        .slice(w * V, (w + 1) * V)
        .map((x) => (Number.isNaN(x) ? LOWEST : Math.max(LOWEST, Math.min(x, LARGEST))));
      const best = likeliest(row, K);
      const peak = row[best[0]!]!;
      const logSum = Math.log(row.reduce((sum, x) => sum + Math.exp(x - peak), 0));
      best.forEach((token, k) => {
        const x = row[token]!;
        const isOut = x <= LOWEST || total <= LOWEST;
        put(w * K + k, token, isOut ? LOWEST : Math.max(LOWEST, total + (x - peak - logSum)), length + 1);
      });
    }
  },
});

/** Indices of the K largest numbers, the largest first, of equal ones the first. */
function likeliest(row: Float64Array, K: number): number[] {
  const found: number[] = [];
  for (let v = 0; v < row.length; v++) {
    if (found.length === K && row[v]! <= row[found[K - 1]!]!) continue;
    let at = found.length;
    while (at > 0 && row[v]! > row[found[at - 1]!]!) at--;
    found.splice(at, 0, v);
    if (found.length > K) found.pop();
  }
  return found;
}

/** The best W candidates of all hypotheses become the hypotheses. */
export const beamStep = defineKernel({
  shader: beamStepWgsl,
  bindings: [
    read("tokens", "i32", "[W,K]"),
    read("sums", "f32", "[W,K]"),
    read("scores", "f32", "[W,K]"),
    read("settings", "i32", "[3]"),
    read("hypotheses", "i32", "[2,W]"),
    readWrite("chosen", "i32", "[2,W]"),
    readWrite("nextTotals", "f32", "[W]"),
    readWrite("nextHypotheses", "i32", "[2,W]"),
  ],
  params: u32("W", "K"),
  variants: [{}],
  twin({ tokens, sums, scores, settings, hypotheses, chosen, nextTotals, nextHypotheses }, { W, K }) {
    const [, endToken, length] = settings as unknown as [number, number, number];
    const order = Array.from({ length: W * K }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
    order.slice(0, W).forEach((i, place) => {
      const parent = Math.floor(i / K);
      const wasFinished = hypotheses[W + parent] !== 0;
      const tokensNow = hypotheses[parent]! + (wasFinished ? 0 : 1);
      chosen[place] = tokens[i]!;
      chosen[W + place] = parent;
      nextTotals[place] = sums[i]!;
      nextHypotheses[place] = tokensNow;
      nextHypotheses[W + place] = wasFinished || tokens[i] === endToken || tokensNow >= length ? 1 : 0;
    });
  },
});

export const findCandidates = (
  target: Target,
  label: string,
  sizes: { readonly W: number; readonly V: number; readonly K: number },
  views: { logits: View; settings: View; totals: View; hypotheses: View; tokens: View; sums: View; scores: View },
): Dispatch =>
  dispatch(beamCandidates, {
    label,
    views,
    params: sizes,
    constants: chooseVariant(target, "beam-candidates", { rows: sizes.W, length: sizes.V }),
    grid: spreadGrid(sizes.W, target.maxWorkgroups),
  });

export const takeBest = (
  target: Target,
  label: string,
  sizes: { readonly W: number; readonly K: number },
  views: {
    tokens: View;
    sums: View;
    scores: View;
    settings: View;
    hypotheses: View;
    chosen: View;
    nextTotals: View;
    nextHypotheses: View;
  },
): Dispatch =>
  dispatch(beamStep, {
    label,
    views,
    params: sizes,
    grid: gridFor(sizes.W * sizes.K, 64, target.maxWorkgroups),
  });
