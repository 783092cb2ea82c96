// Dropout (src/kernels/dropout.ts).
import { put } from "./lanes";

const FACTOR: i32 = 1664525;
const SUMMAND: i32 = 1013904223;

/** One counter of pcg4d as its first step leaves it; src/random.ts has all of it. */
function stirred(counter: i32): i32 {
  return counter * FACTOR + SUMMAND;
}

/** `x * scale` with probability 1 - p, else 0; whether is a hash of (seed, stream, i modulo period, 0). */
export function dropout(
  x: usize,
  seed: usize,
  y: usize,
  N: i32,
  period: i32,
  stream: i32,
  accumulate: i32,
  p: f32,
  scale: f32,
): void {
  const b = i32x4.splat(stirred(stream));
  const d = i32x4.splat(SUMMAND);
  // Of the first word this much is the same for all.
  const a = i32x4.splat(stirred(load<i32>(seed)) + stirred(stream) * SUMMAND);
  const a2 = v128.xor(a, i32x4.shr_u(a, 16));
  for (let from: i32 = 0; from < N; from += period) {
    let index = i32x4(0, 1, 2, 3);
    for (let left = min(period, N - from); left > 0; left -= 4) {
      const c = i32x4.add(i32x4.mul(index, i32x4.splat(FACTOR)), i32x4.splat(SUMMAND));
      const b1 = i32x4.add(b, i32x4.mul(c, a));
      const c1 = i32x4.add(c, i32x4.mul(a, b1));
      const d1 = i32x4.add(d, i32x4.mul(b1, c1));
      const b2 = v128.xor(b1, i32x4.shr_u(b1, 16));
      const d2 = v128.xor(d1, i32x4.shr_u(d1, 16));
      const word = i32x4.add(a2, i32x4.mul(b2, d2));
      const drawn = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), f32x4.splat(<f32>(1.0 / 16777216.0)));
      let value = f32x4.mul(v128.load(x), f32x4.splat(scale));
      value = v128.and(value, f32x4.ge(drawn, f32x4.splat(p)));
      if (accumulate) value = f32x4.add(value, v128.load(y));
      put(y, value, left);
      const size: usize = left < 4 ? (<usize>left) << 2 : 16;
      x += size;
      y += size;
      index = i32x4.add(index, i32x4.splat(4));
    }
  }
}
