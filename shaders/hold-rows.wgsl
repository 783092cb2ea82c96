// y[n,b,c] = x[n,b,c] where steps[b] is not 0, else old[n,b,c]: the state of a stream that takes no part in a call.

struct Params {
  N: u32, // layers
  B: u32, // streams
  C: u32, // numbers of a stream in a layer
  xOffset: u32,
  oldOffset: u32,
  stepsOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [N,B,C]
@group(0) @binding(2) var<storage, read> old: array<f32>; // [N,B,C]
@group(0) @binding(3) var<storage, read> steps: array<i32>; // [B]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [N,B,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.N * params.B * params.C; i += groups.x * 64u) {
    // No arithmetic: what is not taken may be NaN.
    if (steps[params.stepsOffset + i / params.C % params.B] != 0) {
      y[params.yOffset + i] = x[params.xOffset + i];
    } else {
      y[params.yOffset + i] = old[params.oldOffset + i];
    }
  }
}
