import type { Dispatch, Target, View } from "../plan/plan.ts";
import { maskedSoftmaxWgsl } from "../shaders/masked-softmax.generated.ts";
import { maskedSoftmaxBackwardWgsl } from "../shaders/masked-softmax-backward.generated.ts";
import { chooseVariant, variantsOf } from "./choose-variant.ts";
import { defineKernel, dispatch, f32, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** Softmax over the real columns of each row; rows without any are 0. */
export const maskedSoftmax = defineKernel({
  shader: maskedSoftmaxWgsl,
  bindings: [read("scores", "f32", "[R,S]"), read("mask", "i32", "[S,B]"), readWrite("weights", "f32", "[R,S]")],
  params: [...u32("R", "B", "S", "hasMask"), ...f32("scale")],
  variants: variantsOf("masked-softmax"),
});

/** Its gradient, from the weights that it made. */
export const maskedSoftmaxBackward = defineKernel({
  shader: maskedSoftmaxBackwardWgsl,
  bindings: [
    read("weights", "f32", "[R,S]"),
    read("weightGradient", "f32", "[R,S]"),
    readWrite("scoreGradient", "f32", "[R,S]"),
  ],
  params: [...u32("R", "S", "accumulate"), ...f32("scale")],
  variants: variantsOf("masked-softmax"),
});

interface Sizes {
  /** Rows, those of sequence b at b, B + b, … */
  readonly R: number;
  readonly B: number;
  /** Columns. */
  readonly S: number;
  readonly scale: number;
}

const variantFor = (target: Target, rows: number, length: number) =>
  chooseVariant(target, "masked-softmax", { rows, length });

export function softmaxRows(
  target: Target,
  label: string,
  { R, B, S, scale }: Sizes,
  { mask, ...views }: { scores: View; mask: View | undefined; weights: View },
): Dispatch {
  const constants = variantFor(target, R, S);
  return dispatch(maskedSoftmax, {
    label,
    views: { ...views, mask: mask ?? views.scores },
    params: { R, B, S, hasMask: mask ? 1 : 0, scale },
    constants,
    grid: gridFor(R, constants.ROWS, target.maxWorkgroups),
  });
}

export function softmaxGradient(
  target: Target,
  label: string,
  { R, S, scale, accumulate }: Omit<Sizes, "B"> & { readonly accumulate: boolean },
  views: { weights: View; weightGradient: View; scoreGradient: View },
): Dispatch {
  const constants = variantFor(target, R, S);
  return dispatch(maskedSoftmaxBackward, {
    label,
    views,
    params: { R, S, accumulate: accumulate ? 1 : 0, scale },
    constants,
    grid: gridFor(R, constants.ROWS, target.maxWorkgroups),
  });
}
