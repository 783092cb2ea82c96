// y[i] = keep * y[i] + by * x[i], or x[i] / by: running sums and averages of what is laid out as the parameters.

struct Params {
  P: u32, // numbers
  divide: u32, // 1: by divides; by 0 gives 0
  xOffset: u32,
  keepOffset: u32,
  byOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [P]
@group(0) @binding(2) var<storage, read> keep: array<f32>; // [1] 0: y holds nothing yet
@group(0) @binding(3) var<storage, read> by: array<f32>; // [1]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [P]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let kept = keep[params.keepOffset];
  let factor = by[params.byOffset];
  for (var i = id.x; i < params.P; i += groups.x * 64u) {
    let at = params.yOffset + i;
    var value = 0.0;
    if (params.divide == 0u) {
      value = factor * x[params.xOffset + i];
    } else if (factor != 0.0) {
      value = x[params.xOffset + i] / factor;
    }
    // What y holds may be NaN from before.
    if (kept != 0.0) {
      value += kept * y[at];
    }
    y[at] = value;
  }
}
