// Losses of rows of numbers against others, and their slopes, as shaders/pointwise-loss.wgsl has them.
import { firstLanes, put, sign, sumOfLanes } from "./lanes";
import { exp, log, sigmoid } from "./math";

/** What one number costs against another: kinds 0 to 3. */
const SQUARE: i32 = 0;
const ABSOLUTE: i32 = 1;
const HUBER: i32 = 2;

/** log(1 + e^x) */
function softplus(x: v128): v128 {
  const one = f32x4.splat(1);
  const e = exp(f32x4.neg(f32x4.abs(x)));
  // log(1 + e), where 1 + e has lost digits of e.
  const sum = f32x4.add(one, e);
  const kept = f32x4.sub(sum, one);
  const small = f32x4.eq(kept, f32x4.splat(0));
  const logarithm = f32x4.div(f32x4.mul(log(sum), e), kept);
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), v128.bitselect(e, logarithm, small));
}

function lossOf(kind: i32, x: v128, y: v128, delta: v128, weight: v128): v128 {
  const d = f32x4.sub(x, y);
  if (kind === SQUARE) return f32x4.mul(d, d);
  const size = f32x4.abs(d);
  if (kind === ABSOLUTE) return size;
  const half = f32x4.splat(0.5);
  if (kind === HUBER) {
    const line = f32x4.mul(delta, f32x4.sub(size, f32x4.mul(half, delta)));
    return v128.bitselect(f32x4.mul(half, f32x4.mul(d, d)), line, f32x4.lt(size, delta));
  }
  const positive = f32x4.mul(f32x4.mul(weight, y), softplus(f32x4.neg(x)));
  return f32x4.add(positive, f32x4.mul(f32x4.sub(f32x4.splat(1), y), softplus(x)));
}

function slopeOf(kind: i32, x: v128, y: v128, delta: v128, weight: v128): v128 {
  const d = f32x4.sub(x, y);
  if (kind === SQUARE) return f32x4.add(d, d);
  if (kind === ABSOLUTE) return sign(d);
  if (kind === HUBER) return f32x4.pmax(f32x4.pmin(d, delta), f32x4.neg(delta));
  const negative = f32x4.mul(f32x4.sub(f32x4.splat(1), y), sigmoid(x));
  return f32x4.sub(negative, f32x4.mul(f32x4.mul(weight, y), sigmoid(f32x4.neg(x))));
}

/** The weights of four numbers from the i-th on. */
function weightsAt(posWeight: usize, K: i32, i: i32): v128 {
  if (K === 1) return v128.load_splat<f32>(posWeight);
  let weights = f32x4.splat(load<f32>(posWeight + ((<usize>(i % K)) << 2)));
  weights = f32x4.replace_lane(weights, 1, load<f32>(posWeight + ((<usize>((i + 1) % K)) << 2)));
  weights = f32x4.replace_lane(weights, 2, load<f32>(posWeight + ((<usize>((i + 2) % K)) << 2)));
  return f32x4.replace_lane(weights, 3, load<f32>(posWeight + ((<usize>((i + 3) % K)) << 2)));
}

export function pointwiseLoss(
  output: usize,
  goal: usize,
  posWeight: usize,
  mask: usize,
  count: usize,
  rowLoss: usize,
  gradient: usize,
  N: i32,
  C: i32,
  K: i32,
  kind: i32,
  delta: f32,
  scale: f32,
  hasMask: i32,
  hasGradient: i32,
): void {
  const divisor = load<f32>(count);
  const factor = f32x4.splat(divisor === 0 ? scale : scale / divisor);
  const deltas = f32x4.splat(delta);
  const zero = f32x4.splat(0);
  for (let n: i32 = 0; n < N; n++) {
    const used = !hasMask || load<i32>(mask + ((<usize>n) << 2)) !== 0;
    let sum = zero;
    // x - x is 0, or NaN where a number is not finite.
    let zeros = zero;
    for (let c: i32 = 0; c < C; c += 4) {
      const place = (<usize>n * <usize>C + <usize>c) << 2;
      const lanes = firstLanes(C - c);
      const x = v128.and(v128.load(output + place), lanes);
      zeros = f32x4.add(zeros, f32x4.sub(x, x));
      let slope = zero;
      if (used) {
        const y = v128.and(v128.load(goal + place), lanes);
        const weight = weightsAt(posWeight, K, n * C + c);
        zeros = f32x4.add(zeros, f32x4.sub(y, y));
        sum = f32x4.add(sum, v128.and(lossOf(kind, x, y, deltas, weight), lanes));
        if (hasGradient) slope = f32x4.mul(slopeOf(kind, x, y, deltas, weight), factor);
      }
      if (hasGradient) put(gradient + place, slope, C - c);
    }
    store<f32>(rowLoss, scale * sumOfLanes(sum) + sumOfLanes(zeros));
    rowLoss += 4;
  }
}
