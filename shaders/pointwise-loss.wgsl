// Losses of one number against another: rowLoss[n] = scale * sum of them over a row, and, with hasGradient, the gradient
// of the rows' sum / count. A masked row is 0. That of logits,
// posWeight * y * softplus(-x) + (1 - y) * softplus(x), neither overflows nor loses digits.

// #include "lib/activations.wgsl"
// #include "lib/finite.wgsl"
alias Real = f32;
alias Bits = u32;

struct Params {
  N: u32, // rows
  C: u32, // numbers in a row
  K: u32, // length of posWeight
  kind: u32, // 0 square, 1 absolute, 2 Huber, 3 binary cross-entropy of logits
  delta: f32, // where Huber's goes from a parabola to a line
  scale: f32,
  hasMask: u32,
  hasGradient: u32,
  nan: u32, // bits of NaN, given at run time because a constant one does not compile
  outputOffset: u32,
  goalOffset: u32,
  posWeightOffset: u32,
  maskOffset: u32,
  countOffset: u32,
  rowLossOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> output: array<f32>; // [N,C]
@group(0) @binding(2) var<storage, read> goal: array<f32>; // [N,C]
@group(0) @binding(3) var<storage, read> posWeight: array<f32>; // [K]
@group(0) @binding(4) var<storage, read> mask: array<i32>; // [N]
@group(0) @binding(5) var<storage, read> count: array<f32>; // [1]
@group(0) @binding(6) var<storage, read_write> rowLoss: array<f32>; // [N]
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>; // [N,C]

struct LossAndSlope {
  loss: f32,
  slope: f32,
}

fn lossOf(x: f32, y: f32, weight: f32) -> LossAndSlope {
  let d = x - y;
  switch params.kind {
    case 0u: {
      return LossAndSlope(d * d, 2.0 * d);
    }
    case 1u: {
      return LossAndSlope(abs(d), sign(d));
    }
    case 2u: {
      let near = abs(d) < params.delta;
      let line = params.delta * (abs(d) - 0.5 * params.delta);
      return LossAndSlope(select(line, 0.5 * d * d, near), clamp(d, -params.delta, params.delta));
    }
    default: {
      let positive = weight * y;
      let negative = 1.0 - y;
      return LossAndSlope(
        positive * softplus(-x) + negative * softplus(x),
        negative * sigmoid(x) - positive * sigmoid(-x),
      );
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let divisor = count[params.countOffset];
  let scale = params.scale / select(divisor, 1.0, divisor == 0.0);
  for (var n = id.x; n < params.N; n += groups.x * 64u) {
    var used = true;
    if (params.hasMask != 0u) {
      used = mask[params.maskOffset + n] != 0;
    }
    var sum = 0.0;
    var bad = false;
    for (var c = 0u; c < params.C; c++) {
      let i = n * params.C + c;
      let x = output[params.outputOffset + i];
      let y = goal[params.goalOffset + i];
      bad = bad || isBad(x) || (used && isBad(y));
      let weight = posWeight[params.posWeightOffset + i % params.K];
      let at = lossOf(x, y, weight);
      sum += at.loss;
      if (params.hasGradient != 0u) {
        gradient[params.gradientOffset + i] = select(0.0, scale * at.slope, used);
      }
    }
    let loss = select(0.0, params.scale * sum, used);
    rowLoss[params.rowLossOffset + n] = select(loss, bitcast<f32>(params.nan), bad);
  }
}
