// c[m,n] (+)= sum over k of a[m,k] * b[k,n], plus bias[n], for every batch z.
// Parts of K run side by side and leave a sum each, where one product has too few results to fill the machine.
// Straight from storage into a register tile of ROWS x COLUMNS: no workgroup memory and no barrier, which suits
// software adapters, thin matrices, and operands with any strides (a transposed operand is a pair of strides).
// Neighbouring invocations take neighbouring columns, so that their reads of b and writes of c lie side by side; SHARED of them
// have the same rows of a (1: a workgroup may have any).

// #include "lib/group-index.wgsl"
// #include ROW_VALUES

struct Params {
  Z: u32,
  M: u32,
  N: u32,
  K: u32,
  kPart: u32, // K in parts of so many, the last one shorter; each part has results of its own
  cPart: u32, // stride of parts in c
  aRow: u32, // stride of m in a
  aColumn: u32, // stride of k in a
  mSplit: u32, // rows of a from mSplit on lie mShift further: separate gates
  mShift: u32,
  kSplit: u32, // the same for k
  kShift: u32,
  bRow: u32, // stride of k in b
  bColumn: u32, // stride of n in b
  cRow: u32, // stride of m in c; columns are contiguous
  aBatch: u32, // strides of z
  bBatch: u32,
  biasBatch: u32,
  cBatch: u32,
  sumBatch: u32,
  hasBias: u32,
  accumulate: u32, // 1: add to what c holds
  hasSum: u32, // 1: also sum[m] = sum over k of a[m,k], at c[sumAt + m]: a bias's gradient
  sumAt: u32, // from cOffset
  aOffset: u32,
  bOffset: u32,
  biasOffset: u32,
  cOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // [Z,M,K] by strides
@group(0) @binding(2) var<storage, read> b: array<f32>; // [Z,K,N] by strides
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [Z,N]
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // [Z,M,N] by strides

fn operand(i: u32) -> f32 {
  return a[i];
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let columnTiles = (params.N + COLUMNS - 1u) / COLUMNS;
  let rowTiles = (params.M + ROWS - 1u) / ROWS;
  // Those that have the same rows are SHARED in number, or a multiple: the last ones may have no columns.
  let across = (columnTiles + SHARED - 1u) / SHARED * SHARED;
  let apart = select(SHARED, across, SHARED == 1u);
  // A workgroup has one part of K, so that its invocations have as many rounds.
  let perPart = (across * rowTiles * params.Z + LANES - 1u) / LANES;
  let part = groupIndex(group, groups) / perPart;
  let index = groupIndex(group, groups) % perPart * LANES + lane;
  let columnTile = index % across;
  let rowTile = index / across % rowTiles;
  let z = index / across / rowTiles;
  let k0 = part * params.kPart;
  if (z >= params.Z || k0 >= params.K) {
    return;
  }

  // Rows and columns beyond the edge read the last one and are not stored.
  var aBase: array<u32, ROWS>;
  // #unroll
  for (var r = 0u; r < ROWS; r++) {
    let m = min(rowTile * ROWS + r, params.M - 1u);
    aBase[r] = params.aOffset + z * params.aBatch + m * params.aRow + select(0u, params.mShift, m >= params.mSplit);
  }
  let column0 = columnTile / apart * apart * COLUMNS + columnTile % apart;
  var bBase: array<u32, COLUMNS>;
  // #unroll
  for (var j = 0u; j < COLUMNS; j++) {
    let n = min(column0 + j * apart, params.N - 1u);
    bBase[j] = params.bOffset + z * params.bBatch + n * params.bColumn;
  }

  let base = basesOf(aBase);
  var sum: array<f32, ROWS * COLUMNS>;
  var total: array<f32, ROWS>;
  let end = min(k0 + params.kPart, params.K);
  for (var k = k0; k < end; k++) {
    let aStep = k * params.aColumn + select(0u, params.kShift, k >= params.kSplit);
    let bStep = k * params.bRow;
    let left = rowValues(base, aStep);
    // #unroll
    for (var r = 0u; r < ROWS; r++) {
      total[r] += left[r];
    }
    var right: array<f32, COLUMNS>;
    // #unroll
    for (var j = 0u; j < COLUMNS; j++) {
      right[j] = b[bBase[j] + bStep];
    }
    // #unroll
    for (var r = 0u; r < ROWS; r++) {
      // #unroll
      for (var j = 0u; j < COLUMNS; j++) {
        sum[r * COLUMNS + j] += left[r] * right[j];
      }
    }
  }

  // Copies for the loops below, whose indices are not constant: sum and total themselves then stay in registers. Written out, a
  // tile of 64 results took LLVM 14 seconds on a software adapter.
  var sums = sum;
  var totals = total;
  let cBase = params.cOffset + part * params.cPart;
  let row0 = rowTile * ROWS;
  let rows = min(ROWS, params.M - row0);
  let columns = select(min(COLUMNS, (params.N - column0 - 1u) / apart + 1u), 0u, column0 >= params.N);
  for (var r = 0u; r < rows; r++) {
    let cRow = cBase + z * params.cBatch + (row0 + r) * params.cRow;
    for (var j = 0u; j < columns; j++) {
      let n = column0 + j * apart;
      var value = sums[r * COLUMNS + j];
      if (params.hasBias != 0u) {
        value += bias[params.biasOffset + z * params.biasBatch + n];
      }
      if (params.accumulate != 0u) {
        value += c[cRow + n];
      }
      c[cRow + n] = value;
    }
    if (params.hasSum != 0u && columnTile == 0u) {
      let at = cBase + params.sumAt + z * params.sumBatch + row0 + r;
      c[at] = select(0.0, c[at], params.accumulate != 0u) + totals[r];
    }
  }
}
