// logSum[n] = log(sum over v of exp(logits[n,v])), NaN where a logit is not finite. LANES invocations share a row, ROWS
// rows a workgroup.

// #include "lib/finite.wgsl"
// #include "lib/row-reduction.wgsl"

struct Params {
  N: u32, // rows
  V: u32, // classes
  nan: u32, // bits of NaN, given at run time because a constant one does not compile
  logitsOffset: u32,
  logSumOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [N,V]
@group(0) @binding(2) var<storage, read_write> logSum: array<f32>; // [N]

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let base = local.y * LANES;
  for (var row0 = group.x * ROWS; row0 < params.N; row0 += groups.x * ROWS) {
    let n = row0 + local.y;
    let row = params.logitsOffset + min(n, params.N - 1u) * params.V;

    var largest = -3.4028234e38;
    var bad = false;
    for (var v = lane; v < params.V; v += LANES) {
      largest = max(largest, logits[row + v]);
      bad = bad || isBad(logits[row + v]);
    }
    largest = rowMax(select(largest, 3.4e38, bad), base, lane);
    bad = largest >= 3.3e38;

    var sum = 0.0;
    for (var v = lane; v < params.V; v += LANES) {
      sum += exp(logits[row + v] - largest);
    }
    let total = rowSum(sum, base, lane);
    if (lane == 0u && n < params.N) {
      logSum[params.logSumOffset + n] = select(log(total) + largest, bitcast<f32>(params.nan), bad);
    }
  }
}
