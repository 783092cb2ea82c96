// Rectified Adam (Liu et al. 2020), as torch.optim.RAdam.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // parameters
  clipValue: f32,
  weightDecay: f32,
  beta1: f32,
  beta2: f32,
  eps: f32,
  decoupled: u32, // 1: weights decay as in AdamW
  parameterOffset: u32,
  gradientOffset: u32,
  normOffset: u32,
  hyperOffset: u32,
  moment0Offset: u32,
  moment1Offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> parameter: array<f32>; // [P]
@group(0) @binding(2) var<storage, read> gradient: array<f32>; // [P]
@group(0) @binding(3) var<storage, read> norm: array<f32>; // [2] global norm, clipping factor
@group(0) @binding(4) var<storage, read> hyper: array<f32>; // [3] learning rate, 1 - beta1^step, factor of the rectified step or 0
@group(0) @binding(5) var<storage, read_write> moment0: array<f32>; // [P] exponential average of gradients
@group(0) @binding(6) var<storage, read_write> moment1: array<f32>; // [P] of squares

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.P; i += groups.x * 64u) {
    let p = params.parameterOffset + i;
    let m0 = params.moment0Offset + i;
    let m1 = params.moment1Offset + i;
    let lr = hyper[params.hyperOffset];
    var g = clipped(gradient[params.gradientOffset + i], params.clipValue, norm[params.normOffset + 1u]);
    var weight = parameter[p];
    if (params.decoupled != 0u) {
      weight -= lr * params.weightDecay * weight;
    } else {
      g += params.weightDecay * weight;
    }
    let m = params.beta1 * moment0[m0] + (1.0 - params.beta1) * g;
    let v = params.beta2 * moment1[m1] + (1.0 - params.beta2) * g * g;
    moment0[m0] = m;
    moment1[m1] = v;
    let factor = hyper[params.hyperOffset + 2u];
    // The variance of the first steps is too uncertain to divide by.
    let adapted = select(1.0, factor / (sqrt(v) + params.eps), factor != 0.0);
    weight -= lr / hyper[params.hyperOffset + 1u] * m * adapted;
    parameter[p] = weight;
  }
}
