// Windows along two axes, and their gradient, a line of windows along the second axis at a time.
import { putOrAdd } from "./lanes";

/** The first of `count` windows that begins at `from` or later, where window p begins at p * stride. */
function firstFrom(from: i32, stride: i32, count: i32): i32 {
  return from <= 0 ? 0 : min((from + stride - 1) / stride, count);
}

function fillLine(y: usize, step: usize, count: i32, value: f32): void {
  for (; count > 0; count--) {
    store<f32>(y, value);
    y += step;
  }
}

/** Numbers from steps to steps, in bytes. */
function copyLine(x: usize, xStep: usize, y: usize, yStep: usize, count: i32): void {
  if (xStep === 4 && yStep === 4) {
    memory.copy(y, x, (<usize>count) << 2);
    return;
  }
  for (; count > 0; count--) {
    store<f32>(y, load<f32>(x));
    x += xStep;
    y += yStep;
  }
}

function addLine(x: usize, xStep: usize, y: usize, yStep: usize, count: i32): void {
  if (xStep === 4 && yStep === 4) {
    for (; count > 0; count -= 4) {
      putOrAdd(y, v128.load(x), count, 1);
      x += 16;
      y += 16;
    }
    return;
  }
  for (; count > 0; count--) {
    store<f32>(y, load<f32>(y) + load<f32>(x));
    x += xStep;
    y += yStep;
  }
}

export function windows(
  x: usize,
  y: usize,
  N: i32,
  C: i32,
  S1: i32,
  S2: i32,
  K1: i32,
  K2: i32,
  P1: i32,
  P2: i32,
  stride1: i32,
  stride2: i32,
  dilation1: i32,
  dilation2: i32,
  padding1: i32,
  padding2: i32,
  turned: i32,
  fill: f32,
): void {
  const rowStep: usize = turned ? 4 : (<usize>(N * P1 * P2)) << 2;
  const step: usize = turned ? (<usize>(C * K1 * K2)) << 2 : 4;
  for (let c: i32 = 0; c < C; c++) {
    for (let k: i32 = 0; k < K1 * K2; k++) {
      const offset = (k % K2) * dilation2 - padding2;
      const first = firstFrom(-offset, stride2, P2);
      const last = max(first, firstFrom(S2 - offset, stride2, P2));
      let to = y;
      for (let n: i32 = 0; n < N; n++) {
        for (let p: i32 = 0; p < P1; p++) {
          const s = p * stride1 + (k / K2) * dilation1 - padding1;
          if (s < 0 || s >= S1) fillLine(to, step, P2, fill);
          else {
            const from = x + ((<usize>(((n * C + c) * S1 + s) * S2 + first * stride2 + offset)) << 2);
            fillLine(to, step, first, fill);
            copyLine(from, (<usize>stride2) << 2, to + <usize>first * step, step, last - first);
            fillLine(to + <usize>last * step, step, P2 - last, fill);
          }
          to += <usize>P2 * step;
        }
      }
      y += rowStep;
    }
  }
}

export function windowsBackward(
  outputGradient: usize,
  gradient: usize,
  N: i32,
  C: i32,
  S1: i32,
  S2: i32,
  K1: i32,
  K2: i32,
  P1: i32,
  P2: i32,
  stride1: i32,
  stride2: i32,
  dilation1: i32,
  dilation2: i32,
  padding1: i32,
  padding2: i32,
  turned: i32,
  accumulate: i32,
): void {
  const rowStep: usize = turned ? 4 : (<usize>(N * P1 * P2)) << 2;
  const step: usize = turned ? (<usize>(C * K1 * K2)) << 2 : 4;
  if (!accumulate) memory.fill(gradient, 0, (<usize>(N * C * S1 * S2)) << 2);
  for (let c: i32 = 0; c < C; c++) {
    for (let k: i32 = 0; k < K1 * K2; k++) {
      const offset = (k % K2) * dilation2 - padding2;
      const first = firstFrom(-offset, stride2, P2);
      const last = max(first, firstFrom(S2 - offset, stride2, P2));
      let from = outputGradient + <usize>first * step;
      for (let n: i32 = 0; n < N; n++) {
        for (let p: i32 = 0; p < P1; p++) {
          const s = p * stride1 + (k / K2) * dilation1 - padding1;
          if (s >= 0 && s < S1) {
            const to = gradient + ((<usize>(((n * C + c) * S1 + s) * S2 + first * stride2 + offset)) << 2);
            addLine(from, step, to, (<usize>stride2) << 2, last - first);
          }
          from += <usize>P2 * step;
        }
      }
      outputGradient += rowStep;
    }
  }
}
