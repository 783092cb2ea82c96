// Softmax over the real columns of rows, and its gradient.
import { firstLanes, largestLane, put, sumOfLanes } from "./lanes";
import { exp } from "./math";

/** Which of four columns are real: those of a mask's row, or those that there are. */
function realLanes(mask: usize, s: i32, S: i32): v128 {
  return mask ? v128.load(mask + ((<usize>s) << 2)) : firstLanes(S - s);
}

/**
 * weights[r,s] = softmax over the real s of scale · scores[r,s]; 0 where mask[s, r mod B] is 0, and where no s is real.
 * `workspace`: [B,S] numbers, S rounded up to a multiple of four.
 */
export function maskedSoftmax(
  scores: usize,
  mask: usize,
  weights: usize,
  R: i32,
  B: i32,
  S: i32,
  hasMask: i32,
  scale: f32,
  workspace: usize,
): void {
  const size = (<usize>S) << 2;
  const maskSize = <usize>(((S + 3) & ~3) << 2);
  if (hasMask) maskRowsOf(mask, B, S, workspace, maskSize);
  for (let r: i32 = 0; r < R; r++) {
    const real = hasMask ? workspace + <usize>(r % B) * maskSize : 0;
    softmaxOfRow(scores, real, S, scale, weights);
    scores += size;
    weights += size;
  }
}

/** to[b,s] = all bits where mask[s,b] is not 0. */
function maskRowsOf(mask: usize, B: i32, S: i32, to: usize, size: usize): void {
  memory.fill(to, 0, <usize>B * size);
  for (let s: usize = 0; s < <usize>S; s++) {
    for (let b: i32 = 0; b < B; b++) {
      if (load<i32>(mask)) store<i32>(to + <usize>b * size + (s << 2), -1);
      mask += 4;
    }
  }
}

function softmaxOfRow(scores: usize, mask: usize, S: i32, scale: f32, weights: usize): void {
  const factor = f32x4.splat(scale);
  const lowest = f32x4.splat(-Infinity);
  let most = lowest;
  for (let s: i32 = 0; s < S; s += 4) {
    const x = f32x4.mul(v128.load(scores + ((<usize>s) << 2)), factor);
    const real = v128.bitselect(x, lowest, realLanes(mask, s, S));
    put(weights + ((<usize>s) << 2), real, S - s);
    // A NaN is not larger than anything; it shows in the sum.
    most = f32x4.pmax(most, real);
  }
  const shift = f32x4.splat(largestLane(most));
  let sum = f32x4.splat(0);
  for (let s: i32 = 0; s < S; s += 4) {
    const at = weights + ((<usize>s) << 2);
    const x = v128.load(at);
    const e = v128.and(exp(f32x4.sub(x, shift)), v128.and(f32x4.ne(x, lowest), firstLanes(S - s)));
    put(at, e, S - s);
    sum = f32x4.add(sum, e);
  }
  const inverse = f32x4.splat(1 / sumOfLanes(sum));
  const zero = f32x4.splat(0);
  for (let s: i32 = 0; s < S; s += 4) {
    const at = weights + ((<usize>s) << 2);
    const e = v128.load(at);
    // Without a real column the inverse is Infinity.
    put(at, v128.and(f32x4.mul(e, inverse), f32x4.ne(e, zero)), S - s);
  }
}

/** scoreGradient = scale · weights · (weightGradient - the sum of weights · weightGradient), + what is there where `accumulate`. */
export function maskedSoftmaxBackward(
  weights: usize,
  weightGradient: usize,
  scoreGradient: usize,
  R: i32,
  S: i32,
  accumulate: i32,
  scale: f32,
): void {
  const size = (<usize>S) << 2;
  const factor = f32x4.splat(scale);
  for (let r: i32 = 0; r < R; r++) {
    let sum = f32x4.splat(0);
    for (let s: i32 = 0; s < S; s += 4) {
      const place = (<usize>s) << 2;
      const product = f32x4.mul(v128.load(weights + place), v128.load(weightGradient + place));
      sum = f32x4.add(sum, v128.and(product, firstLanes(S - s)));
    }
    const total = f32x4.splat(sumOfLanes(sum));
    for (let s: i32 = 0; s < S; s += 4) {
      const place = (<usize>s) << 2;
      const slope = f32x4.sub(v128.load(weightGradient + place), total);
      let gradient = f32x4.mul(f32x4.mul(factor, v128.load(weights + place)), slope);
      if (accumulate) gradient = f32x4.add(gradient, v128.load(scoreGradient + place));
      put(scoreGradient + place, gradient, S - s);
    }
    weights += size;
    weightGradient += size;
    scoreGradient += size;
  }
}
