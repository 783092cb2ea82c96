import type { Dispatch, Target, View } from "../plan/plan.ts";
import { windowsWgsl } from "../shaders/windows.generated.ts";
import { windowsBackwardWgsl } from "../shaders/windows-backward.generated.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, u32 } from "./kernel.ts";

const sizes = u32("T", "S", "B", "C", "K", "stride", "dilation", "padding");

/** Windows over time: what a convolution multiplies its weights with. */
export const windowsKernel = defineKernel({
  shader: windowsWgsl,
  bindings: [read("x", "f32", "[S,B,C]"), readWrite("y", "f32", "[T,B,C,K]")],
  params: sizes,
  variants: [{}],
  twin({ x, y }, { T, S, B, C, K, stride, dilation, padding }) {
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < B * C; i++) {
        for (let k = 0; k < K; k++) {
          const s = t * stride + k * dilation - padding;
          y[(t * B * C + i) * K + k] = s >= 0 && s < S ? x[s * B * C + i]! : 0;
        }
      }
    }
  },
});

/** Their gradient. */
export const windowsBackward = defineKernel({
  shader: windowsBackwardWgsl,
  bindings: [read("outputGradient", "f32", "[T,B,C,K]"), readWrite("gradient", "f32", "[S,B,C]")],
  params: [...sizes, ...u32("accumulate")],
  variants: [{}],
  twin({ outputGradient, gradient }, { T, S, B, C, K, stride, dilation, padding, accumulate }) {
    if (!accumulate) gradient.fill(0, 0, S * B * C);
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < B * C; i++) {
        for (let k = 0; k < K; k++) {
          const s = t * stride + k * dilation - padding;
          if (s >= 0 && s < S) gradient[s * B * C + i]! += outputGradient[(t * B * C + i) * K + k]!;
        }
      }
    }
  },
});

export interface WindowSizes {
  /** Windows. */
  readonly T: number;
  /** Steps that they are taken from. */
  readonly S: number;
  readonly B: number;
  readonly C: number;
  /** Steps in a window. */
  readonly K: number;
  readonly stride: number;
  readonly dilation: number;
  /** Steps of zeros before the first one. */
  readonly padding: number;
}

export const takeWindows = (target: Target, label: string, size: WindowSizes, views: { x: View; y: View }): Dispatch =>
  dispatch(windowsKernel, {
    label,
    views,
    params: size,
    grid: gridFor(size.T * size.B * size.C * size.K, 64, target.maxWorkgroups),
  });

export const windowsGradient = (
  target: Target,
  label: string,
  { accumulate, ...size }: WindowSizes & { readonly accumulate: boolean },
  views: { outputGradient: View; gradient: View },
): Dispatch =>
  dispatch(windowsBackward, {
    label,
    views,
    params: { ...size, accumulate: accumulate ? 1 : 0 },
    grid: gridFor(size.S * size.B * size.C, 64, target.maxWorkgroups),
  });
