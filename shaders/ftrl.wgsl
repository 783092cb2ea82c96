// FTRL-Proximal (McMahan et al. 2013), as keras.optimizers.Ftrl.

// #include "lib/clip.wgsl"

struct Params {
  P: u32, // parameters
  clipValue: f32,
  weightDecay: f32,
  power: f32, // of the sums of squares
  l1: f32,
  l2: f32,
  l2Shrinkage: f32,
  beta: f32,
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
@group(0) @binding(5) var<storage, read_write> moment0: array<f32>; // [P] sum of squares
@group(0) @binding(6) var<storage, read_write> moment1: array<f32>; // [P] sum of gradients, less what the weights account for

// A root is more exact than a power, and two of them are subtracted.
fn raised(sum: f32) -> f32 {
  return select(pow(sum, params.power), sqrt(sum), params.power == 0.5);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.P; i += groups.x * 64u) {
    let p = params.parameterOffset + i;
    let m0 = params.moment0Offset + i;
    let m1 = params.moment1Offset + i;
    let lr = hyper[params.hyperOffset];
    let g = clipped(gradient[params.gradientOffset + i], params.clipValue, norm[params.normOffset + 1u]);
    var weight = parameter[p];
    // At rate 0 there is no weight that the sums would stand for.
    if (lr == 0.0) {
      continue;
    }
    weight -= lr * params.weightDecay * weight;
    let sum = moment0[m0] + g * g;
    let scale = raised(sum);
    let sigma = (scale - raised(moment0[m0])) / lr;
    let linear = moment1[m1] + g + 2.0 * params.l2Shrinkage * weight - sigma * weight;
    moment0[m0] = sum;
    moment1[m1] = linear;
    let quadratic = scale / lr + 2.0 * (params.l2 + params.beta / (2.0 * lr));
    weight = (clamp(linear, -params.l1, params.l1) - linear) / quadratic;
    parameter[p] = weight;
  }
}
