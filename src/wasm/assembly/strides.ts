// What expressions (src/wasm/pointwise.ts) need around them: numbers laid out in a row, and sums of rows.
import { putOrAdd, sumOfLanes } from "./lanes";

/** Numbers `start` to `start + count` of an index space of four axes, read by strides, in a row. Writes up to 12 bytes more. */
export function spread(
  to: usize,
  from: usize,
  start: u32,
  count: u32,
  n1: u32,
  n2: u32,
  n3: u32,
  s0: i32,
  s1: i32,
  s2: i32,
  s3: i32,
): void {
  let i3 = start % n3;
  let rest = start / n3;
  let i2 = rest % n2;
  rest /= n2;
  let i1 = rest % n1;
  let i0 = rest / n1;
  while (count > 0) {
    const size = min(n3 - i3, count);
    const end = to + ((<usize>size) << 2);
    let at = from + ((<usize>(<i32>i0 * s0 + <i32>i1 * s1 + <i32>i2 * s2 + <i32>i3 * s3)) << 2);
    if (s3 === 1) {
      for (; to < end; to += 16) {
        v128.store(to, v128.load(at));
        at += 16;
      }
    } else if (s3 === 0) {
      const value = v128.load32_splat(at);
      for (; to < end; to += 16) v128.store(to, value);
    } else {
      for (; to < end; to += 4) {
        store<i32>(to, load<i32>(at));
        at += (<usize>s3) << 2;
      }
    }
    to = end;
    count -= size;
    i3 = 0;
    if (++i2 === n2) {
      i2 = 0;
      if (++i1 === n1) {
        i1 = 0;
        i0++;
      }
    }
  }
}

function sumOf(from: usize, count: u32): f32 {
  let s = f32x4.splat(0);
  let t = s;
  const end = from + ((<usize>count) << 2);
  for (; from + 32 <= end; from += 32) {
    s = f32x4.add(s, v128.load(from));
    t = f32x4.add(t, v128.load(from, 16));
  }
  let sum = sumOfLanes(f32x4.add(s, t));
  for (; from < end; from += 4) sum += load<f32>(from);
  return sum;
}

/** Adds to `sums` [N, parts]: number i of `values`, which is `start + i` of rows of R, to part i % parts of its row. */
export function addToSums(values: usize, count: u32, start: u32, R: u32, parts: u32, sums: usize): void {
  let r = start % R;
  let row = sums + ((<usize>((start / R) * parts)) << 2);
  while (count > 0) {
    const part = r % parts;
    // As far as neighbours go to neighbours, or all to one.
    const size = min(min(R - r, count), parts === 1 ? R : parts - part);
    let to = row + ((<usize>part) << 2);
    if (parts === 1) {
      store<f32>(to, load<f32>(to) + sumOf(values, size));
    } else {
      let from = values;
      for (let left = <i32>size; left > 0; left -= 4) {
        putOrAdd(to, v128.load(from), left, 1);
        from += 16;
        to += 16;
      }
    }
    values += (<usize>size) << 2;
    count -= size;
    r += size;
    if (r === R) {
      r = 0;
      row += (<usize>parts) << 2;
    }
  }
}

/** y (+)= factor·sums, which are 0 then. */
export function takeSums(sums: usize, count: i32, factor: f32, accumulate: i32, y: usize): void {
  const zero = f32x4.splat(0);
  for (; count > 0; count -= 4) {
    putOrAdd(y, f32x4.mul(f32x4.splat(factor), v128.load(sums)), count, accumulate);
    v128.store(sums, zero);
    sums += 16;
    y += 16;
  }
}
