// to[d,c] (+)= factor * sum over n of a[n,d,c], of a * b, or of a * (b - mean[n]) * inverse[n]: gradients of what was
// broadcast over rows (biases, scales, layer normalisation's weight). The sum has a fixed order: every lane its rows, then
// lane by lane.

struct Params {
  N: u32, // rows
  D: u32, // directions
  C: u32, // columns
  row: u32, // stride of n in a and b
  batch: u32, // stride of d in a and b
  factor: f32,
  accumulate: u32, // 1: add to what `to` holds
  aOffset: u32,
  bOffset: u32,
  statsOffset: u32,
  toOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // [N,D,C] by strides
@group(0) @binding(2) var<storage, read> b: array<f32>; // [N,D,C] by strides
@group(0) @binding(3) var<storage, read> stats: array<f32>; // [N,2] mean and 1 / standard deviation
@group(0) @binding(4) var<storage, read_write> to: array<f32>; // [D,C]

const COLUMNS = 16u;
const LANES = 8u;
var<workgroup> sums: array<f32, COLUMNS * LANES>;

@compute @workgroup_size(COLUMNS, LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let columns = params.D * params.C;
  for (var first = group.x * COLUMNS; first < columns; first += groups.x * COLUMNS) {
    let column = min(first + local.x, columns - 1u); // d * C + c
    let at = column / params.C * params.batch + column % params.C;
    var sum = 0.0;
    for (var n = local.y; n < params.N; n += LANES) {
      let index = at + n * params.row;
      var value = a[params.aOffset + index];
      if (TIMES) {
        value *= b[params.bOffset + index];
      }
      if (NORMALIZED) {
        let mean = stats[params.statsOffset + 2u * n];
        value *= (b[params.bOffset + index] - mean) * stats[params.statsOffset + 2u * n + 1u];
      }
      sum += value;
    }
    sums[local.y * COLUMNS + local.x] = sum;
    workgroupBarrier();
    if (local.y == 0u && first + local.x < columns) {
      var total = 0.0;
      for (var lane = 0u; lane < LANES; lane++) {
        total += sums[lane * COLUMNS + local.x];
      }
      total *= params.factor;
      if (params.accumulate != 0u) {
        total += to[params.toOffset + column];
      }
      to[params.toOffset + column] = total;
    }
    workgroupBarrier();
  }
}
