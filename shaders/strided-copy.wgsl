// to[toStart + i0*t0 + … + i3*t3] (+)= source[start + i0*s0 + … + i3*s3]: transposes, flips, packs (the last axis padded with zeros
// to a multiple of four), picks slices with steps, puts them back, joins, and adds gradients up. Buffers hold f32 or i32, and are
// bound as bits, because f32 may lose those of small whole numbers.

struct Params {
  n0: u32,
  n1: u32,
  n2: u32,
  n3: u32,
  padded: u32, // length of the last axis in `to`, at least n3
  accumulate: u32, // f32 only
  start: u32, // where element 0 lies in source: not at 0 where strides are negative
  s0: i32,
  s1: i32,
  s2: i32,
  s3: i32,
  toStart: u32,
  t0: i32,
  t1: i32,
  t2: i32,
  t3: i32,
  sourceOffset: u32,
  toOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>; // [N0,N1,N2,N3] by strides
@group(0) @binding(2) var<storage, read_write> to: array<u32>; // [N0,N1,N2,padded] by strides

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let count = params.n0 * params.n1 * params.n2 * params.padded;
  for (var i = id.x; i < count; i += groups.x * 64u) {
    let i3 = i32(i % params.padded);
    let i2 = i32(i / params.padded % params.n2);
    let i1 = i32(i / params.padded / params.n2 % params.n1);
    let i0 = i32(i / params.padded / params.n2 / params.n1);
    var bits = 0u;
    if (i3 < i32(params.n3)) {
      let at = i0 * params.s0 + i1 * params.s1 + i2 * params.s2 + i3 * params.s3;
      bits = source[i32(params.sourceOffset + params.start) + at];
    }
    let index = i32(params.toOffset + params.toStart) + i0 * params.t0 + i1 * params.t1 + i2 * params.t2 + i3 * params.t3;
    if (params.accumulate != 0u) {
      bits = bitcast<u32>(bitcast<f32>(bits) + bitcast<f32>(to[index]));
    }
    to[index] = bits;
  }
}
