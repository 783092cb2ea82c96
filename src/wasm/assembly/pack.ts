// The operands of a matrix product as its tiles read them: one number after the other.

export const FLOAT: usize = 4;
/** Numbers of k and rows of A that are packed at a time, and columns of a panel of B. */
export const BLOCK_K: i32 = 256;
export const BLOCK_M: i32 = 128;
export const PANEL: i32 = 8;

/** Bytes from one k to the next: of four packed rows of A, and of a packed panel of B. */
export const STRIP_STEP: usize = 4 * FLOAT;
export const PANEL_STEP: usize = <usize>PANEL * FLOAT;
/** Bytes from four packed rows of A to the next four: their numbers, and a cache line, so that they do not share its sets. */
export const STRIP: usize = <usize>BLOCK_K * STRIP_STEP + 64;

/** Rows of A, four in a strip: their numbers of a column stand beside each other. Rows that are not there stay as they were. */
export function packRows(rows: i32, K: i32, a: usize, aRow: usize, aColumn: usize, to: usize): void {
  if (aColumn === FLOAT) {
    for (; rows >= 4; rows -= 4) {
      packFour(K, a, aRow, to, STRIP_STEP);
      a += aRow * 4;
      to += STRIP;
    }
  }
  for (let k: i32 = 0; k < K; k++) {
    let from = a + <usize>k * aColumn;
    let at = to + <usize>k * STRIP_STEP;
    let m: i32 = 0;
    if (aRow === FLOAT) {
      for (; m + 4 <= rows; m += 4) {
        v128.store(at, v128.load(from));
        from += 16;
        at += STRIP;
      }
    }
    for (; m < rows; m++) {
      store<f32>(at, load<f32>(from));
      from += aRow;
      at += (m & 3) === 3 ? STRIP - 12 : FLOAT;
    }
  }
}

/** Columns of B beside each other, eight in a row; those that are not there are zero. */
export function packPanel(columns: i32, K: i32, b: usize, bRow: usize, bColumn: usize, to: usize): void {
  if (columns === PANEL && bColumn === FLOAT) {
    for (let k: i32 = 0; k < K; k++) {
      v128.store(to, v128.load(b));
      v128.store(to + 16, v128.load(b + 16));
      b += bRow;
      to += PANEL_STEP;
    }
    return;
  }
  if (columns === PANEL && bRow === FLOAT) {
    packFour(K, b, bColumn, to, PANEL_STEP);
    packFour(K, b + bColumn * 4, bColumn, to + 16, PANEL_STEP);
    return;
  }
  for (let n: i32 = 0; n < PANEL; n++) {
    let from = b + <usize>n * bColumn;
    let at = to + ((<usize>n) << 2);
    for (let k: i32 = 0; k < K; k++) {
      store<f32>(at, n < columns ? load<f32>(from) : 0);
      from += bRow;
      at += PANEL_STEP;
    }
  }
}

/** Four stretches of K numbers, `stride` apart: their numbers stand beside each other, and `step` from one k to the next. */
function packFour(K: i32, from: usize, stride: usize, to: usize, step: usize): void {
  let k: i32 = 0;
  for (; k + 4 <= K; k += 4) {
    const v0 = v128.load(from);
    const v1 = v128.load(from + stride);
    const v2 = v128.load(from + stride * 2);
    const v3 = v128.load(from + stride * 3);
    const a01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
    const b01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const a23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const b23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(a01, a23, 0, 1, 4, 5));
    v128.store(to + step, v128.shuffle<f32>(a01, a23, 2, 3, 6, 7));
    v128.store(to + step * 2, v128.shuffle<f32>(b01, b23, 0, 1, 4, 5));
    v128.store(to + step * 3, v128.shuffle<f32>(b01, b23, 2, 3, 6, 7));
    from += 16;
    to += step * 4;
  }
  for (; k < K; k++) {
    store<f32>(to, load<f32>(from));
    store<f32>(to + 4, load<f32>(from + stride));
    store<f32>(to + 8, load<f32>(from + stride * 2));
    store<f32>(to + 12, load<f32>(from + stride * 3));
    from += FLOAT;
    to += step;
  }
}
