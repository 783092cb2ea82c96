// mask[t,b] = 1 where step t of sequence b is real: before the sequence's end, and not 0 in the mask that was given.

struct Params {
  T: u32, // steps
  B: u32, // sequences
  hasLengths: u32,
  hasGiven: u32,
  givenT: u32, // strides of the mask that was given
  givenB: u32,
  lengthsOffset: u32,
  givenOffset: u32,
  maskOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<i32>; // [B]
@group(0) @binding(2) var<storage, read> given: array<i32>; // [T,B] by strides
@group(0) @binding(3) var<storage, read_write> mask: array<i32>; // [T,B]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.T * params.B; i += groups.x * 64u) {
    let t = i / params.B;
    let b = i % params.B;
    var real = true;
    if (params.hasLengths != 0u) {
      real = i32(t) < lengths[params.lengthsOffset + b];
    }
    if (params.hasGiven != 0u) {
      real = real && given[params.givenOffset + t * params.givenT + b * params.givenB] != 0;
    }
    mask[params.maskOffset + i] = select(0, 1, real);
  }
}
