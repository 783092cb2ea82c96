import type { Dispatch, Target, View } from "../plan/plan.ts";
import { dropoutWgsl } from "../shaders/dropout.generated.ts";
import { defineKernel, dispatch, f32, gridFor, read, readWrite, u32 } from "./kernel.ts";

/** Zeroes numbers at random and scales the others up. */
export const dropoutKernel = defineKernel({
  shader: dropoutWgsl,
  bindings: [read("x", "f32", "[N]"), read("seed", "i32", "[1]"), readWrite("y", "f32", "[N]")],
  params: [...u32("N", "period", "stream", "accumulate"), ...f32("p", "scale")],
  variants: [{}],
});

/** The command for it; the gradient is the same command on gradients. */
export const dropNumbers = (
  target: Target,
  label: string,
  call: {
    readonly N: number;
    /** The mask is repeated after this many numbers; default N. */
    readonly period?: number;
    /** 32 bits that tell this use from others with the same seed. */
    readonly stream: number;
    /** Probability of a zero. */
    readonly p: number;
    /** Add to what is there; default false. */
    readonly accumulate?: boolean;
  },
  views: { x: View; seed: View; y: View },
): Dispatch => {
  const { N, period = N, stream, p, accumulate } = call;
  return dispatch(dropoutKernel, {
    label,
    views,
    // p as f32 holds it: both sides have to draw the line at the same number.
    params: { N, period, stream, accumulate: accumulate ? 1 : 0, p: Math.fround(p), scale: p < 1 ? 1 / (1 - p) : 0 },
    grid: gridFor(N, 64, target.maxWorkgroups),
  });
};
