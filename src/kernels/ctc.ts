import type { Dispatch, Target, View } from "../plan/plan.ts";
import { ctcWgsl } from "../shaders/ctc.generated.ts";
import { ctcGradientWgsl } from "../shaders/ctc-gradient.generated.ts";
import { logSumExpWgsl } from "../shaders/log-sum-exp.generated.ts";
import { chooseVariant, variantsOf } from "./choose-variant.ts";
import { defineKernel, dispatch, f32, gridFor, NAN_BITS, read, readWrite, u32 } from "./kernel.ts";

/** log(sum of exp) of every row. */
export const logSumExp = defineKernel({
  shader: logSumExpWgsl,
  bindings: [read("logits", "f32", "[N,V]"), readWrite("logSum", "f32", "[N]")],
  params: u32("N", "V", "nan"),
  variants: variantsOf("log-sum-exp"),
  twin({ logits, logSum }, { N, V }) {
    for (let n = 0; n < N; n++) {
      const row = logits.subarray(n * V, (n + 1) * V);
      const largest = row.reduce((most, x) => Math.max(most, x), -Infinity);
      const total = row.reduce((sum, x) => sum + Math.exp(x - largest), 0);
      logSum[n] = row.every(Number.isFinite) ? Math.log(total) + largest : Number.NaN;
    }
  },
});

/** Stands for log 0, as in the shader. */
const NEVER = -1e30;
const never = (x: number) => x <= NEVER / 10;

function logAdd(terms: readonly number[]): number {
  const most = Math.max(...terms);
  return never(most) ? NEVER : most + Math.log(terms.reduce((sum, x) => sum + Math.exp(x - most), 0));
}

/** The class at each position of a sequence: its labels, with blanks between and around them. */
const classesOf = (labels: Int32Array, count: number, blank: number): number[] =>
  Array.from({ length: 2 * count + 1 }, (_, s) => (s % 2 ? labels[(s - 1) / 2]! : blank));

/** Graves et al. 2006: the loss of every sequence, and how much of its paths goes through each position at each step. */
export const ctcPaths = defineKernel({
  shader: ctcWgsl,
  bindings: [
    read("logits", "f32", "[T,B,C]"),
    read("logSum", "f32", "[T,B]"),
    read("labels", "i32", "[B,S]"),
    read("stepCounts", "i32", "[B]"),
    read("labelCounts", "i32", "[B]"),
    readWrite("paths", "f32", "[T,B,L]"),
    readWrite("beta", "f32", "[2,B,L]"),
    readWrite("rowLoss", "f32", "[B]"),
  ],
  params: u32("T", "B", "C", "S", "blank", "byLength", "zeroInfinity", "nan", "infinity"),
  variants: [{}],
  twin({ logits, logSum, labels, stepCounts, labelCounts, paths, beta, rowLoss }, params) {
    const { T, B, C, S, blank, byLength, zeroInfinity } = params;
    const L = 2 * S + 1;
    for (let b = 0; b < B; b++) {
      const steps = stepCounts[b]!;
      const count = labelCounts[b]!;
      const classes = classesOf(labels.subarray(b * S), count, blank);
      const logP = (t: number, s: number) => logits[(t * B + b) * C + classes[s]!]! - logSum[t * B + b]!;
      /** Whether a path may pass over the blank before position s. */
      const skips = (s: number) => s >= 2 && s % 2 === 1 && classes[s] !== classes[s - 2];

      const alpha: number[][] = [];
      for (let t = 0; t < steps; t++) {
        const before = alpha.at(-1);
        alpha.push(
          classes.map((_, s) => {
            if (!before) return s < 2 ? logP(t, s) : NEVER;
            const sum = logAdd([before[s]!, before[s - 1] ?? NEVER, skips(s) ? before[s - 2]! : NEVER]);
            return never(sum) ? NEVER : sum + logP(t, s);
          }),
        );
      }
      const total = steps > 0 ? logAdd(alpha.at(-1)!.slice(-2)) : count === 0 ? 0 : NEVER;
      const loss = never(total) ? (zeroInfinity ? 0 : Infinity) : -total / (byLength ? Math.max(count, 1) : 1);
      const bad = Array.from({ length: steps }, (_, t) => logSum[t * B + b]!).some((x) => !Number.isFinite(x));
      rowLoss[b] = bad ? Number.NaN : loss;

      let after: number[] | undefined;
      for (let t = T - 1; t >= 0; t--) {
        const at = (t * B + b) * L;
        paths.fill(0, at, at + L);
        if (t >= steps) continue;
        const next = after; // the step after this one
        const now = classes.map((_, s) => {
          if (!next) return s >= classes.length - 2 ? 0 : NEVER;
          const from = [s, s + 1, s + 2].filter((to) => to < classes.length && (to < s + 2 || skips(to)));
          return logAdd(from.map((to) => next[to]! + logP(t + 1, to)));
        });
        const most = next && Math.max(...next);
        beta.set(
          now.map((x) => x - (most === undefined || never(most) ? 0 : most)),
          ((t % 2) * B + b) * L,
        );
        const both = now.map((x, s) => x + alpha[t]![s]!);
        const largest = Math.max(...both);
        if (!never(total))
          paths.set(
            both.map((x) => Math.exp(x - largest)),
            at,
          );
        after = now;
      }
    }
  },
});

/** Gradient by the logits: softmax less the part of all paths that goes through each class. */
export const ctcGradient = defineKernel({
  shader: ctcGradientWgsl,
  bindings: [
    read("logits", "f32", "[T,B,C]"),
    read("logSum", "f32", "[T,B]"),
    read("labels", "i32", "[B,S]"),
    read("labelCounts", "i32", "[B]"),
    read("paths", "f32", "[T,B,L]"),
    readWrite("gradient", "f32", "[T,B,C]"),
  ],
  params: [...u32("N", "B", "C", "S", "blank", "byLength"), ...f32("scale")],
  variants: [{}],
  twin({ logits, logSum, labels, labelCounts, paths, gradient }, { N, B, C, S, blank, byLength, scale }) {
    for (let n = 0; n < N; n++) {
      const b = n % B;
      const count = labelCounts[b]!;
      const classes = classesOf(labels.subarray(b * S), count, blank);
      const shares = classes.map((_, s) => paths[n * (2 * S + 1) + s]!);
      const total = shares.reduce((sum, x) => sum + x, 0);
      const factor = total > 0 ? scale / (byLength ? Math.max(count, 1) : 1) : 0;
      for (let c = 0; c < C; c++) gradient[n * C + c] = factor && factor * Math.exp(logits[n * C + c]! - logSum[n]!);
      classes.forEach((c, s) => {
        if (factor) gradient[n * C + c]! -= (factor * shares[s]!) / total;
      });
    }
  },
});

interface Sizes {
  readonly T: number;
  readonly B: number;
  readonly C: number;
  readonly S: number;
  readonly blank: number;
}

interface Sequences {
  readonly logits: View;
  readonly logSum: View;
  readonly labels: View;
  readonly labelCounts: View;
  /** `[T,B,2S+1]`. */
  readonly paths: View;
}

/** log(sum of exp) of N rows of V numbers. */
export function logSums(
  target: Target,
  label: string,
  { N, V }: { readonly N: number; readonly V: number },
  views: { logits: View; logSum: View },
): Dispatch {
  const constants = chooseVariant(target, "log-sum-exp", { rows: N, length: V });
  const grid = gridFor(N, constants.ROWS, target.maxWorkgroups);
  return dispatch(logSumExp, { label, views, params: { N, V, nan: NAN_BITS }, constants, grid });
}

/** The losses of B sequences, and their paths. `beta` is scratch memory `[2,B,2S+1]`. */
export const pathsOf = (
  target: Target,
  label: string,
  { byLength, zeroInfinity, ...sizes }: Sizes & { readonly byLength: boolean; readonly zeroInfinity: boolean },
  views: Sequences & { stepCounts: View; beta: View; rowLoss: View },
): Dispatch =>
  dispatch(ctcPaths, {
    label,
    views,
    params: {
      ...sizes,
      byLength: Number(byLength),
      zeroInfinity: Number(zeroInfinity),
      nan: NAN_BITS,
      infinity: 0x7f800000,
    },
    grid: gridFor(sizes.B, 1, target.maxWorkgroups),
  });

/** Gradient of scale times the sum of the losses (each by its length, with byLength). */
export const gradientOfPaths = (
  target: Target,
  label: string,
  { T, byLength, ...sizes }: Sizes & { readonly byLength: boolean; readonly scale: number },
  views: Sequences & { gradient: View },
): Dispatch =>
  dispatch(ctcGradient, {
    label,
    views,
    params: { ...sizes, N: T * sizes.B, byLength: Number(byLength) },
    grid: gridFor(T * sizes.B, 1, target.maxWorkgroups),
  });
