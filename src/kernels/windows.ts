import type { Dispatch, Target, View } from "../plan/plan.ts";
import { windowsWgsl } from "../shaders/windows.generated.ts";
import { windowsBackwardWgsl } from "../shaders/windows-backward.generated.ts";
import { defineKernel, dispatch, f32, gridFor, type Numbers, read, readWrite, u32 } from "./kernel.ts";

const sizes = u32(
  "N",
  "C",
  "S1",
  "S2",
  "K1",
  "K2",
  "P1",
  "P2",
  "stride1",
  "stride2",
  "dilation1",
  "dilation2",
  "padding1",
  "padding2",
  "turned",
);

/** For each number that the windows show: where it stands in them, and where in x; -1 where there is none. */
function eachPlace(size: Numbers<typeof sizes>, visit: (window: number, place: number) => void): void {
  const { N, C, S1, S2, K1, K2, P1, P2 } = size;
  const [rows, columns] = [C * K1 * K2, N * P1 * P2];
  for (let row = 0; row < rows; row++) {
    const [c, k1, k2] = [Math.floor(row / (K1 * K2)), Math.floor(row / K2) % K1, row % K2];
    for (let column = 0; column < columns; column++) {
      const [n, p1, p2] = [Math.floor(column / (P1 * P2)), Math.floor(column / P2) % P1, column % P2];
      const s1 = p1 * size.stride1 + k1 * size.dilation1 - size.padding1;
      const s2 = p2 * size.stride2 + k2 * size.dilation2 - size.padding2;
      const isThere = s1 >= 0 && s1 < S1 && s2 >= 0 && s2 < S2;
      visit(
        size.turned ? column * rows + row : row * columns + column,
        isThere ? ((n * C + c) * S1 + s1) * S2 + s2 : -1,
      );
    }
  }
}

/** Windows along two axes: what a convolution multiplies its weights with. */
export const windowsKernel = defineKernel({
  shader: windowsWgsl,
  bindings: [read("x", "f32", "[N,C,S1,S2]"), readWrite("y", "f32", "[C,K1,K2,N,P1,P2]")],
  params: [...sizes, ...f32("fill")],
  variants: [{}],
  twin({ x, y }, size) {
    eachPlace(size, (window, place) => {
      y[window] = place < 0 ? size.fill : x[place]!;
    });
  },
});

/** Their gradient. */
export const windowsBackward = defineKernel({
  shader: windowsBackwardWgsl,
  bindings: [read("outputGradient", "f32", "[C,K1,K2,N,P1,P2]"), readWrite("gradient", "f32", "[N,C,S1,S2]")],
  params: [...sizes, ...u32("accumulate")],
  variants: [{}],
  twin({ outputGradient, gradient }, size) {
    if (!size.accumulate) gradient.fill(0, 0, size.N * size.C * size.S1 * size.S2);
    eachPlace(size, (window, place) => {
      if (place >= 0) gradient[place]! += outputGradient[window]!;
    });
  },
});

/** Numbers for the first and the second axis. */
export type Pair = readonly [number, number];

export interface WindowSizes {
  /** Images. */
  readonly N: number;
  /** Channels. */
  readonly C: number;
  /** Numbers of x along either axis. */
  readonly S: Pair;
  /** Numbers of a window. */
  readonly K: Pair;
  /** Windows. */
  readonly P: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** How much there is before the first number. */
  readonly padding: Pair;
  /** The windows are `[N,P,C,K]` instead of `[C,K,N,P]`. */
  readonly turned: boolean;
}

const paramsOf = ({ N, C, S, K, P, stride, dilation, padding, turned }: WindowSizes): Numbers<typeof sizes> => ({
  N,
  C,
  S1: S[0],
  S2: S[1],
  K1: K[0],
  K2: K[1],
  P1: P[0],
  P2: P[1],
  stride1: stride[0],
  stride2: stride[1],
  dilation1: dilation[0],
  dilation2: dilation[1],
  padding1: padding[0],
  padding2: padding[1],
  turned: turned ? 1 : 0,
});

/** How many numbers the windows show. */
export const shownBy = ({ N, C, K, P }: WindowSizes): number => C * K[0] * K[1] * N * P[0] * P[1];

/** @param fill what windows show beyond x */
export const takeWindows = (
  target: Target,
  label: string,
  size: WindowSizes,
  fill: number,
  views: { x: View; y: View },
): Dispatch =>
  dispatch(windowsKernel, {
    label,
    views,
    params: { ...paramsOf(size), fill },
    grid: gridFor(shownBy(size), 64, target.maxWorkgroups),
  });

/** Every number's sum over the windows that show it. */
export const sumWindows = (
  target: Target,
  label: string,
  size: WindowSizes,
  accumulate: boolean,
  views: { outputGradient: View; gradient: View },
): Dispatch =>
  dispatch(windowsBackward, {
    label,
    views,
    params: { ...paramsOf(size), accumulate: accumulate ? 1 : 0 },
    grid: gridFor(size.N * size.C * size.S[0] * size.S[1], 64, target.maxWorkgroups),
  });
