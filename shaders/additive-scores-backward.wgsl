// The gradient of scores = v . tanh(own + other) by `own`, which is the queries (other: the keys) or, with the strides of the
// scores exchanged, the keys: with y = tanh(own[m,b,a] + other[n,b,a]),
//   ownGradient[m,b,a] (+)= sum over n of scoreGradient[m,b,n] * v[a] * (1 - y * y)
//   BY_V also              vRows[m,b,a] = sum over n of scoreGradient[m,b,n] * y, whose sums over m and b are v's gradient.

// #include "lib/activations.wgsl"

alias Real = f32;
alias Bits = u32;

struct Params {
  M: u32, // rows of own
  N: u32, // rows of other
  B: u32, // sequences
  A: u32, // units
  scoreM: u32, // strides of the scores' gradient
  scoreN: u32,
  scoreB: u32,
  accumulate: u32, // 1: add to what ownGradient holds
  ownOffset: u32,
  otherOffset: u32,
  vOffset: u32,
  scoreGradientOffset: u32,
  ownGradientOffset: u32,
  vRowsOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> own: array<f32>; // [M,B,A]
@group(0) @binding(2) var<storage, read> other: array<f32>; // [N,B,A]
@group(0) @binding(3) var<storage, read> v: array<f32>; // [A]
@group(0) @binding(4) var<storage, read> scoreGradient: array<f32>; // [M,B,N] by strides
@group(0) @binding(5) var<storage, read_write> ownGradient: array<f32>; // [M,B,A]
@group(0) @binding(6) var<storage, read_write> vRows: array<f32>; // [M,B,A]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let rowSize = params.B * params.A;
  for (var i = id.x; i < params.M * rowSize; i += groups.x * 64u) {
    let m = i / rowSize;
    let index = i % rowSize; // b * A + a
    let score = params.scoreGradientOffset + m * params.scoreM + index / params.A * params.scoreB;
    let mine = own[params.ownOffset + i];
    var sum = 0.0;
    var vSum = 0.0;
    for (var n = 0u; n < params.N; n++) {
      let y = hyperbolicTangent(mine + other[params.otherOffset + n * rowSize + index]);
      let gradient = scoreGradient[score + n * params.scoreN];
      sum += gradient * (1.0 - y * y);
      vSum += gradient * y;
    }
    sum *= v[params.vOffset + index % params.A];
    if (params.accumulate != 0u) {
      sum += ownGradient[params.ownGradientOffset + i];
    }
    ownGradient[params.ownGradientOffset + i] = sum;
    if (BY_V) {
      vRows[params.vRowsOffset + i] = vSum;
    }
  }
}
