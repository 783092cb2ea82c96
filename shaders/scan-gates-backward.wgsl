// From the gradients by a and b to the gradient by the pre-activations; see scan-gates.wgsl. With q the gradient by a when b
// follows it, q = da - db * candidate:
//   one gate:   dz = -q * z * (1 - z)
//   PAIR:       df = q * a * (1 - a) * (1 - f)     di = -q * a * (1 - a) * (1 - i)
// and the candidate's is db * (1 - a). Steps that are passed over have none.

// #include "lib/activations.wgsl"

alias Real = f32;
alias Bits = u32;

struct Params {
  R: u32, // rows: steps times sequences
  H: u32, // units
  hasMask: u32,
  accumulate: u32, // 1: add to what xGradient holds
  xOffset: u32,
  maskOffset: u32,
  aGradientOffset: u32,
  bGradientOffset: u32,
  xGradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [R,G,H]
@group(0) @binding(2) var<storage, read> mask: array<i32>; // [R]
@group(0) @binding(3) var<storage, read> aGradient: array<f32>; // [R,H]
@group(0) @binding(4) var<storage, read> bGradient: array<f32>; // [R,H]
@group(0) @binding(5) var<storage, read_write> xGradient: array<f32>; // [R,G,H]

const GATES = select(2u, 3u, PAIR);

fn put(at: u32, value: f32, real: bool) {
  let index = params.xGradientOffset + at;
  xGradient[index] = select(0.0, value, real) + select(0.0, xGradient[index], params.accumulate != 0u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let H = params.H;
  for (var i = id.x; i < params.R * H; i += groups.x * 64u) {
    let row = i / H;
    let at = row * GATES * H + i % H;
    var real = true;
    if (params.hasMask != 0u) {
      real = mask[params.maskOffset + row] != 0;
    }
    let last = at + (GATES - 1u) * H;
    let fromB = bGradient[params.bGradientOffset + i];
    let q = aGradient[params.aGradientOffset + i] - fromB * x[params.xOffset + last];
    let first = x[params.xOffset + at];
    if (PAIR) {
      let second = x[params.xOffset + at + H];
      let odds = softplus(-second) - softplus(-first);
      let keep = sigmoid(odds);
      let take = sigmoid(-odds);
      put(at, q * keep * take * sigmoid(-first), real);
      put(at + H, -q * keep * take * sigmoid(-second), real);
      put(last, fromB * take, real);
    } else {
      let z = sigmoid(first);
      put(at, -q * z * sigmoid(-first), real);
      put(last, fromB * z, real);
    }
  }
}
