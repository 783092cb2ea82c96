// The K largest numbers of every row in descending order, and where they stand: y[a,k,c] = x[a,index[a,k,c],c]. Of equal ones the
// first goes first, and NaN before all others. SMALLEST: the smallest ones, ascending.

// #include "lib/finite.wgsl"

struct Params {
  A: u32,
  R: u32, // numbers in a row
  C: u32,
  K: u32,
  xOffset: u32,
  yOffset: u32,
  indexOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [A,R,C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [A,K,C]
@group(0) @binding(3) var<storage, read_write> index: array<i32>; // [A,K,C]

// Whether number p at place i goes before number q at place j.
fn isBefore(p: f32, i: u32, q: f32, j: u32) -> bool {
  if (isNaN(p) || isNaN(q)) {
    return isNaN(p) && (!isNaN(q) || i < j);
  }
  if (p == q) {
    return i < j;
  }
  return select(p > q, p < q, SMALLEST);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.A * params.C; i += groups.x * 64u) {
    let a = i / params.C;
    let c = i % params.C;
    let row = params.xOffset + a * params.R * params.C + c;
    var last = 0.0;
    var lastAt = 0u;
    for (var k = 0u; k < params.K; k++) {
      var best = 0.0;
      var bestAt = params.R;
      for (var r = 0u; r < params.R; r++) {
        let now = x[row + r * params.C];
        let isLeft = k == 0u || isBefore(last, lastAt, now, r);
        if (isLeft && (bestAt == params.R || isBefore(now, r, best, bestAt))) {
          best = now;
          bestAt = r;
        }
      }
      let at = (a * params.K + k) * params.C + c;
      y[params.yOffset + at] = best;
      index[params.indexOffset + at] = i32(bestAt);
      last = best;
      lastAt = bestAt;
    }
  }
}
