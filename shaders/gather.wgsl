// y[a,k,c] = x[a,index[a,k,c],c]: entries of an axis by number. An index that is not there gives NaN. Buffers hold f32 or i32, and
// are bound as bits.

struct Params {
  A: u32,
  R: u32, // length of the axis
  C: u32,
  K: u32, // entries taken
  xOffset: u32,
  indexOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>; // [A,R,C]
@group(0) @binding(2) var<storage, read> index: array<i32>; // [A,K,C]
@group(0) @binding(3) var<storage, read_write> y: array<u32>; // [A,K,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.A * params.K * params.C; i += groups.x * 64u) {
    let a = i / (params.K * params.C);
    let r = u32(index[params.indexOffset + i]);
    var bits = 0x7fc00000u;
    if (r < params.R) {
      bits = x[params.xOffset + (a * params.R + r) * params.C + i % params.C];
    }
    y[params.yOffset + i] = bits;
  }
}
