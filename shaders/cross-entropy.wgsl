// Softmax cross-entropy with its gradient in one pass over the logits:
// rowLoss[n] = log(sum over v of exp(logits[n,v])) - logits[n, targets[n]], gradient = (softmax - one-hot) / count,
// both 0 where the target is ignored. LANES invocations share a row, ROWS rows a workgroup.

// #include "lib/finite.wgsl"

struct Params {
  N: u32, // rows
  V: u32, // classes
  ignoreIndex: i32,
  nan: u32, // bits of NaN, given at run time because a constant one does not compile
  logitsOffset: u32,
  targetsOffset: u32,
  countOffset: u32,
  rowLossOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [N,V]
@group(0) @binding(2) var<storage, read> targets: array<i32>; // [N]
@group(0) @binding(3) var<storage, read> count: array<f32>; // [1]
@group(0) @binding(4) var<storage, read_write> rowLoss: array<f32>; // [N]
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>; // [N,V]

var<workgroup> partial: array<f32, LANES * ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let lane = local.x;
  let base = local.y * LANES;
  for (var row0 = group.x * ROWS; row0 < params.N; row0 += groups.x * ROWS) {
    let n = row0 + local.y;
    let row = params.logitsOffset + min(n, params.N - 1u) * params.V;
    let goal = targets[params.targetsOffset + min(n, params.N - 1u)];
    let used = goal != params.ignoreIndex;

    var largest = -3.0e38;
    var bad = false;
    for (var v = lane; v < params.V; v += LANES) {
      largest = max(largest, logits[row + v]);
      bad = bad || isBad(logits[row + v]);
    }
    partial[base + lane] = select(largest, 3.4e38, bad);
    workgroupBarrier();
    for (var i = 0u; i < LANES; i++) {
      largest = max(largest, partial[base + i]);
    }
    bad = largest >= 3.3e38;
    workgroupBarrier();

    var sum = 0.0;
    for (var v = lane; v < params.V; v += LANES) {
      sum += exp(logits[row + v] - largest);
    }
    partial[base + lane] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < LANES; i++) {
      total += partial[base + i];
    }
    workgroupBarrier();

    if (n < params.N) {
      if (lane == 0u) {
        var loss = 0.0;
        if (used) {
          loss = log(total) + largest - logits[row + u32(goal)];
        }
        rowLoss[params.rowLossOffset + n] = select(loss, bitcast<f32>(params.nan), bad);
      }
      if (GRADIENT) {
        let scale = select(0.0, 1.0 / count[params.countOffset], used);
        for (var v = lane; v < params.V; v += LANES) {
          let p = exp(logits[row + v] - largest) / total;
          gradient[params.gradientOffset + n * params.V + v] = (p - select(0.0, 1.0, v == u32(goal))) * scale;
        }
      }
    }
  }
}
