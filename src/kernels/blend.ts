import type { Dispatch, Target, View } from "../plan/plan.ts";
import { blendWgsl } from "../shaders/blend.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** Running sums and averages of numbers that are laid out as the parameters are. */
export const blendKernel = defineKernel({
  shader: blendWgsl,
  bindings: [
    read("x", "f32", "[P]"),
    read("keep", "f32", "[1]"),
    read("by", "f32", "[1]"),
    readWrite("y", "f32", "[P]"),
  ],
  params: u32("P", "divide"),
  variants: [{}],
  twin({ x, keep, by, y }, { P, divide }) {
    const [kept, factor] = [keep[0]!, by[0]!];
    for (let i = 0; i < P; i++) {
      const value = divide ? (factor === 0 ? 0 : x[i]! / factor) : factor * x[i]!;
      y[i] = kept === 0 ? value : value + kept * y[i]!;
    }
  },
});

/** `y = keep · y + by · x`, or `x / by` in place of the product, which is 0 for 0; what y holds is not read where keep is 0. */
export const blend = (
  target: Target,
  label: string,
  { P, divide = false }: { readonly P: number; readonly divide?: boolean },
  views: { readonly x: View; readonly keep: View; readonly by: View; readonly y: View },
): Dispatch =>
  dispatch(blendKernel, {
    label,
    views,
    params: { P, divide: divide ? 1 : 0 },
    grid: gridFor(P, 64, target.maxWorkgroups),
  });
