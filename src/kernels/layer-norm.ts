import type { Dispatch, Target, View } from "../plan/plan.ts";
import { layerNormWgsl } from "../shaders/layer-norm.generated.ts";
import { layerNormBackwardWgsl } from "../shaders/layer-norm-backward.generated.ts";
import { chooseVariant, variantsOf } from "./choose-variant.ts";
import { defineKernel, dispatch, f32, gridFor, read, readWrite, u32 } from "./kernel.ts";

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

/** Rows of mean 0 and variance 1, scaled and shifted. */
export const layerNormKernel = defineKernel({
  shader: layerNormWgsl,
  bindings: [
    read("x", "f32", "[N,C]"),
    read("weight", "f32", "[C]"),
    read("bias", "f32", "[C]"),
    readWrite("y", "f32", "[N,C]"),
    readWrite("stats", "f32", "[N,2]"),
  ],
  params: [...u32("N", "C", "hasWeight", "hasBias"), ...f32("eps")],
  variants: variantsOf("layer-norm"),
  twin({ x, weight, bias, y, stats }, { N, C, hasWeight, hasBias, eps }) {
    for (let n = 0; n < N; n++) {
      const row = Array.from(x.subarray(n * C, (n + 1) * C));
      const middle = mean(row);
      const inverse = 1 / Math.sqrt(mean(row.map((value) => (value - middle) ** 2)) + eps);
      stats[2 * n] = middle;
      stats[2 * n + 1] = inverse;
      row.forEach((value, c) => {
        y[n * C + c] = (value - middle) * inverse * (hasWeight ? weight[c]! : 1) + (hasBias ? bias[c]! : 0);
      });
    }
  },
});

/** Its gradient by x; those by weight and bias are column sums. */
export const layerNormBackward = defineKernel({
  shader: layerNormBackwardWgsl,
  bindings: [
    read("x", "f32", "[N,C]"),
    read("weight", "f32", "[C]"),
    read("stats", "f32", "[N,2]"),
    read("outputGradient", "f32", "[N,C]"),
    readWrite("gradient", "f32", "[N,C]"),
  ],
  params: u32("N", "C", "hasWeight", "accumulate"),
  variants: variantsOf("layer-norm"),
  twin({ x, weight, stats, outputGradient, gradient }, { N, C, hasWeight, accumulate }) {
    for (let n = 0; n < N; n++) {
      const [middle, inverse] = [stats[2 * n]!, stats[2 * n + 1]!];
      const z = Array.from(x.subarray(n * C, (n + 1) * C), (value) => (value - middle) * inverse);
      const g = z.map((_, c) => outputGradient[n * C + c]! * (hasWeight ? weight[c]! : 1));
      const [meanG, meanGz] = [mean(g), mean(g.map((value, c) => value * z[c]!))];
      g.forEach((value, c) => {
        const at = n * C + c;
        gradient[at] = inverse * (value - meanG - z[c]! * meanGz) + (accumulate ? gradient[at]! : 0);
      });
    }
  },
});

interface Sizes {
  /** Rows. */
  readonly N: number;
  /** Columns. */
  readonly C: number;
}

const variantFor = (target: Target, rows: number, length: number) =>
  chooseVariant(target, "layer-norm", { rows, length });

/** `stats [N,2]` gets the mean and 1 / standard deviation of each row. */
export function normalizeRows(
  target: Target,
  label: string,
  { N, C, eps }: Sizes & { readonly eps: number },
  { weight, bias, ...views }: { x: View; weight: View | undefined; bias: View | undefined; y: View; stats: View },
): Dispatch {
  const constants = variantFor(target, N, C);
  return dispatch(layerNormKernel, {
    label,
    views: { ...views, weight: weight ?? views.x, bias: bias ?? views.x },
    params: { N, C, hasWeight: weight ? 1 : 0, hasBias: bias ? 1 : 0, eps },
    constants,
    grid: gridFor(N, constants.ROWS, target.maxWorkgroups),
  });
}

export function normalizeGradient(
  target: Target,
  label: string,
  { N, C, accumulate }: Sizes & { readonly accumulate: boolean },
  { weight, ...views }: { x: View; weight: View | undefined; stats: View; outputGradient: View; gradient: View },
): Dispatch {
  const constants = variantFor(target, N, C);
  return dispatch(layerNormBackward, {
    label,
    views: { ...views, weight: weight ?? views.x },
    params: { N, C, hasWeight: weight ? 1 : 0, accumulate: accumulate ? 1 : 0 },
    constants,
    grid: gridFor(N, constants.ROWS, target.maxWorkgroups),
  });
}
