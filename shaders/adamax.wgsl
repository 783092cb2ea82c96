// Adamax (Kingma and Ba 2015, section 7.1), as torch.optim.Adamax.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // parameters
  clipValue: f32,
  weightDecay: f32,
  beta1: f32,
  beta2: f32,
  eps: f32,
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
@group(0) @binding(4) var<storage, read> hyper: array<f32>; // [2] learning rate, 1 - beta1^step
@group(0) @binding(5) var<storage, read_write> moment0: array<f32>; // [P] exponential average of gradients
@group(0) @binding(6) var<storage, read_write> moment1: array<f32>; // [P] largest gradient, decaying

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.P; i += groups.x * 64u) {
    let p = params.parameterOffset + i;
    let m0 = params.moment0Offset + i;
    let m1 = params.moment1Offset + i;
    let lr = hyper[params.hyperOffset];
    var g = clipped(gradient[params.gradientOffset + i], params.clipValue, norm[params.normOffset + 1u]);
    var weight = parameter[p];
    g += params.weightDecay * weight;
    let m = params.beta1 * moment0[m0] + (1.0 - params.beta1) * g;
    let largest = max(params.beta2 * moment1[m1], abs(g) + params.eps);
    moment0[m0] = m;
    moment1[m1] = largest;
    weight -= lr / hyper[params.hyperOffset + 1u] * m / largest;
    parameter[p] = weight;
  }
}
