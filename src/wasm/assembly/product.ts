// Matrix products: C[M,N] = A[M,K]·B[K,N], by strides in bytes. Strides of a column are 4 where a matrix lies row by row.
// Many rows: blocks of A and panels of B are packed (Goto and van de Geijn 2008), and a tile of 4 rows × 8 columns stays in
// registers: 128-bit SIMD on x86 has 16 of them. A tile of 6 rows is a sixth faster with relaxed SIMD in Node 24, and slower by a
// quarter in Node 20, whose compiler loads all operands of a step first. Few rows: packing would cost more than it saves.
import { madd } from "./madd";
import { BLOCK_K, BLOCK_M, FLOAT, PANEL, PANEL_STEP, packPanel, packRows, STRIP, STRIP_STEP } from "./pack";

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
  } else if (N === 1 && aColumn === FLOAT && bRow === FLOAT && cRow === FLOAT) {
    oneColumn(M, K, a, aRow, b, c, bias, mode);
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
    s = madd(x1, v128.load(y + r1), s);
    t = madd(x5, v128.load(z + r1), t);
    s = madd(x2, v128.load(y + r2), s);
    t = madd(x6, v128.load(z + r2), t);
    s = madd(x3, v128.load(y + r3), s);
    t = madd(x7, v128.load(z + r3), t);
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
    v128.store(c, madd(xs, v128.load(b), v128.load(c)));
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
      s0 = madd(v, v128.load(y0), s0);
      s1 = madd(v, v128.load(y1), s1);
      s2 = madd(v, v128.load(y2), s2);
      s3 = madd(v, v128.load(y3), s3);
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
      sum = madd(v128.load_splat<f32>(x), column, sum);
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

/** One column, as the row that it is in memory: Cᵀ = Bᵀ·Aᵀ. */
function oneColumn(M: i32, K: i32, a: usize, aRow: usize, b: usize, c: usize, bias: usize, mode: i32): void {
  if (mode & BIAS) {
    // One number for all, where dotRow has one for each result.
    for (let m: i32 = 0; m < M; m++) storeOne(c + ((<usize>m) << 2), 0, bias, mode);
    mode = ACCUMULATE;
  }
  dotRow(M, K, b, a, aRow, c, 0, mode);
}

// Many rows.

/** Four packed rows times a packed panel; stores the first `rows` and `columns` of them. */
function tile(
  K: i32,
  a: usize,
  b: usize,
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
  const end = a + <usize>K * STRIP_STEP;
  for (; a < end; a += STRIP_STEP) {
    const y0 = v128.load(b);
    const y1 = v128.load(b, 16);
    const x0 = v128.load_splat<f32>(a);
    s00 = madd(x0, y0, s00);
    s01 = madd(x0, y1, s01);
    const x1 = v128.load_splat<f32>(a, 4);
    s10 = madd(x1, y0, s10);
    s11 = madd(x1, y1, s11);
    const x2 = v128.load_splat<f32>(a, 8);
    s20 = madd(x2, y0, s20);
    s21 = madd(x2, y1, s21);
    const x3 = v128.load_splat<f32>(a, 12);
    s30 = madd(x3, y0, s30);
    s31 = madd(x3, y1, s31);
    b += PANEL_STEP;
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
      packRows(ms, ks, a + <usize>m * aRow + <usize>k * aColumn, aRow, aColumn, workspace);
      for (let n: i32 = 0; n < N; n += PANEL) {
        const ns = min(PANEL, N - n);
        const column = (<usize>n) << 2;
        packPanel(ns, ks, b + <usize>k * bRow + <usize>n * bColumn, bRow, bColumn, panel);
        let at = c + <usize>m * cRow + column;
        let strip = workspace;
        for (let i: i32 = 0; i < ms; i += 4) {
          tile(ks, strip, panel, at, cRow, ms - i, ns, bias + column, mode);
          strip += STRIP;
          at += cRow * 4;
        }
      }
    }
    // What the first block left is added to.
    mode = ACCUMULATE;
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
