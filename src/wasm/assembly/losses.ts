// Cross-entropy of rows of logits, and the logarithm of the sum of their exponentials.
import { firstLanes, largestLane, put, sumOfLanes } from "./lanes";
import { exp, logOne } from "./math";

/** The largest number of a row; NaN where one is not finite. */
function largestOf(row: usize, V: i32): f32 {
  const first = v128.load_splat<f32>(row);
  let largest = first;
  // x - x is 0, or NaN.
  let zeros = f32x4.sub(first, first);
  let v: i32 = 0;
  for (; v + 4 <= V; v += 4) {
    const x = v128.load(row + ((<usize>v) << 2));
    largest = f32x4.pmax(largest, x);
    zeros = f32x4.add(zeros, f32x4.sub(x, x));
  }
  if (v < V) {
    const x = v128.bitselect(v128.load(row + ((<usize>v) << 2)), first, firstLanes(V - v));
    largest = f32x4.pmax(largest, x);
    zeros = f32x4.add(zeros, f32x4.sub(x, x));
  }
  return largestLane(f32x4.add(largest, zeros));
}

/** The sum of e^(x - largest) over a row; the terms are stored at `to` where that is no 0. */
function sumOfExp(row: usize, V: i32, largest: f32, to: usize): f32 {
  const shift = f32x4.splat(largest);
  let sum = f32x4.splat(0);
  for (let v: i32 = 0; v < V; v += 4) {
    const place = (<usize>v) << 2;
    let e = exp(f32x4.sub(v128.load(row + place), shift));
    if (v + 4 > V) e = v128.and(e, firstLanes(V - v));
    sum = f32x4.add(sum, e);
    if (to) put(to + place, e, V - v);
  }
  return sumOfLanes(sum);
}

/** logSum[n] = log(sum of e^logits[n]); NaN where a logit is not finite. */
export function logSumExp(logits: usize, logSum: usize, N: i32, V: i32): void {
  for (let n: i32 = 0; n < N; n++) {
    const largest = largestOf(logits, V);
    store<f32>(logSum, logOne(sumOfExp(logits, V, largest, 0)) + largest);
    logits += (<usize>V) << 2;
    logSum += 4;
  }
}

/** rowLoss[N] and gradient[N,V], as shaders/cross-entropy.wgsl has them. */
export function crossEntropy(
  logits: usize,
  targets: usize,
  weight: usize,
  mask: usize,
  count: usize,
  rowLoss: usize,
  gradient: usize,
  N: i32,
  V: i32,
  ignoreIndex: i32,
  hasWeight: i32,
  hasMask: i32,
  _nan: i32,
  smoothing: f32,
  hasGradient: i32,
): void {
  const divisor = load<f32>(count);
  const scale: f32 = divisor === 0 ? 1 : 1 / divisor;
  const share = smoothing / <f32>V;
  const size = (<usize>V) << 2;
  for (let n: usize = 0; n < <usize>N; n++) {
    const row = logits + n * size;
    const target = load<i32>(targets + (n << 2));
    let used = target !== ignoreIndex;
    if (hasMask) used = used && load<i32>(mask + (n << 2)) !== 0;
    const known = <u32>target < <u32>V;
    const largest = largestOf(row, V);
    const to = hasGradient ? gradient + n * size : 0;
    if (!used) {
      // 0, or NaN as the largest is.
      store<f32>(rowLoss + (n << 2), largest - largest);
      if (to) memory.fill(to, 0, size);
      continue;
    }
    const total = sumOfExp(row, V, largest, to);
    const logTotal = logOne(total);
    // Sums of the weights, and of weight · (largest - logit).
    let soft: f32 = 0;
    let softLoss: f32 = 0;
    if (smoothing > 0) {
      for (let place: usize = 0; place < size; place += 4) {
        const w: f32 = hasWeight ? load<f32>(weight + place) : 1;
        soft += w;
        softLoss += w * (largest - load<f32>(row + place));
      }
    }
    const at = (<usize>target) << 2;
    let hard: f32 = 0;
    let loss: f32 = NaN;
    if (known) {
      hard = hasWeight ? (1 - smoothing) * load<f32>(weight + at) : 1 - smoothing;
      loss = hard * (logTotal + (largest - load<f32>(row + at))) + share * (soft * logTotal + softLoss);
    }
    store<f32>(rowLoss + (n << 2), loss);
    if (!to) continue;
    const factor = f32x4.splat(((hard + share * soft) / total) * scale);
    const smooth = f32x4.splat(share * scale);
    for (let v: i32 = 0; v < V; v += 4) {
      const place = (<usize>v) << 2;
      const q = hasWeight ? f32x4.mul(smooth, v128.load(weight + place)) : smooth;
      put(to + place, f32x4.sub(f32x4.mul(v128.load(to + place), factor), q), V - v);
    }
    if (known) store<f32>(to + at, load<f32>(to + at) - hard * scale);
  }
}
