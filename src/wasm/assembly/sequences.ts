// Kernels over steps and along an axis: sums so far, pooling, additive attention, averages of weights.
import { firstLanes, put, putOrAdd, sumOfLanes } from "./lanes";
import { exp, tanh } from "./math";

export function cumulativeSum(x: usize, y: usize, A: i32, R: i32, C: i32, reverse: i32, accumulate: i32): void {
  const row = (<usize>C) << 2;
  const step = reverse ? 0 - row : row;
  const first = reverse ? <usize>(R - 1) * row : 0;
  for (let a: i32 = 0; a < A; a++) {
    for (let c: i32 = 0; c < C; c += 4) {
      let sum = f32x4.splat(0);
      let at = first + ((<usize>c) << 2);
      for (let r: i32 = 0; r < R; r++) {
        sum = f32x4.add(sum, v128.load(x + at));
        putOrAdd(y + at, sum, C - c, accumulate);
        at += step;
      }
    }
    x += <usize>R * row;
    y += <usize>R * row;
  }
}

export function pool(
  x: usize,
  mask: usize,
  y: usize,
  note: usize,
  T: i32,
  B: i32,
  C: i32,
  hasMask: i32,
  mean: i32,
  max: i32,
): void {
  const row = (<usize>(B * C)) << 2;
  for (let b: i32 = 0; b < B; b++) {
    for (let left = C; left > 0; left -= 4) {
      let value = f32x4.splat(0);
      let noted = i32x4.splat(mean ? 0 : -1);
      for (let t: i32 = 0; t < T; t++) {
        if (hasMask && load<i32>(mask + ((<usize>(t * B + b)) << 2)) === 0) continue;
        const now = v128.load(x + <usize>t * row);
        if (mean) {
          value = f32x4.add(value, now);
          noted = i32x4.add(noted, i32x4.splat(1));
        } else {
          let isTaken = i32x4.splat(-1);
          if (max) {
            // Larger, or the first real step, or the first NaN.
            const isNew = v128.andnot(f32x4.ne(now, now), f32x4.ne(value, value));
            isTaken = v128.or(v128.or(f32x4.gt(now, value), i32x4.lt_s(noted, i32x4.splat(0))), isNew);
          }
          value = v128.bitselect(now, value, isTaken);
          noted = v128.bitselect(i32x4.splat(t), noted, isTaken);
        }
      }
      if (mean) value = f32x4.div(value, f32x4.convert_i32x4_s(i32x4.max_s(noted, i32x4.splat(1))));
      put(y, value, left);
      put(note, noted, left);
      const size: usize = left < 4 ? (<usize>left) << 2 : 16;
      x += size;
      y += size;
      note += size;
    }
  }
}

export function poolBackward(
  mask: usize,
  note: usize,
  outputGradient: usize,
  gradient: usize,
  T: i32,
  B: i32,
  C: i32,
  hasMask: i32,
  accumulate: i32,
  mean: i32,
): void {
  const one = f32x4.splat(1);
  for (let t: i32 = 0; t < T; t++) {
    let at: usize = 0;
    for (let b: i32 = 0; b < B; b++) {
      const isReal = !hasMask || load<i32>(mask + ((<usize>(t * B + b)) << 2)) !== 0;
      for (let left = C; left > 0; left -= 4) {
        const noted = v128.load(note + at);
        let share = v128.and(one, i32x4.eq(noted, i32x4.splat(t)));
        if (mean)
          share = isReal ? f32x4.div(one, f32x4.convert_i32x4_s(i32x4.max_s(noted, i32x4.splat(1)))) : f32x4.splat(0);
        putOrAdd(gradient + at, f32x4.mul(share, v128.load(outputGradient + at)), left, accumulate);
        at += left < 4 ? (<usize>left) << 2 : 16;
      }
    }
    gradient += at;
  }
}

export function additiveScores(
  queries: usize,
  keys: usize,
  v: usize,
  scores: usize,
  T: i32,
  S: i32,
  B: i32,
  A: i32,
): void {
  const row = (<usize>A) << 2;
  for (let tb: i32 = 0; tb < T * B; tb++) {
    const query = queries + <usize>tb * row;
    let key = keys + <usize>(tb % B) * row;
    for (let s: i32 = 0; s < S; s++) {
      let sum = f32x4.splat(0);
      for (let a: i32 = 0; a < A; a += 4) {
        const at = (<usize>a) << 2;
        const y = tanh(f32x4.add(v128.load(query + at), v128.load(key + at)));
        // What lies behind the last number may be NaN.
        sum = f32x4.add(sum, v128.and(f32x4.mul(v128.load(v + at), y), firstLanes(A - a)));
      }
      store<f32>(scores, sumOfLanes(sum));
      scores += 4;
      key += <usize>B * row;
    }
  }
}

export function additiveScoresBackward(
  own: usize,
  other: usize,
  v: usize,
  scoreGradient: usize,
  ownGradient: usize,
  vRows: usize,
  M: i32,
  N: i32,
  B: i32,
  A: i32,
  scoreM: usize,
  scoreN: usize,
  scoreB: usize,
  accumulate: i32,
  byV: i32,
): void {
  const one = f32x4.splat(1);
  const isSign = i32x4.splat(0x80000000);
  const row = (<usize>A) << 2;
  for (let m: i32 = 0; m < M; m++) {
    for (let b: i32 = 0; b < B; b++) {
      const gradients = scoreGradient + ((<usize>m * scoreM + <usize>b * scoreB) << 2);
      for (let a: i32 = 0; a < A; a += 4) {
        const at = (<usize>a) << 2;
        const x = v128.load(own + at);
        let gradient = gradients;
        let from = other + <usize>b * row + at;
        let sum = f32x4.splat(0);
        let vSum = sum;
        for (let n: i32 = 0; n < N; n++) {
          // y = tanh(z) and 1 - y² by e = e^-2|z|, which keep their digits where y is nearly 1.
          const z = f32x4.add(x, v128.load(from));
          const e = exp(f32x4.mul(f32x4.abs(z), f32x4.splat(-2)));
          const r = f32x4.div(one, f32x4.add(one, e));
          const g = v128.load_splat<f32>(gradient);
          sum = f32x4.add(sum, f32x4.mul(g, f32x4.mul(f32x4.mul(e, r), r)));
          const y = f32x4.mul(f32x4.sub(one, e), r);
          vSum = f32x4.add(vSum, f32x4.mul(g, v128.bitselect(z, y, isSign)));
          gradient += scoreN << 2;
          from += <usize>B * row;
        }
        putOrAdd(ownGradient + at, f32x4.mul(f32x4.mul(sum, f32x4.splat(4)), v128.load(v + at)), A - a, accumulate);
        if (byV) put(vRows + at, vSum, A - a);
      }
      own += row;
      ownGradient += row;
      vRows += row;
    }
  }
}

/** y = keep·y + by·x, or x / by, which is 0 for 0; what y holds is not read where keep is 0. */
export function blend(x: usize, keep: usize, by: usize, y: usize, P: i32, divide: i32): void {
  const kept = v128.load_splat<f32>(keep);
  const factor = v128.load_splat<f32>(by);
  const isZero = f32x4.extract_lane(factor, 0) === 0;
  const isKept = f32x4.extract_lane(kept, 0) !== 0;
  for (; P > 0; P -= 4) {
    let value = v128.load(x);
    if (!divide) value = f32x4.mul(factor, value);
    else value = isZero ? f32x4.splat(0) : f32x4.div(value, factor);
    if (isKept) value = f32x4.add(value, f32x4.mul(kept, v128.load(y)));
    put(y, value, P);
    x += 16;
    y += 16;
  }
}
