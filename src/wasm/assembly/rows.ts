// Rows that lie one behind the other: copied, filled, added, held and put in another order.
import { put } from "./lanes";

export function copyRow(count: i32, from: usize, to: usize): void {
  for (; count > 0; count -= 4) {
    put(to, v128.load(from), count);
    from += 16;
    to += 16;
  }
}

export function fillRow(count: i32, value: f32, to: usize): void {
  const values = f32x4.splat(value);
  for (; count > 0; count -= 4) {
    put(to, values, count);
    to += 16;
  }
}

export function addRow(count: i32, from: usize, to: usize): void {
  for (; count > 0; count -= 4) {
    put(to, f32x4.add(v128.load(to), v128.load(from)), count);
    from += 16;
    to += 16;
  }
}

/** y = x where a row's mask is not 0, and 0 elsewhere; + y where `accumulate`. */
export function maskRows(x: usize, mask: usize, y: usize, N: i32, C: i32, accumulate: i32): void {
  const size = (<usize>C) << 2;
  for (let n: i32 = 0; n < N; n++) {
    if (!load<i32>(mask)) {
      if (!accumulate) fillRow(C, 0, y);
    } else if (accumulate) addRow(C, x, y);
    else copyRow(C, x, y);
    mask += 4;
    x += size;
    y += size;
  }
}

/** y = x where a row takes a step, and the old one elsewhere. */
export function holdRows(x: usize, old: usize, steps: usize, y: usize, N: i32, B: i32, C: i32): void {
  const size = (<usize>C) << 2;
  for (let n: i32 = 0; n < N; n++) {
    for (let b: usize = 0; b < <usize>B; b++) {
      copyRow(C, load<i32>(steps + (b << 2)) ? x : old, y);
      x += size;
      old += size;
      y += size;
    }
  }
}

/** to[l,n] = source[l,rows[n]] */
export function rowGather(source: usize, rows: usize, to: usize, L: i32, N: i32, C: i32): void {
  const size = (<usize>C) << 2;
  for (let l: i32 = 0; l < L; l++) {
    for (let n: usize = 0; n < <usize>N; n++) {
      copyRow(C, source + <usize>load<i32>(rows + (n << 2)) * size, to);
      to += size;
    }
    source += <usize>N * size;
  }
}
