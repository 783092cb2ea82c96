// y[n,c] (+)= x[n,c] where mask[n] is not 0, else 0: steps that are passed over. The gradient is the same with x and y
// changed for their gradients.

struct Params {
  N: u32, // rows
  C: u32, // columns
  accumulate: u32, // 1: add to what y holds
  xOffset: u32,
  maskOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [N,C]
@group(0) @binding(2) var<storage, read> mask: array<i32>; // [N]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [N,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.N * params.C; i += groups.x * 64u) {
    let at = params.yOffset + i;
    var value = 0.0;
    if (mask[params.maskOffset + i / params.C] != 0) {
      value = x[params.xOffset + i];
    }
    if (params.accumulate != 0u) {
      value += y[at];
    }
    y[at] = value;
  }
}
