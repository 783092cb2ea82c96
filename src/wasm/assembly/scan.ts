// Parallel scans (src/kernels/scan.ts, scan-gates.ts), step by step: a step's columns are read in their order, and what the step
// before left is still in the cache. Functions take the kernel's bindings, params and constants, in order.
import { put } from "./lanes";

/** Numbers that are 0 in every column. */
const ZEROS: usize = memory.data<f32>([0, 0, 0, 0]);

/** h_t = a_t * h_{t-1} + b_t */
export function scanForward(
  a: usize,
  b: usize,
  h0: usize,
  starts: usize,
  h: usize,
  T: i32,
  N: i32,
  L: i32,
  _chunks: i32,
  hasInitial: i32,
): void {
  const row = (<usize>N) << 2;
  for (let t: i32 = 0; t < T; t++) {
    let before = h - row;
    if (t === 0) before = hasInitial ? h0 : ZEROS;
    else if (t % L === 0) before = starts + <usize>(t / L - 1) * row;
    const step: usize = before === ZEROS ? 0 : 16;
    for (let left = N; left > 0; left -= 4) {
      put(h, f32x4.add(f32x4.mul(v128.load(a), v128.load(before)), v128.load(b)), left);
      const size: usize = left < 4 ? (<usize>left) << 2 : 16;
      a += size;
      b += size;
      h += size;
      before += step;
    }
  }
}

/** The gradients by a, b and h0, from the end. That by b is what the step before it is told. */
export function scanBackward(
  a: usize,
  h: usize,
  h0: usize,
  hGradient: usize,
  starts: usize,
  gradients: usize,
  T: i32,
  N: i32,
  L: i32,
  _chunks: i32,
  hasInitial: i32,
): void {
  const row = (<usize>N) << 2;
  const byB = gradients + <usize>T * row;
  for (let s: i32 = 0; s < T; s++) {
    const t = <usize>(T - 1 - s);
    let factor = a + (t + 1) * row;
    let after = byB + (t + 1) * row;
    if (s === 0) {
      factor = ZEROS;
      after = ZEROS;
    } else if (s % L === 0) {
      after = starts + <usize>(s / L - 1) * row;
    }
    const step: usize = s === 0 ? 0 : 16;
    const hasBefore = t > 0 || hasInitial;
    let before = t > 0 ? h + (t - 1) * row : hasInitial ? h0 : ZEROS;
    let at = t * row;
    for (let left = N; left > 0; left -= 4) {
      const carry = f32x4.add(v128.load(hGradient + at), f32x4.mul(v128.load(factor), v128.load(after)));
      put(gradients + at, f32x4.mul(carry, v128.load(before)), left);
      put(byB + at, carry, left);
      at += 16;
      factor += step;
      after += step;
      if (hasBefore) before += 16;
    }
  }
  let by0 = byB + <usize>T * row;
  let carry = byB;
  for (let left = N; left > 0; left -= 4) {
    put(by0, f32x4.mul(v128.load(a), v128.load(carry)), left);
    a += 16;
    carry += 16;
    by0 += 16;
  }
}
