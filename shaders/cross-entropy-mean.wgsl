// loss = sum of rowLoss / count, added up in a fixed order: every lane its rows, then lane by lane. 0 where nothing counts.

struct Params {
  N: u32, // rows
  rowLossOffset: u32,
  countOffset: u32,
  lossOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rowLoss: array<f32>; // [N]
@group(0) @binding(2) var<storage, read> count: array<f32>; // [1]
@group(0) @binding(3) var<storage, read_write> loss: array<f32>; // [1]

const LANES = 64u;
var<workgroup> partial: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.N; i += LANES) {
    sum += rowLoss[params.rowLossOffset + i];
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
      total += partial[i];
    }
    let divisor = count[params.countOffset];
    loss[params.lossOffset] = total / select(divisor, 1.0, divisor == 0.0);
  }
}
