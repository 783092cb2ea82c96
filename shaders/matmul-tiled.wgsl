// The same product as matmul.wgsl for adapters with fast workgroup memory: a workgroup owns TILE x TILE results, each of its
// 16 x 16 invocations a 4 x 4 register tile of them, and K goes through workgroup memory in slabs of SLAB.
// Reads of a slab go along whichever axis is contiguous, so that neighbours read neighbouring words.

// #include "lib/group-index.wgsl"

const TILE = 64u;
const SLAB = 16u;

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

var<workgroup> aSlab: array<array<f32, TILE>, SLAB>; // [k][m]
var<workgroup> bSlab: array<array<f32, TILE>, SLAB>; // [k][n]

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let columnTiles = (params.N + TILE - 1u) / TILE;
  let rowTiles = (params.M + TILE - 1u) / TILE;
  let tile = groupIndex(group, groups);
  let z = tile / columnTiles / rowTiles % params.Z;
  let part = tile / columnTiles / rowTiles / params.Z;
  let first = part * params.kPart;
  if (first >= params.K) {
    return;
  }
  let end = min(first + params.kPart, params.K);
  let m0 = tile / columnTiles % rowTiles * TILE;
  let n0 = tile % columnTiles * TILE;
  let aBase = params.aOffset + z * params.aBatch;
  let bBase = params.bOffset + z * params.bBatch;
  var sum: array<f32, 16>;
  var total: array<f32, 4>;

  for (var k0 = first; k0 < end; k0 += SLAB) {
    for (var i = index; i < TILE * SLAB; i += 256u) {
      let across = params.aColumn == 1u;
      let dk = select(i / TILE, i % SLAB, across);
      let dm = select(i % TILE, i / SLAB, across);
      let m = min(m0 + dm, params.M - 1u);
      let k = min(k0 + dk, end - 1u);
      let at = aBase + m * params.aRow + select(0u, params.mShift, m >= params.mSplit)
        + k * params.aColumn + select(0u, params.kShift, k >= params.kSplit);
      aSlab[dk][dm] = select(0.0, a[at], k0 + dk < end);
    }
    for (var i = index; i < TILE * SLAB; i += 256u) {
      let across = params.bRow == 1u;
      let dk = select(i / TILE, i % SLAB, across);
      let dn = select(i % TILE, i / SLAB, across);
      let n = min(n0 + dn, params.N - 1u);
      let k = min(k0 + dk, end - 1u);
      bSlab[dk][dn] = select(0.0, b[bBase + k * params.bRow + n * params.bColumn], k0 + dk < end);
    }
    workgroupBarrier();
    for (var k = 0u; k < SLAB; k++) {
      var left: array<f32, 4>;
      // #unroll
      for (var r = 0u; r < 4u; r++) {
        left[r] = aSlab[k][lane.y + r * 16u];
        total[r] += left[r];
      }
      // #unroll
      for (var j = 0u; j < 4u; j++) {
        let right = bSlab[k][lane.x + j * 16u];
        // #unroll
        for (var r = 0u; r < 4u; r++) {
          sum[r * 4u + j] += left[r] * right;
        }
      }
    }
    workgroupBarrier();
  }

  let cBase = params.cOffset + part * params.cPart;
  // #unroll
  for (var r = 0u; r < 4u; r++) {
    let m = m0 + lane.y + r * 16u;
    if (m < params.M) {
      // #unroll
      for (var j = 0u; j < 4u; j++) {
        let n = n0 + lane.x + j * 16u;
        if (n < params.N) {
          let at = cBase + z * params.cBatch + m * params.cRow + n;
          var value = sum[r * 4u + j];
          if (params.hasBias != 0u) {
            value += bias[params.biasOffset + z * params.biasBatch + n];
          }
          if (params.accumulate != 0u) {
            value += c[at];
          }
          c[at] = value;
        }
      }
      if (params.hasSum != 0u && n0 == 0u && lane.x == 0u) {
        let at = cBase + params.sumAt + z * params.sumBatch + m;
        c[at] = select(0.0, c[at], params.accumulate != 0u) + total[r];
      }
    }
  }
}
