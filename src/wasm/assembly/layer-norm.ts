// Layer normalisation (Ba et al. 2016) of rows of C numbers.
import { firstLanes, put, sumOfLanes } from "./lanes";

/** y = (x - mean) · inverse · weight + bias, and stats[N,2] = mean and inverse = 1 / √(variance + eps). */
export function layerNorm(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  stats: usize,
  N: i32,
  C: i32,
  hasWeight: i32,
  hasBias: i32,
  eps: f32,
): void {
  const size = (<usize>C) << 2;
  const zero = f32x4.splat(0);
  for (let n: i32 = 0; n < N; n++) {
    let sum = zero;
    for (let c: i32 = 0; c < C; c += 4)
      sum = f32x4.add(sum, v128.and(v128.load(x + ((<usize>c) << 2)), firstLanes(C - c)));
    const mean = sumOfLanes(sum) / <f32>C;
    const means = f32x4.splat(mean);
    let squares = zero;
    for (let c: i32 = 0; c < C; c += 4) {
      const d = v128.and(f32x4.sub(v128.load(x + ((<usize>c) << 2)), means), firstLanes(C - c));
      squares = f32x4.add(squares, f32x4.mul(d, d));
    }
    const inverse: f32 = 1 / sqrt<f32>(sumOfLanes(squares) / <f32>C + eps);
    store<f32>(stats, mean);
    store<f32>(stats, inverse, 4);
    const inverses = f32x4.splat(inverse);
    for (let c: i32 = 0; c < C; c += 4) {
      const place = (<usize>c) << 2;
      let z = f32x4.mul(f32x4.sub(v128.load(x + place), means), inverses);
      if (hasWeight) z = f32x4.mul(z, v128.load(weight + place));
      if (hasBias) z = f32x4.add(z, v128.load(bias + place));
      put(y + place, z, C - c);
    }
    x += size;
    y += size;
    stats += 8;
  }
}

/** gradient = inverse · (g - mean of g - z · mean of g·z), z the normalised row and g = outputGradient · weight. */
export function layerNormBackward(
  x: usize,
  weight: usize,
  stats: usize,
  outputGradient: usize,
  gradient: usize,
  N: i32,
  C: i32,
  hasWeight: i32,
  accumulate: i32,
): void {
  const size = (<usize>C) << 2;
  const weights = hasWeight ? weight : 0;
  for (let n: i32 = 0; n < N; n++) {
    const mean = v128.load_splat<f32>(stats);
    const inverse = v128.load_splat<f32>(stats, 4);
    let sum = f32x4.splat(0);
    let products = sum;
    for (let c: i32 = 0; c < C; c += 4) {
      const place = (<usize>c) << 2;
      const lanes = firstLanes(C - c);
      const z = f32x4.mul(f32x4.sub(v128.load(x + place), mean), inverse);
      const g = v128.and(weighted(outputGradient + place, weights, place), lanes);
      sum = f32x4.add(sum, g);
      products = f32x4.add(products, v128.and(f32x4.mul(g, z), lanes));
    }
    const meanG = f32x4.splat(sumOfLanes(sum) / <f32>C);
    const meanGz = f32x4.splat(sumOfLanes(products) / <f32>C);
    for (let c: i32 = 0; c < C; c += 4) {
      const place = (<usize>c) << 2;
      const z = f32x4.mul(f32x4.sub(v128.load(x + place), mean), inverse);
      const g = f32x4.sub(weighted(outputGradient + place, weights, place), meanG);
      let value = f32x4.mul(inverse, f32x4.sub(g, f32x4.mul(z, meanGz)));
      if (accumulate) value = f32x4.add(value, v128.load(gradient + place));
      put(gradient + place, value, C - c);
    }
    x += size;
    outputGradient += size;
    gradient += size;
    stats += 8;
  }
}

function weighted(x: usize, weight: usize, place: usize): v128 {
  return weight ? f32x4.mul(v128.load(x), v128.load(weight + place)) : v128.load(x);
}
