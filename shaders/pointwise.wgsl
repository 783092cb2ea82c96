// y[i] (+)= OPERATION(a[i], b[i % period]): activations, their gradients, sums and products.

// #include "lib/activations.wgsl"

struct Params {
  N: u32, // numbers
  period: u32, // b is repeated after this many
  accumulate: u32, // 1: add to what y holds
  alpha: f32, // factors of a weighted sum
  beta: f32,
  aOffset: u32,
  bOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // [N]
@group(0) @binding(2) var<storage, read> b: array<f32>; // [period]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [N]

alias Real = f32;
alias Bits = u32;

// In the order of `operations` in src/kernels/pointwise.ts.
const SIGMOID = 0u;
const TANH = 1u;
const RELU = 2u;
const GELU = 3u;
const SIGMOID_GRADIENT = 4u;
const TANH_GRADIENT = 5u;
const RELU_GRADIENT = 6u;
const GELU_GRADIENT = 7u;
const WEIGHTED_SUM = 8u; // and the last one, a product

// The normal distribution function, (1 + erf(x / sqrt 2)) / 2, by exp(-x^2 / 2) times a polynomial in t that was fitted for
// this file: its relative error is below 5e-8 for all x down to -13, where the function is 6e-39. For x > 0, 1 minus that.
fn normalBelow(x: f32) -> f32 {
  let z = min(abs(x), 13.0);
  let t = 1.0 / (1.0 + 0.353553391 * z);
  let high = 0.137988184 + t * (-0.242691083 + t * (0.141850616 - t * 0.029445314));
  let low = 0.141176733 + t * (0.121630572 + t * (0.101034650 + t * (-0.012588217 + t * high)));
  let tail = t * (0.141043839 + t * low) * exp(-0.5 * z * z);
  return select(select(tail, 0.0, x < -13.0), 1.0 - tail, x > 0.0);
}

fn normalDensity(x: f32) -> f32 {
  let z = min(abs(x), 13.0);
  return select(0.398942280 * exp(-0.5 * z * z), 0.0, abs(x) > 13.0);
}

fn operation(p: f32, q: f32) -> f32 {
  switch OPERATION {
    case SIGMOID: { return sigmoid(p); }
    case TANH: { return hyperbolicTangent(p); }
    case RELU: { return relu(p); }
    case GELU: { return p * normalBelow(p); }
    case SIGMOID_GRADIENT: { return q * sigmoidDerivative(p); }
    case TANH_GRADIENT: { return q * hyperbolicTangentDerivative(p); }
    case RELU_GRADIENT: { return q * reluDerivative(p); }
    case GELU_GRADIENT: { return q * (normalBelow(p) + p * normalDensity(p)); }
    case WEIGHTED_SUM: { return params.alpha * p + params.beta * q; }
    default: { return p * q; }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.N; i += groups.x * 64u) {
    let at = params.yOffset + i;
    var value = operation(a[params.aOffset + i], b[params.bOffset + i % params.period]);
    if (params.accumulate != 0u) {
      value += y[at];
    }
    y[at] = value;
  }
}
