// What kernels over plain arrays share. They go through numbers four at a time and may read, but not write, beyond the last one.

/** Stores a vector, or its first `count` numbers where fewer than four are left. */
export function put(at: usize, value: v128, count: i32): void {
  if (count >= 4) v128.store(at, value);
  else putSome(at, value, count);
}

function putSome(at: usize, value: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(at + 4, f32x4.extract_lane(value, 1));
  if (count > 2) store<f32>(at + 8, f32x4.extract_lane(value, 2));
}

/** The same, added to what is there where `accumulate`. */
export function putOrAdd(at: usize, value: v128, count: i32, accumulate: i32): void {
  put(at, accumulate ? f32x4.add(v128.load(at), value) : value, count);
}

/** -1, 0 or 1; NaN for NaN. */
export function sign(x: v128): v128 {
  const one = v128.or(f32x4.splat(1), v128.and(x, i32x4.splat(0x80000000)));
  // Where it is not so, x is 0 or NaN itself.
  return v128.bitselect(one, x, f32x4.gt(f32x4.abs(x), f32x4.splat(0)));
}

/** All bits of the first `count` lanes. */
export function firstLanes(count: i32): v128 {
  return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
}

/** The sum of the lanes. */
export function sumOfLanes(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The largest of the lanes; NaN where one is. */
export function largestLane(v: v128): f32 {
  const pairs = f32x4.max(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}
