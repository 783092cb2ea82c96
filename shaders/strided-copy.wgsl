// to[i0,i1,i2,i3] (+)= source[start + i0*s0 + i1*s1 + i2*s2 + i3*s3]: transposes, packs (the last axis padded with
// zeros to a multiple of four), picks slices, joins (rows of `to` may have gaps between them) and adds gradients up.

struct Params {
  n0: u32,
  n1: u32,
  n2: u32,
  n3: u32,
  padded: u32, // length of the last axis in `to`, at least n3
  row: u32, // stride of the last axis but one in `to`, at least padded
  accumulate: u32,
  start: u32, // where element 0 lies in source: not at 0 where strides are negative
  s0: i32,
  s1: i32,
  s2: i32,
  s3: i32,
  sourceOffset: u32,
  toOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<f32>; // [N0,N1,N2,N3] by strides
@group(0) @binding(2) var<storage, read_write> to: array<f32>; // [N0,N1,N2,padded] by rows

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let count = params.n0 * params.n1 * params.n2 * params.padded;
  for (var i = id.x; i < count; i += groups.x * 64u) {
    let i3 = i % params.padded;
    let i2 = i / params.padded % params.n2;
    let i1 = i / params.padded / params.n2 % params.n1;
    let i0 = i / params.padded / params.n2 / params.n1;
    var value = 0.0;
    if (i3 < params.n3) {
      let at = i32(i0) * params.s0 + i32(i1) * params.s1 + i32(i2) * params.s2 + i32(i3) * params.s3;
      value = source[i32(params.sourceOffset + params.start) + at];
    }
    let index = params.toOffset + i / params.padded * params.row + i3;
    if (params.accumulate != 0u) {
      value += to[index];
    }
    to[index] = value;
  }
}
