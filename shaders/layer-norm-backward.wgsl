// gradient[n,c] (+)= inverse * (g - mean of g - z * mean of g * z) with g = outputGradient * weight and z the normalised x,
// means over the row. LANES invocations share a row, ROWS rows a workgroup.

// #include "lib/row-reduction.wgsl"

struct Params {
  N: u32, // rows
  C: u32, // columns
  hasWeight: u32,
  accumulate: u32, // 1: add to what gradient holds
  xOffset: u32,
  weightOffset: u32,
  statsOffset: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [N,C]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [C]
@group(0) @binding(3) var<storage, read> stats: array<f32>; // [N,2] mean and 1 / standard deviation
@group(0) @binding(4) var<storage, read> outputGradient: array<f32>; // [N,C]
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>; // [N,C]

fn scaled(at: u32, c: u32) -> f32 {
  var value = outputGradient[params.outputGradientOffset + at + c];
  if (params.hasWeight != 0u) {
    value *= weight[params.weightOffset + c];
  }
  return value;
}

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let base = local.y * LANES;
  for (var row0 = group.x * ROWS; row0 < params.N; row0 += groups.x * ROWS) {
    let n = min(row0 + local.y, params.N - 1u);
    let at = n * params.C;
    let mean = stats[params.statsOffset + 2u * n];
    let inverse = stats[params.statsOffset + 2u * n + 1u];

    var sum = vec2f(0.0);
    for (var c = lane; c < params.C; c += LANES) {
      let g = scaled(at, c);
      sum += vec2f(g, g * (x[params.xOffset + at + c] - mean) * inverse);
    }
    let means = vec2f(rowSum(sum.x, base, lane), rowSum(sum.y, base, lane)) / f32(params.C);

    if (row0 + local.y < params.N) {
      for (var c = lane; c < params.C; c += LANES) {
        let z = (x[params.xOffset + at + c] - mean) * inverse;
        let index = params.gradientOffset + at + c;
        var value = inverse * (scaled(at, c) - means.x - z * means.y);
        if (params.accumulate != 0u) {
          value += gradient[index];
        }
        gradient[index] = value;
      }
    }
  }
}
