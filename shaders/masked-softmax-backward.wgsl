// scoreGradient (+)= scale * w * (dw - sum over s of w * dw), w the weights of a row: 0 wherever a weight is 0.
// LANES invocations share a row, ROWS rows a workgroup.

// #include "lib/row-reduction.wgsl"

struct Params {
  R: u32, // rows
  S: u32, // columns
  accumulate: u32, // 1: add to what scoreGradient holds
  scale: f32,
  weightsOffset: u32,
  weightGradientOffset: u32,
  scoreGradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>; // [R,S]
@group(0) @binding(2) var<storage, read> weightGradient: array<f32>; // [R,S]
@group(0) @binding(3) var<storage, read_write> scoreGradient: array<f32>; // [R,S]

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let base = local.y * LANES;
  for (var row0 = group.x * ROWS; row0 < params.R; row0 += groups.x * ROWS) {
    let at = min(row0 + local.y, params.R - 1u) * params.S;

    var sum = 0.0;
    for (var s = lane; s < params.S; s += LANES) {
      sum += weights[params.weightsOffset + at + s] * weightGradient[params.weightGradientOffset + at + s];
    }
    let total = rowSum(sum, base, lane);

    if (row0 + local.y < params.R) {
      for (var s = lane; s < params.S; s += LANES) {
        let weight = weights[params.weightsOffset + at + s];
        let gradient = weightGradient[params.weightGradientOffset + at + s];
        let index = params.scoreGradientOffset + at + s;
        var value = params.scale * weight * (gradient - total);
        if (params.accumulate != 0u) {
          value += scoreGradient[index];
        }
        scoreGradient[index] = value;
      }
    }
  }
}
