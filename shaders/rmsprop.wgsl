// RMSprop (Tieleman and Hinton 2012; centered: Graves 2013), as torch.optim.RMSprop.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // parameters
  clipValue: f32,
  weightDecay: f32,
  slot: u32, // from one moment of a parameter to its next
  alpha: f32,
  eps: f32,
  momentum: f32,
  centered: u32,
  parameterOffset: u32,
  gradientOffset: u32,
  normOffset: u32,
  hyperOffset: u32,
  momentsOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> parameter: array<f32>; // [P]
@group(0) @binding(2) var<storage, read> gradient: array<f32>; // [P]
@group(0) @binding(3) var<storage, read> norm: array<f32>; // [2] global norm, clipping factor
@group(0) @binding(4) var<storage, read> hyper: array<f32>; // [1] learning rate
@group(0) @binding(5) var<storage, read_write> moments: array<f32>; // [3,P] mean of squares, velocity, mean

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.P; i += groups.x * 64u) {
    let p = params.parameterOffset + i;
    let m0 = params.momentsOffset + i;
    let lr = hyper[params.hyperOffset];
    var g = clipped(gradient[params.gradientOffset + i], params.clipValue, norm[params.normOffset + 1u]);
    var weight = parameter[p];
    g += params.weightDecay * weight;
    let square = params.alpha * moments[m0] + (1.0 - params.alpha) * g * g;
    moments[m0] = square;
    var variance = square;
    if (params.centered != 0u) {
      let mean = params.alpha * moments[m0 + 2u * params.slot] + (1.0 - params.alpha) * g;
      moments[m0 + 2u * params.slot] = mean;
      variance = max(square - mean * mean, 0.0); // rounding must not take it below zero
    }
    var update = g / (sqrt(variance) + params.eps);
    if (params.momentum > 0.0) {
      update += params.momentum * moments[m0 + params.slot];
      moments[m0 + params.slot] = update;
    }
    weight -= lr * update;
    parameter[p] = weight;
  }
}
