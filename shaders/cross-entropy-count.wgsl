// count = number of targets that are not ignored, at least 1 so that a batch without any has loss 0.

struct Params {
  N: u32, // targets
  ignoreIndex: i32,
  targetsOffset: u32,
  countOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<i32>; // [N]
@group(0) @binding(2) var<storage, read_write> count: array<f32>; // [1]

const LANES = 64u;
var<workgroup> partial: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var n = 0u;
  for (var i = lane; i < params.N; i += LANES) {
    n += select(0u, 1u, targets[params.targetsOffset + i] != params.ignoreIndex);
  }
  partial[lane] = n;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0u;
    for (var i = 0u; i < LANES; i++) {
      total += partial[i];
    }
    count[params.countOffset] = f32(max(total, 1u));
  }
}
