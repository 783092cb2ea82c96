// y[n,c] = (x[n,c] - mean) / sqrt(variance + eps) * weight[c] + bias[c], mean and (biased) variance of row n, which are kept
// for the gradient. LANES invocations share a row, ROWS rows a workgroup.

// #include "lib/row-reduction.wgsl"

struct Params {
  N: u32, // rows
  C: u32, // columns
  hasWeight: u32,
  hasBias: u32,
  eps: f32,
  xOffset: u32,
  weightOffset: u32,
  biasOffset: u32,
  yOffset: u32,
  statsOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [N,C]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [C]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [C]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [N,C]
@group(0) @binding(5) var<storage, read_write> stats: array<f32>; // [N,2] mean and 1 / standard deviation

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
    let row = params.xOffset + n * params.C;

    var sum = 0.0;
    for (var c = lane; c < params.C; c += LANES) {
      sum += x[row + c];
    }
    let mean = rowSum(sum, base, lane) / f32(params.C);

    var squares = 0.0;
    for (var c = lane; c < params.C; c += LANES) {
      let deviation = x[row + c] - mean;
      squares += deviation * deviation;
    }
    let inverse = 1.0 / sqrt(rowSum(squares, base, lane) / f32(params.C) + params.eps);

    if (row0 + local.y < params.N) {
      if (lane == 0u) {
        stats[params.statsOffset + 2u * n] = mean;
        stats[params.statsOffset + 2u * n + 1u] = inverse;
      }
      for (var c = lane; c < params.C; c += LANES) {
        var value = (x[row + c] - mean) * inverse;
        if (params.hasWeight != 0u) {
          value *= weight[params.weightOffset + c];
        }
        if (params.hasBias != 0u) {
          value += bias[params.biasOffset + c];
        }
        y[params.yOffset + n * params.C + c] = value;
      }
    }
  }
}
