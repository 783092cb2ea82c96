// y[t,b,c,k] = x[t * stride + k * dilation - padding,b,c], 0 where there is no such step: what a convolution multiplies its weights with.

struct Params {
  T: u32, // windows
  S: u32, // steps of x
  B: u32,
  C: u32,
  K: u32, // steps in a window
  stride: u32,
  dilation: u32,
  padding: u32,
  xOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [S,B,C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [T,B,C,K]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = params.B * params.C;
  for (var i = id.x; i < params.T * row * params.K; i += groups.x * 64u) {
    let k = i % params.K;
    let bc = i / params.K % row;
    let t = i / params.K / row;
    // Below 0 it wraps around, and is beyond the last step as well.
    let s = t * params.stride + k * params.dilation - params.padding;
    var value = 0.0;
    if (s < params.S) {
      value = x[params.xOffset + s * row + bc];
    }
    y[params.yOffset + i] = value;
  }
}
