// Averaged stochastic gradient descent (Polyak and Juditsky 1992), as torch.optim.ASGD.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // parameters
  clipValue: f32,
  weightDecay: f32,
  lambd: f32, // decay of the weights
  parameterOffset: u32,
  gradientOffset: u32,
  normOffset: u32,
  hyperOffset: u32,
  moment0Offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> parameter: array<f32>; // [P]
@group(0) @binding(2) var<storage, read> gradient: array<f32>; // [P]
@group(0) @binding(3) var<storage, read> norm: array<f32>; // [2] global norm, clipping factor
@group(0) @binding(4) var<storage, read> hyper: array<f32>; // [2] learning rate with its decay, share of the new weight in the average
@group(0) @binding(5) var<storage, read_write> moment0: array<f32>; // [P] average of the weights

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.P; i += groups.x * 64u) {
    let p = params.parameterOffset + i;
    let m0 = params.moment0Offset + i;
    let lr = hyper[params.hyperOffset];
    var g = clipped(gradient[params.gradientOffset + i], params.clipValue, norm[params.normOffset + 1u]);
    var weight = parameter[p];
    g += params.weightDecay * weight;
    weight -= params.lambd * lr * weight;
    weight -= lr * g;
    moment0[m0] += (weight - moment0[m0]) * hyper[params.hyperOffset + 1u];
    parameter[p] = weight;
  }
}
