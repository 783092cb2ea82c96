// Resilient backpropagation (Riedmiller and Braun 1993), as torch.optim.Rprop.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // parameters
  clipValue: f32,
  weightDecay: f32,
  etaMinus: f32, // factor of the step size where the sign changes
  etaPlus: f32, // where it stays
  stepSizeMin: f32,
  stepSizeMax: f32,
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
@group(0) @binding(4) var<storage, read> hyper: array<f32>; // [1] learning rate, the first step size
@group(0) @binding(5) var<storage, read_write> moment0: array<f32>; // [P] gradient of the step before
@group(0) @binding(6) var<storage, read_write> moment1: array<f32>; // [P] step size; 0 before the first step

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
    let turn = sign(g) * sign(moment0[m0]);
    var size = select(moment1[m1], lr, moment1[m1] == 0.0);
    size *= select(1.0, select(params.etaMinus, params.etaPlus, turn > 0.0), turn != 0.0);
    size = clamp(size, params.stepSizeMin, params.stepSizeMax);
    // After a turn the weight waits for a step, and the next sign is compared with none.
    g = select(g, 0.0, turn < 0.0);
    moment0[m0] = g;
    moment1[m1] = size;
    weight -= sign(g) * size;
    parameter[p] = weight;
  }
}
