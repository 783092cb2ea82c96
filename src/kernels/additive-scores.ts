import type { Dispatch, Target, View } from "../plan/plan.ts";
import { additiveScoresWgsl } from "../shaders/additive-scores.generated.ts";
import { additiveScoresBackwardWgsl } from "../shaders/additive-scores-backward.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** The scores of additive attention. See shaders/additive-scores.wgsl. */
export const additiveScores = defineKernel({
  shader: additiveScoresWgsl,
  bindings: [
    read("queries", "f32", "[T,B,A]"),
    read("keys", "f32", "[S,B,A]"),
    read("v", "f32", "[A]"),
    readWrite("scores", "f32", "[T,B,S]"),
  ],
  params: u32("T", "S", "B", "A"),
  variants: [{}],
  twin({ queries, keys, v, scores }, { T, S, B, A }) {
    for (let t = 0; t < T; t++) {
      for (let b = 0; b < B; b++) {
        for (let s = 0; s < S; s++) {
          let sum = 0;
          for (let a = 0; a < A; a++) {
            sum += v[a]! * Math.tanh(queries[(t * B + b) * A + a]! + keys[(s * B + b) * A + a]!);
          }
          scores[(t * B + b) * S + s] = sum;
        }
      }
    }
  },
});

/** Their gradient by the queries or by the keys and, with BY_V, rows whose sums are that by v. */
export const additiveScoresBackward = defineKernel({
  shader: additiveScoresBackwardWgsl,
  bindings: [
    read("own", "f32", "[M,B,A]"),
    read("other", "f32", "[N,B,A]"),
    read("v", "f32", "[A]"),
    read("scoreGradient", "f32", "[M,B,N] by strides"),
    readWrite("ownGradient", "f32", "[M,B,A]"),
    readWrite("vRows", "f32", "[M,B,A]"),
  ],
  params: u32("M", "N", "B", "A", "scoreM", "scoreN", "scoreB", "accumulate"),
  variants: [{ BY_V: false }, { BY_V: true }],
  twin({ own, other, v, scoreGradient, ownGradient, vRows }, p, { constants }) {
    const { M, N, B, A } = p;
    for (let m = 0; m < M; m++) {
      for (let b = 0; b < B; b++) {
        for (let a = 0; a < A; a++) {
          const at = (m * B + b) * A + a;
          let sum = 0;
          let vSum = 0;
          for (let n = 0; n < N; n++) {
            const y = Math.tanh(own[at]! + other[(n * B + b) * A + a]!);
            const gradient = scoreGradient[m * p.scoreM + n * p.scoreN + b * p.scoreB]!;
            sum += gradient * v[a]! * (1 - y * y);
            vSum += gradient * y;
          }
          ownGradient[at] = sum + (p.accumulate ? ownGradient[at]! : 0);
          if (constants.BY_V) vRows[at] = vSum;
        }
      }
    }
  },
});

/** Queries T and keys S of each of B sequences, units A. */
export interface AdditiveSizes {
  readonly T: number;
  readonly S: number;
  readonly B: number;
  readonly A: number;
}

export const scoreAdditively = (
  target: Target,
  label: string,
  size: AdditiveSizes,
  views: { queries: View; keys: View; v: View; scores: View },
): Dispatch =>
  dispatch(additiveScores, {
    label,
    views,
    params: { ...size },
    grid: gridFor(size.T * size.B * size.S, 64, target.maxWorkgroups),
  });

/** The gradient by the queries, or `byKeys`; `vRows [T*B,A]` is written where it is given. */
export function additiveGradient(
  target: Target,
  call: {
    readonly label: string;
    readonly size: AdditiveSizes;
    readonly byKeys: boolean;
    readonly accumulate: boolean;
    readonly views: {
      own: View;
      other: View;
      v: View;
      scoreGradient: View;
      ownGradient: View;
      vRows: View | undefined;
      /** Bound where there are no vRows: a kernel may not bind one buffer twice to write it. */
      unused: View;
    };
  },
): Dispatch {
  const { label, size, byKeys, accumulate } = call;
  const { T, S, B, A } = size;
  const { unused, vRows, ...views } = call.views;
  const [M, N] = byKeys ? [S, T] : [T, S];
  return dispatch(additiveScoresBackward, {
    label,
    views: { ...views, vRows: vRows ?? unused },
    params: {
      M,
      N,
      B,
      A,
      accumulate: accumulate ? 1 : 0,
      scoreB: S,
      ...(byKeys ? { scoreM: 1, scoreN: B * S } : { scoreM: B * S, scoreN: 1 }),
    },
    constants: { BY_V: vRows !== undefined },
    grid: gridFor(M * B * A, 64, target.maxWorkgroups),
  });
}
