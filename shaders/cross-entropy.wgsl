// Softmax cross-entropy with its gradient in one pass over the logits. A row's goal is a distribution over the classes:
// q[v] = hard * (v == target) + soft * weight[v], with hard = (1 - smoothing) * weight[target], soft = smoothing / V;
// rowLoss = sum over v of q[v] * (logsumexp - logits[v]), gradient = (sum of q * softmax - q) / count,
// both 0 where the target is ignored or masked; rowLoss is NaN where it is no class or a logit is not finite.
// LANES invocations share a row, ROWS rows a workgroup.
// Label smoothing: Szegedy et al. 2016; with class weights as in torch.nn.CrossEntropyLoss.

// #include "lib/finite.wgsl"
// #include "lib/row-reduction.wgsl"

struct Params {
  N: u32, // rows
  V: u32, // classes
  ignoreIndex: i32,
  hasWeight: u32,
  hasMask: u32,
  nan: u32, // bits of NaN, given at run time because a constant one does not compile
  smoothing: f32,
  logitsOffset: u32,
  targetsOffset: u32,
  weightOffset: u32,
  maskOffset: u32,
  countOffset: u32,
  rowLossOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [N,V]
@group(0) @binding(2) var<storage, read> targets: array<i32>; // [N]
@group(0) @binding(3) var<storage, read> weight: array<f32>; // [V]
@group(0) @binding(4) var<storage, read> mask: array<i32>; // [N]
@group(0) @binding(5) var<storage, read> count: array<f32>; // [1]
@group(0) @binding(6) var<storage, read_write> rowLoss: array<f32>; // [N]
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>; // [N,V]

fn weightOf(v: u32) -> f32 {
  if (params.hasWeight == 0u) {
    return 1.0;
  }
  return weight[params.weightOffset + v];
}

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
    let at = min(n, params.N - 1u);
    let row = params.logitsOffset + at * params.V;
    let goal = targets[params.targetsOffset + at];
    var used = goal != params.ignoreIndex;
    if (params.hasMask != 0u) {
      used = used && mask[params.maskOffset + at] != 0;
    }

    var largest = -3.4028234e38;
    var bad = false;
    for (var v = lane; v < params.V; v += LANES) {
      largest = max(largest, logits[row + v]);
      bad = bad || isBad(logits[row + v]);
    }
    largest = rowMax(select(largest, 3.4e38, bad), base, lane);
    bad = largest >= 3.3e38 || (used && (goal < 0 || u32(goal) >= params.V));

    var sum = 0.0;
    for (var v = lane; v < params.V; v += LANES) {
      sum += exp(logits[row + v] - largest);
    }
    let total = rowSum(sum, base, lane);
    // Sum of the weights, and of weight * (largest - logit).
    var soft = vec2f(0.0);
    if (params.smoothing > 0.0) {
      for (var v = lane; v < params.V; v += LANES) {
        soft += weightOf(v) * vec2f(1.0, largest - logits[row + v]);
      }
      soft = vec2f(rowSum(soft.x, base, lane), rowSum(soft.y, base, lane));
    }

    if (n < params.N) {
      let label = u32(max(goal, 0));
      let share = params.smoothing / f32(params.V);
      let hard = (1.0 - params.smoothing) * weightOf(label);
      if (lane == 0u) {
        var loss = 0.0;
        if (used) {
          loss = hard * (log(total) + largest - logits[row + label]) + share * (soft.x * log(total) + soft.y);
        }
        rowLoss[params.rowLossOffset + n] = select(loss, bitcast<f32>(params.nan), bad);
      }
      if (GRADIENT) {
        let divisor = count[params.countOffset];
        let scale = select(0.0, 1.0 / select(divisor, 1.0, divisor == 0.0), used);
        for (var v = lane; v < params.V; v += LANES) {
          let p = exp(logits[row + v] - largest) / total;
          let q = select(0.0, hard, v == label) + share * weightOf(v);
          gradient[params.gradientOffset + n * params.V + v] = ((hard + share * soft.x) * p - q) * scale;
        }
      }
    }
  }
}
