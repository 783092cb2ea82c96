import type { TwinOf } from "./kernel.ts";
import { type PointwiseKind, pointwiseKinds, type pointwiseLoss } from "./pointwise-loss.ts";

/** What one number costs against another, and the slope by the first. */
type Formula = (x: number, y: number, options: { readonly delta: number; readonly weight: number }) => [number, number];

const formulas: Readonly<Record<PointwiseKind, Formula>> = {
  square: (x, y) => [(x - y) ** 2, 2 * (x - y)],
  absolute: (x, y) => [Math.abs(x - y), Math.sign(x - y)],
  huber(x, y, { delta }) {
    const d = x - y;
    const loss = Math.abs(d) < delta ? 0.5 * d * d : delta * (Math.abs(d) - 0.5 * delta);
    return [loss, Math.max(-delta, Math.min(delta, d))];
  },
  // -weight·y·log σ(x) - (1 - y)·log(1 - σ(x))
  bceWithLogits(x, y, { weight }) {
    const softplus = (v: number) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
    const sigmoid = Math.exp(-softplus(-x));
    return [weight * y * softplus(-x) + (1 - y) * softplus(x), (1 - y) * sigmoid - weight * y * (1 - sigmoid)];
  },
};

const pointwiseLossTwin: TwinOf<typeof pointwiseLoss> = (
  { output, goal, posWeight, mask, count, rowLoss, gradient },
  { N, C, K, kind, delta, scale, hasMask, hasGradient },
) => {
  const formula = formulas[pointwiseKinds[kind]!];
  for (let n = 0; n < N; n++) {
    const used = !hasMask || mask[n] !== 0;
    let sum = 0;
    let bad = false;
    for (let i = n * C; i < (n + 1) * C; i++) {
      const [loss, slope] = formula(output[i]!, goal[i]!, { delta, weight: posWeight[i % K]! });
      sum += loss;
      bad ||= !Number.isFinite(output[i]!) || (used && !Number.isFinite(goal[i]!));
      if (hasGradient) gradient[i] = used ? (scale * slope) / (count[0] || 1) : 0;
    }
    rowLoss[n] = bad ? Number.NaN : used ? scale * sum : 0;
  }
};

/** The twin of the kernel in pointwise-loss.ts, by its name. */
export const pointwiseLossTwins = {
  "pointwise-loss": pointwiseLossTwin,
};
