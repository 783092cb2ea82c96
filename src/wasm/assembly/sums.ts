// Sums over the rows of a matrix, and of the squares of gradients. Their order is fixed.
import { firstLanes, put, sumOfLanes } from "./lanes";

/** A long sum of f32 loses digits: sums of so many rows are added up in their turn. */
const ROWS: i32 = 64;
const SQUARES: i32 = 4096;

/** to[d,c] = factor · the sum over n of a[n,d,c], or of its products with b, + to[d,c] where `accumulate`. */
export function columnSums(
  a: usize,
  b: usize,
  stats: usize,
  to: usize,
  N: i32,
  D: i32,
  C: i32,
  row: usize,
  batch: usize,
  factor: f32,
  accumulate: i32,
  times: i32,
  normalized: i32,
): void {
  row <<= 2;
  batch <<= 2;
  const inSixteens = times || normalized ? 0 : C & ~15;
  for (let d: i32 = 0; d < D; d++) {
    // Rows outermost, for they lie one behind the other.
    for (let n: i32 = 0; n < N; n += ROWS) {
      const x = a + <usize>n * row;
      const add = n > 0 ? 1 : accumulate;
      for (let c: i32 = 0; c < inSixteens; c += 16) {
        const place = (<usize>c) << 2;
        sixteenColumns(min(ROWS, N - n), row, factor, add, x + place, to + place);
      }
    }
    for (let c = inSixteens; c < C; c += 4) {
      const place = (<usize>c) << 2;
      const y = times || normalized ? b + place : 0;
      fourColumns(N, row, factor, accumulate, a + place, y, normalized ? stats : 0, to + place, C - c);
    }
    a += batch;
    b += batch;
    to += (<usize>C) << 2;
  }
}

/** A cache line of each row. */
function sixteenColumns(N: i32, row: usize, factor: f32, accumulate: i32, a: usize, to: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let t0 = s0;
  let t1 = s0;
  let t2 = s0;
  let t3 = s0;
  let n: i32 = 0;
  for (; n + 2 <= N; n += 2) {
    s0 = f32x4.add(s0, v128.load(a));
    s1 = f32x4.add(s1, v128.load(a, 16));
    s2 = f32x4.add(s2, v128.load(a, 32));
    s3 = f32x4.add(s3, v128.load(a, 48));
    a += row;
    t0 = f32x4.add(t0, v128.load(a));
    t1 = f32x4.add(t1, v128.load(a, 16));
    t2 = f32x4.add(t2, v128.load(a, 32));
    t3 = f32x4.add(t3, v128.load(a, 48));
    a += row;
  }
  if (n < N) {
    s0 = f32x4.add(s0, v128.load(a));
    s1 = f32x4.add(s1, v128.load(a, 16));
    s2 = f32x4.add(s2, v128.load(a, 32));
    s3 = f32x4.add(s3, v128.load(a, 48));
  }
  finish(f32x4.add(s0, t0), factor, accumulate, to, 4);
  finish(f32x4.add(s1, t1), factor, accumulate, to + 16, 4);
  finish(f32x4.add(s2, t2), factor, accumulate, to + 32, 4);
  finish(f32x4.add(s3, t3), factor, accumulate, to + 48, 4);
}

/** In f64. `b` and `stats` are 0 where there are none. */
function fourColumns(
  N: i32,
  row: usize,
  factor: f32,
  accumulate: i32,
  a: usize,
  b: usize,
  stats: usize,
  to: usize,
  columns: i32,
): void {
  let low = f64x2.splat(0);
  let high = low;
  for (let n: i32 = 0; n < N; n++) {
    let x = f64x2.promote_low_f32x4(v128.load64_zero(a));
    let y = f64x2.promote_low_f32x4(v128.load64_zero(a, 8));
    if (b) {
      let p = f64x2.promote_low_f32x4(v128.load64_zero(b));
      let q = f64x2.promote_low_f32x4(v128.load64_zero(b, 8));
      if (stats) {
        const mean = f64x2.splat(<f64>load<f32>(stats));
        const inverse = f64x2.splat(<f64>load<f32>(stats, 4));
        p = f64x2.mul(f64x2.sub(p, mean), inverse);
        q = f64x2.mul(f64x2.sub(q, mean), inverse);
        stats += 8;
      }
      x = f64x2.mul(x, p);
      y = f64x2.mul(y, q);
      b += row;
    }
    low = f64x2.add(low, x);
    high = f64x2.add(high, y);
    a += row;
  }
  const lows = f32x4.demote_f64x2_zero(low);
  const highs = f32x4.demote_f64x2_zero(high);
  finish(v128.shuffle<f32>(lows, highs, 0, 1, 4, 5), factor, accumulate, to, columns);
}

function finish(sum: v128, factor: f32, accumulate: i32, to: usize, columns: i32): void {
  let y = f32x4.mul(sum, f32x4.splat(factor));
  if (accumulate) y = f32x4.add(y, v128.load(to));
  put(to, y, columns);
}

/** partial[g] = the sum of squares of a stretch of the gradient, clipped by value; what is not finite is not clipped. */
export function normPartial(gradient: usize, partial: usize, P: i32, groups: i32, clipValue: f32): void {
  const share = (P + groups - 1) / groups;
  for (let g: i32 = 0; g < groups; g++) {
    const from = min(g * share, P);
    const end = min(from + share, P);
    let sum: f64 = 0;
    for (let i = from; i < end; i += SQUARES)
      sum += squares(min(SQUARES, end - i), clipValue, gradient + ((<usize>i) << 2));
    store<f32>(partial + ((<usize>g) << 2), <f32>sum);
  }
}

function squares(count: i32, clipValue: f32, x: usize): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (; count >= 16; count -= 16) {
    s0 = f32x4.add(s0, square(v128.load(x), clipValue));
    s1 = f32x4.add(s1, square(v128.load(x, 16), clipValue));
    s2 = f32x4.add(s2, square(v128.load(x, 32), clipValue));
    s3 = f32x4.add(s3, square(v128.load(x, 48), clipValue));
    x += 64;
  }
  for (; count > 0; count -= 4) {
    const y = v128.and(v128.load(x), firstLanes(count));
    s0 = f32x4.add(s0, square(y, clipValue));
    x += 16;
  }
  return sumOfLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

function square(x: v128, clipValue: f32): v128 {
  const inside = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-clipValue)), f32x4.splat(clipValue));
  const y = v128.bitselect(inside, x, f32x4.eq(f32x4.sub(x, x), f32x4.splat(0)));
  return f32x4.mul(y, y);
}
