// Adadelta (Zeiler 2012), as torch.optim.Adadelta.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // parameters
  clipValue: f32,
  weightDecay: f32,
  rho: f32,
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
@group(0) @binding(4) var<storage, read> hyper: array<f32>; // [1] learning rate
@group(0) @binding(5) var<storage, read_write> moment0: array<f32>; // [P] mean of squares
@group(0) @binding(6) var<storage, read_write> moment1: array<f32>; // [P] mean of the squares of changes

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
    let square = params.rho * moment0[m0] + (1.0 - params.rho) * g * g;
    let change = sqrt(moment1[m1] + params.eps) / sqrt(square + params.eps) * g;
    moment0[m0] = square;
    moment1[m1] = params.rho * moment1[m1] + (1.0 - params.rho) * change * change;
    weight -= lr * change;
    parameter[p] = weight;
  }
}
