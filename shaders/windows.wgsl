// y[c,k1,k2,n,p1,p2] = x[n,c,s1,s2] with s = p * stride + k * dilation - padding on either axis, and `fill` where there is no such
// number: what a convolution multiplies its weights with, and what pooling is over.

struct Params {
  N: u32, // images
  C: u32, // channels
  S1: u32, // numbers of x along either axis
  S2: u32,
  K1: u32, // numbers of a window along either axis
  K2: u32,
  P1: u32, // windows along either axis
  P2: u32,
  stride1: u32,
  stride2: u32,
  dilation1: u32,
  dilation2: u32,
  padding1: u32,
  padding2: u32,
  turned: u32, // y is [n,p1,p2,c,k1,k2]
  fill: f32,
  xOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [N,C,S1,S2]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [C,K1,K2,N,P1,P2]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rows = params.C * params.K1 * params.K2;
  let columns = params.N * params.P1 * params.P2;
  for (var i = id.x; i < rows * columns; i += groups.x * 64u) {
    var row = i / columns;
    var column = i % columns;
    if (params.turned != 0u) {
      row = i % rows;
      column = i / rows;
    }
    let k2 = row % params.K2;
    let k1 = row / params.K2 % params.K1;
    let p2 = column % params.P2;
    let p1 = column / params.P2 % params.P1;
    // Below 0 it wraps around, and is beyond the last one as well.
    let s1 = p1 * params.stride1 + k1 * params.dilation1 - params.padding1;
    let s2 = p2 * params.stride2 + k2 * params.dilation2 - params.padding2;
    var value = params.fill;
    if (s1 < params.S1 && s2 < params.S2) {
      let channel = column / params.P2 / params.P1 * params.C + row / params.K2 / params.K1;
      value = x[params.xOffset + (channel * params.S1 + s1) * params.S2 + s2];
    }
    y[params.yOffset + i] = value;
  }
}
