// Copies of blocks of four axes, from strides to strides in bytes.

/** A number that is 0, to fill with: it is read with strides of 0. */
const ZERO: usize = memory.data<i32>([0, 0, 0, 0]);

/** The address of a 0. */
export function zero(): usize {
  return ZERO;
}

/** Bits, or with `accumulate` sums of f32. The last axis is the innermost. */
export function copyStrided(
  n0: i32,
  n1: i32,
  n2: i32,
  n3: i32,
  source: usize,
  s0: usize,
  s1: usize,
  s2: usize,
  s3: usize,
  to: usize,
  t0: usize,
  t1: usize,
  t2: usize,
  t3: usize,
  accumulate: i32,
): void {
  for (let i: i32 = 0; i < n0; i++) {
    for (let j: i32 = 0; j < n1; j++) {
      const from = source + <usize>i * s0 + <usize>j * s1;
      const at = to + <usize>i * t0 + <usize>j * t1;
      if (t3 === 4 && s3 === 4) copyRows(n2, n3, from, s2, at, t2, accumulate);
      else if (t3 === 4 && s2 === 4) transpose(n2, n3, from, s3, at, t2, accumulate);
      else copyPlain(n2, n3, from, s2, s3, at, t2, t3, accumulate);
    }
  }
}

function putFour(at: usize, v: v128, accumulate: i32): void {
  v128.store(at, accumulate ? f32x4.add(v, v128.load(at)) : v);
}

function putOne(at: usize, from: usize, accumulate: i32): void {
  if (accumulate) store<f32>(at, load<f32>(at) + load<f32>(from));
  else store<i32>(at, load<i32>(from));
}

function copyRows(rows: i32, columns: i32, from: usize, s: usize, to: usize, t: usize, accumulate: i32): void {
  for (let r: i32 = 0; r < rows; r++) {
    let x = from;
    let at = to;
    const end = to + ((<usize>columns) << 2);
    for (; at + 16 <= end; at += 16) {
      putFour(at, v128.load(x), accumulate);
      x += 16;
    }
    for (; at < end; at += 4) {
      putOne(at, x, accumulate);
      x += 4;
    }
    from += s;
    to += t;
  }
}

/** Columns of the source are rows of the result: four by four numbers at a time. */
function transpose(rows: i32, columns: i32, from: usize, s: usize, to: usize, t: usize, accumulate: i32): void {
  let r: i32 = 0;
  for (; r + 4 <= rows; r += 4) {
    let x = from;
    let at = to;
    let c: i32 = 0;
    for (; c + 4 <= columns; c += 4) {
      const v0 = v128.load(x);
      const v1 = v128.load(x + s);
      const v2 = v128.load(x + s * 2);
      const v3 = v128.load(x + s * 3);
      const a01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
      const b01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
      const a23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
      const b23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
      putFour(at, v128.shuffle<f32>(a01, a23, 0, 1, 4, 5), accumulate);
      putFour(at + t, v128.shuffle<f32>(a01, a23, 2, 3, 6, 7), accumulate);
      putFour(at + t * 2, v128.shuffle<f32>(b01, b23, 0, 1, 4, 5), accumulate);
      putFour(at + t * 3, v128.shuffle<f32>(b01, b23, 2, 3, 6, 7), accumulate);
      x += s * 4;
      at += 16;
    }
    copyPlain(4, columns - c, x, 4, s, at, t, 4, accumulate);
    from += 16;
    to += t * 4;
  }
  copyPlain(rows - r, columns, from, 4, s, to, t, 4, accumulate);
}

function copyPlain(
  rows: i32,
  columns: i32,
  from: usize,
  s: usize,
  sColumn: usize,
  to: usize,
  t: usize,
  tColumn: usize,
  accumulate: i32,
): void {
  for (let r: i32 = 0; r < rows; r++) {
    let x = from;
    let at = to;
    for (let c: i32 = 0; c < columns; c++) {
      putOne(at, x, accumulate);
      x += sColumn;
      at += tColumn;
    }
    from += s;
    to += t;
  }
}
