// partial[group] = sum of squares of this workgroup's share of the gradient, after clipping by value.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // gradients
  groups: u32, // workgroups
  clipValue: f32,
  gradientOffset: u32,
  partialOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<f32>; // [P]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>; // [groups]

const LANES = 64u;
var<workgroup> sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  var sum = 0.0;
  for (var i = group.x * LANES + lane; i < params.P; i += params.groups * LANES) {
    let g = clippedByValue(gradient[params.gradientOffset + i], params.clipValue);
    sum += g * g;
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
      total += sums[i];
    }
    partial[params.partialOffset + group.x] = total;
  }
}
