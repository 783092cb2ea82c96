// Matrix products: C[M,N] = A[M,K]·B[K,N], by strides in bytes. Strides of a column are 4 where a matrix lies row by row.
// Many rows: blocks of A and panels of B are packed (Goto and van de Geijn 2008), and a tile of 4 rows × 8 columns stays in
// registers: 128-bit SIMD on x86 has 16 of them. Few rows: packing would cost more than it saves.

const FLOAT: usize = 4;
/** Numbers of k and rows of A that are packed at a time, and columns of a panel of B. */
const BLOCK_K: i32 = 256;
const BLOCK_M: i32 = 128;
const PANEL: i32 = 8;

/** Bytes from four packed rows of A to the next four: their numbers, and a cache line, so that they do not share its sets. */
const STRIP: usize = <usize>(BLOCK_K * 4) * FLOAT + 64;
/** Where the packed panel of B lies in the workspace: behind the packed block of A. */
const PANEL_AT: usize = <usize>(BLOCK_M / 4) * STRIP;

/** What a result becomes besides the product. */
const BIAS: i32 = 1;
const ACCUMULATE: i32 = 2;

/** Bytes of workspace that `product` takes. */
export function productWorkspace(): i32 {
  return <i32>PANEL_AT + BLOCK_K * PANEL * 4;
}

/** C = A·B, + bias[N] where `bias` is no 0, + C where `accumulate`. */
export function product(
  M: i32,
  N: i32,
  K: i32,
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  bColumn: usize,
  c: usize,
  cRow: usize,
  bias: usize,
  accumulate: i32,
  workspace: usize,
): void {
  const mode: i32 = (bias ? BIAS : 0) | (accumulate ? ACCUMULATE : 0);
  if (K === 0) {
    for (let m: i32 = 0; m < M; m++) {
      for (let n: i32 = 0; n < N; n++)
        storeOne(c + <usize>m * cRow + ((<usize>n) << 2), 0, bias + ((<usize>n) << 2), mode);
    }
  } else if (bColumn === FLOAT && M < 8) {
    fewRows(M, N, K, a, aRow, aColumn, b, bRow, c, cRow, bias, mode);
  } else if (bRow === FLOAT && aColumn === FLOAT && M < 8) {
    for (let m: i32 = 0; m < M; m++) dotRow(N, K, a + <usize>m * aRow, b, bColumn, c + <usize>m * cRow, bias, mode);
  } else {
    packedProduct(M, N, K, a, aRow, aColumn, b, bRow, bColumn, c, cRow, bias, mode, workspace);
  }
}

function storeOne(at: usize, value: f32, bias: usize, mode: i32): void {
  if (mode & BIAS) value += load<f32>(bias);
  if (mode & ACCUMULATE) value += load<f32>(at);
  store<f32>(at, value);
}

function storeFour(at: usize, value: v128, bias: usize, mode: i32): void {
  if (mode & BIAS) value = f32x4.add(value, v128.load(bias));
  if (mode & ACCUMULATE) value = f32x4.add(value, v128.load(at));
  v128.store(at, value);
}

/** The first `count` numbers of a vector. */
function storeSome(at: usize, value: v128, count: i32, bias: usize, mode: i32): void {
  if (count >= 4) {
    storeFour(at, value, bias, mode);
    return;
  }
  if (count > 0) storeOne(at, f32x4.extract_lane(value, 0), bias, mode);
  if (count > 1) storeOne(at + 4, f32x4.extract_lane(value, 1), bias + 4, mode);
  if (count > 2) storeOne(at + 8, f32x4.extract_lane(value, 2), bias + 8, mode);
}

// Few rows, B row by row: rows of B are read once and in their order, eight at a time, and added to rows of C.

function fewRows(
  M: i32,
  N: i32,
  K: i32,
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  bias: usize,
  mode: i32,
): void {
  for (let m: usize = 0; m < <usize>M; m++) begin(N, c + m * cRow, bias, mode);
  let k: i32 = 0;
  for (; k + 8 <= K; k += 8) {
    for (let m: usize = 0; m < <usize>M; m++) addEight(N, a + m * aRow, aColumn, b, bRow, c + m * cRow);
    a += aColumn * 8;
    b += bRow * 8;
  }
  for (; k < K; k++) {
    for (let m: usize = 0; m < <usize>M; m++) addOne(N, a + m * aRow, b, c + m * cRow);
    a += aColumn;
    b += bRow;
  }
}

/** What a row of C is before the product is added to it. */
function begin(N: i32, c: usize, bias: usize, mode: i32): void {
  if (mode & ACCUMULATE) {
    if (!(mode & BIAS)) return;
    for (let n: i32 = 0; n < N; n++)
      store<f32>(c + ((<usize>n) << 2), load<f32>(c + ((<usize>n) << 2)) + load<f32>(bias + ((<usize>n) << 2)));
  } else if (mode & BIAS) {
    memory.copy(c, bias, (<usize>N) << 2);
  } else {
    memory.fill(c, 0, (<usize>N) << 2);
  }
}

function addEight(N: i32, a: usize, aColumn: usize, b: usize, bRow: usize, c: usize): void {
  const x0 = v128.load_splat<f32>(a);
  const x1 = v128.load_splat<f32>(a + aColumn);
  const x2 = v128.load_splat<f32>(a + aColumn * 2);
  const x3 = v128.load_splat<f32>(a + aColumn * 3);
  const x4 = v128.load_splat<f32>(a + aColumn * 4);
  const x5 = v128.load_splat<f32>(a + aColumn * 5);
  const x6 = v128.load_splat<f32>(a + aColumn * 6);
  const x7 = v128.load_splat<f32>(a + aColumn * 7);
  const r1 = bRow;
  const r2 = bRow * 2;
  const r3 = bRow * 3;
  let y = b;
  let z = b + bRow * 4;
  const end = c + ((<usize>N) << 2);
  for (; c + 16 <= end; c += 16) {
    let s = f32x4.mul(x0, v128.load(y));
    let t = f32x4.mul(x4, v128.load(z));
    s = f32x4.add(s, f32x4.mul(x1, v128.load(y + r1)));
    t = f32x4.add(t, f32x4.mul(x5, v128.load(z + r1)));
    s = f32x4.add(s, f32x4.mul(x2, v128.load(y + r2)));
    t = f32x4.add(t, f32x4.mul(x6, v128.load(z + r2)));
    s = f32x4.add(s, f32x4.mul(x3, v128.load(y + r3)));
    t = f32x4.add(t, f32x4.mul(x7, v128.load(z + r3)));
    v128.store(c, f32x4.add(f32x4.add(s, t), v128.load(c)));
    y += 16;
    z += 16;
  }
  for (; c < end; c += 4) {
    let s: f32 = 0;
    for (let k: usize = 0; k < 8; k++) s += load<f32>(a + k * aColumn) * load<f32>(y + k * bRow);
    store<f32>(c, load<f32>(c) + s);
    y += 4;
  }
}

function addOne(N: i32, a: usize, b: usize, c: usize): void {
  const x = load<f32>(a);
  const xs = f32x4.splat(x);
  const end = c + ((<usize>N) << 2);
  for (; c + 16 <= end; c += 16) {
    v128.store(c, f32x4.add(v128.load(c), f32x4.mul(xs, v128.load(b))));
    b += 16;
  }
  for (; c < end; c += 4) {
    store<f32>(c, load<f32>(c) + x * load<f32>(b));
    b += 4;
  }
}

/** One row where B lies column by column: every result is a dot product, four at a time. */
function dotRow(N: i32, K: i32, a: usize, b: usize, bColumn: usize, c: usize, bias: usize, mode: i32): void {
  let n: i32 = 0;
  for (; n + 4 <= N; n += 4) {
    let x = a;
    let y0 = b + <usize>n * bColumn;
    let y1 = y0 + bColumn;
    let y2 = y1 + bColumn;
    let y3 = y2 + bColumn;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let k: i32 = 0;
    for (; k + 4 <= K; k += 4) {
      const v = v128.load(x);
      s0 = f32x4.add(s0, f32x4.mul(v, v128.load(y0)));
      s1 = f32x4.add(s1, f32x4.mul(v, v128.load(y1)));
      s2 = f32x4.add(s2, f32x4.mul(v, v128.load(y2)));
      s3 = f32x4.add(s3, f32x4.mul(v, v128.load(y3)));
      x += 16;
      y0 += 16;
      y1 += 16;
      y2 += 16;
      y3 += 16;
    }
    // The transpose of the four sums, added up.
    const a01 = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5);
    const b01 = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
    const a23 = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
    const b23 = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
    const p01 = f32x4.add(a01, b01);
    const p23 = f32x4.add(a23, b23);
    let sum = f32x4.add(v128.shuffle<f32>(p01, p23, 0, 1, 4, 5), v128.shuffle<f32>(p01, p23, 2, 3, 6, 7));
    for (; k < K; k++) {
      const column = f32x4(load<f32>(y0), load<f32>(y1), load<f32>(y2), load<f32>(y3));
      sum = f32x4.add(sum, f32x4.mul(v128.load_splat<f32>(x), column));
      x += 4;
      y0 += 4;
      y1 += 4;
      y2 += 4;
      y3 += 4;
    }
    storeFour(c + ((<usize>n) << 2), sum, bias + ((<usize>n) << 2), mode);
  }
  for (; n < N; n++) {
    const y = b + <usize>n * bColumn;
    let sum: f32 = 0;
    for (let k: i32 = 0; k < K; k++) sum += load<f32>(a + ((<usize>k) << 2)) * load<f32>(y + ((<usize>k) << 2));
    storeOne(c + ((<usize>n) << 2), sum, bias + ((<usize>n) << 2), mode);
  }
}

// Many rows.

/** Four rows, at distances r1 to r3 from the first, times eight columns; stores the first `rows` and `columns` of them. */
function tile(
  K: i32,
  a: usize,
  r1: usize,
  r2: usize,
  r3: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  rows: i32,
  columns: i32,
  bias: usize,
  mode: i32,
): void {
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  for (let k: i32 = 0; k < K; k++) {
    const y0 = v128.load(b);
    const y1 = v128.load(b, 16);
    const x0 = v128.load_splat<f32>(a);
    s00 = f32x4.add(s00, f32x4.mul(x0, y0));
    s01 = f32x4.add(s01, f32x4.mul(x0, y1));
    const x1 = v128.load_splat<f32>(a + r1);
    s10 = f32x4.add(s10, f32x4.mul(x1, y0));
    s11 = f32x4.add(s11, f32x4.mul(x1, y1));
    const x2 = v128.load_splat<f32>(a + r2);
    s20 = f32x4.add(s20, f32x4.mul(x2, y0));
    s21 = f32x4.add(s21, f32x4.mul(x2, y1));
    const x3 = v128.load_splat<f32>(a + r3);
    s30 = f32x4.add(s30, f32x4.mul(x3, y0));
    s31 = f32x4.add(s31, f32x4.mul(x3, y1));
    a += aColumn;
    b += bRow;
  }
  storeSome(c, s00, columns, bias, mode);
  storeSome(c + 16, s01, columns - 4, bias + 16, mode);
  if (rows < 2) return;
  c += cRow;
  storeSome(c, s10, columns, bias, mode);
  storeSome(c + 16, s11, columns - 4, bias + 16, mode);
  if (rows < 3) return;
  c += cRow;
  storeSome(c, s20, columns, bias, mode);
  storeSome(c + 16, s21, columns - 4, bias + 16, mode);
  if (rows < 4) return;
  c += cRow;
  storeSome(c, s30, columns, bias, mode);
  storeSome(c + 16, s31, columns - 4, bias + 16, mode);
}

function packedProduct(
  M: i32,
  N: i32,
  K: i32,
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  bColumn: usize,
  c: usize,
  cRow: usize,
  bias: usize,
  mode: i32,
  workspace: usize,
): void {
  const panel = workspace + PANEL_AT;
  for (let k: i32 = 0; k < K; k += BLOCK_K) {
    const ks = min(BLOCK_K, K - k);
    for (let m: i32 = 0; m < M; m += BLOCK_M) {
      const ms = min(BLOCK_M, M - m);
      const block = a + <usize>m * aRow + <usize>k * aColumn;
      const isPacked = aColumn !== FLOAT;
      if (isPacked) packRows(ms, ks, block, aRow, aColumn, workspace);
      const row = isPacked ? FLOAT : aRow;
      const step = isPacked ? 4 * FLOAT : FLOAT;
      for (let n: i32 = 0; n < N; n += PANEL) {
        const ns = min(PANEL, N - n);
        const column = (<usize>n) << 2;
        packPanel(ns, ks, b + <usize>k * bRow + <usize>n * bColumn, bRow, bColumn, panel);
        for (let i: i32 = 0; i < ms; i += 4) {
          const rows = ms - i;
          // Rows that are not there are the first one once more.
          const r1 = rows > 1 ? row : 0;
          const r2 = rows > 2 ? row * 2 : 0;
          const r3 = rows > 3 ? row * 3 : 0;
          const at = c + <usize>(m + i) * cRow + column;
          const from = isPacked ? workspace + <usize>(i >> 2) * STRIP : block + <usize>i * row;
          tile(ks, from, r1, r2, r3, step, panel, <usize>PANEL * FLOAT, at, cRow, rows, ns, bias + column, mode);
        }
      }
    }
    // What the first block left is added to.
    mode = ACCUMULATE;
  }
}

/** Rows of A, four in a strip: their numbers of a column stand beside each other. */
function packRows(rows: i32, K: i32, a: usize, aRow: usize, aColumn: usize, to: usize): void {
  for (let k: i32 = 0; k < K; k++) {
    let from = a + <usize>k * aColumn;
    let at = to + ((<usize>k) << 4);
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
function packPanel(columns: i32, K: i32, b: usize, bRow: usize, bColumn: usize, to: usize): void {
  const step = <usize>PANEL * FLOAT;
  if (columns === PANEL && bColumn === FLOAT) {
    for (let k: i32 = 0; k < K; k++) {
      v128.store(to, v128.load(b));
      v128.store(to + 16, v128.load(b + 16));
      b += bRow;
      to += step;
    }
    return;
  }
  if (columns === PANEL && bRow === FLOAT) {
    packColumns(K, b, bColumn, to);
    packColumns(K, b + bColumn * 4, bColumn, to + 16);
    return;
  }
  for (let n: i32 = 0; n < PANEL; n++) {
    let from = b + <usize>n * bColumn;
    let at = to + ((<usize>n) << 2);
    for (let k: i32 = 0; k < K; k++) {
      store<f32>(at, n < columns ? load<f32>(from) : 0);
      from += bRow;
      at += step;
    }
  }
}

/** Four columns that lie one after the other each. */
function packColumns(K: i32, b: usize, bColumn: usize, to: usize): void {
  const step = <usize>PANEL * FLOAT;
  let k: i32 = 0;
  for (; k + 4 <= K; k += 4) {
    const v0 = v128.load(b);
    const v1 = v128.load(b + bColumn);
    const v2 = v128.load(b + bColumn * 2);
    const v3 = v128.load(b + bColumn * 3);
    const a01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
    const b01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const a23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const b23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(a01, a23, 0, 1, 4, 5));
    v128.store(to + step, v128.shuffle<f32>(a01, a23, 2, 3, 6, 7));
    v128.store(to + step * 2, v128.shuffle<f32>(b01, b23, 0, 1, 4, 5));
    v128.store(to + step * 3, v128.shuffle<f32>(b01, b23, 2, 3, 6, 7));
    b += 16;
    to += step * 4;
  }
  for (; k < K; k++) {
    store<f32>(to, load<f32>(b));
    store<f32>(to + 4, load<f32>(b + bColumn));
    store<f32>(to + 8, load<f32>(b + bColumn * 2));
    store<f32>(to + 12, load<f32>(b + bColumn * 3));
    b += FLOAT;
    to += step;
  }
}

/** sum[m] = the sum of row m of A, + sum[m] where `accumulate`. */
export function rowSums(M: i32, K: i32, a: usize, aRow: usize, aColumn: usize, sum: usize, accumulate: i32): void {
  if (!accumulate) memory.fill(sum, 0, (<usize>M) << 2);
  // Where a column is contiguous, all rows together: memory is read in its order.
  const columns: i32 = aRow === FLOAT ? K : 0;
  for (let k: usize = 0; k < <usize>columns; k++) {
    for (let m: i32 = 0; m < M; m += 4) {
      const at = (<usize>m) << 2;
      storeSome(sum + at, v128.load(a + k * aColumn + at), M - m, 0, ACCUMULATE);
    }
  }
  if (columns) return;
  for (let m: usize = 0; m < <usize>M; m++) {
    let total: f32 = 0;
    for (let k: usize = 0; k < <usize>K; k++) total += load<f32>(a + m * aRow + k * aColumn);
    storeOne(sum + (m << 2), total, 0, ACCUMULATE);
  }
}
