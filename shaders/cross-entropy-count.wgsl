// count = the targets that are neither ignored nor masked, each as often as its class weighs.

struct Params {
  N: u32, // targets
  ignoreIndex: i32,
  hasWeight: u32,
  hasMask: u32,
  targetsOffset: u32,
  weightOffset: u32,
  maskOffset: u32,
  countOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<i32>; // [N]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [V]
@group(0) @binding(3) var<storage, read> mask: array<i32>; // [N]
@group(0) @binding(4) var<storage, read_write> count: array<f32>; // [1]

const LANES = 64u;
var<workgroup> partial: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.N; i += LANES) {
    let goal = targets[params.targetsOffset + i];
    var used = goal != params.ignoreIndex;
    if (params.hasMask != 0u) {
      used = used && mask[params.maskOffset + i] != 0;
    }
    var w = 1.0;
    if (params.hasWeight != 0u) {
      w = weight[params.weightOffset + u32(max(goal, 0))];
    }
    sum += select(0.0, w, used);
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
      total += partial[i];
    }
    count[params.countOffset] = total;
  }
}
