// Dropout (src/kernels/dropout.ts).
import { put } from "./lanes";
import { uniformFour } from "./random";

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
  const seeds = i32x4.splat(load<i32>(seed));
  const streams = i32x4.splat(stream);
  const lane = i32x4.splat(0);
  for (let from: i32 = 0; from < N; from += period) {
    let index = i32x4(0, 1, 2, 3);
    for (let left = min(period, N - from); left > 0; left -= 4) {
      const drawn = uniformFour(seeds, streams, index, lane);
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
