// From pre-activations to the recurrence h_t = a_t * h_{t-1} + b_t, whose new part is weighted by 1 - a_t. The last of a
// row's three parts, or two, is the candidate.
//   one gate:            z          a = 1 - z          b = z * candidate
//   PAIR, two of them:   f, i       a = f / (f + i)    b = i / (f + i) * candidate
// f / (f + i) is taken as sigmoid(log f - log i), log f = -softplus(-x): both may be so near 0 that their quotient is lost.
// A step that is passed over (mask 0) has a = 1, b = 0: the state goes on as it is.

// #include "lib/activations.wgsl"

alias Real = f32;
alias Bits = u32;

struct Params {
  R: u32, // rows: steps times sequences
  H: u32, // units
  hasMask: u32,
  xOffset: u32,
  maskOffset: u32,
  aOffset: u32,
  bOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [R,G,H]
@group(0) @binding(2) var<storage, read> mask: array<i32>; // [R]
@group(0) @binding(3) var<storage, read_write> a: array<f32>; // [R,H]
@group(0) @binding(4) var<storage, read_write> b: array<f32>; // [R,H]

const GATES = select(2u, 3u, PAIR);

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let H = params.H;
  for (var i = id.x; i < params.R * H; i += groups.x * 64u) {
    let row = i / H;
    let at = params.xOffset + row * GATES * H + i % H;
    var real = true;
    if (params.hasMask != 0u) {
      real = mask[params.maskOffset + row] != 0;
    }
    var keep = 0.0;
    var take = 0.0;
    if (PAIR) {
      let odds = softplus(-x[at + H]) - softplus(-x[at]);
      keep = sigmoid(odds);
      take = sigmoid(-odds);
    } else {
      keep = sigmoid(-x[at]);
      take = sigmoid(x[at]);
    }
    a[params.aOffset + i] = select(1.0, keep, real);
    b[params.bOffset + i] = select(0.0, take * x[at + (GATES - 1u) * H], real);
  }
}
