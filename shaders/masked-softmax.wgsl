// weights[t,b,s] = softmax over the real s of scale * scores[t,b,s]; 0 where mask[s,b] is 0, and everywhere when no s is real.
// LANES invocations share a row, ROWS rows a workgroup.

// #include "lib/row-reduction.wgsl"

struct Params {
  R: u32, // rows: T * B
  B: u32, // sequences
  S: u32, // columns
  hasMask: u32,
  scale: f32,
  scoresOffset: u32,
  maskOffset: u32,
  weightsOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>; // [R,S]
@group(0) @binding(2) var<storage, read> mask: array<i32>; // [S,B]
@group(0) @binding(3) var<storage, read_write> weights: array<f32>; // [R,S]

fn isReal(s: u32, row: u32) -> bool {
  if (params.hasMask == 0u) {
    return true;
  }
  return mask[params.maskOffset + s * params.B + row % params.B] != 0;
}

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let base = local.y * LANES;
  for (var row0 = group.x * ROWS; row0 < params.R; row0 += groups.x * ROWS) {
    let row = min(row0 + local.y, params.R - 1u);
    let start = params.scoresOffset + row * params.S;

    var largest = -3.4028234e38;
    for (var s = lane; s < params.S; s += LANES) {
      if (isReal(s, row)) {
        largest = max(largest, params.scale * scores[start + s]);
      }
    }
    largest = rowMax(largest, base, lane);

    var sum = 0.0;
    for (var s = lane; s < params.S; s += LANES) {
      if (isReal(s, row)) {
        sum += exp(params.scale * scores[start + s] - largest);
      }
    }
    let total = rowSum(sum, base, lane);

    if (row0 + local.y < params.R) {
      for (var s = lane; s < params.S; s += LANES) {
        var weight = 0.0;
        if (isReal(s, row)) {
          weight = exp(params.scale * scores[start + s] - largest) / total;
        }
        weights[params.weightsOffset + row * params.S + s] = weight;
      }
    }
  }
}
