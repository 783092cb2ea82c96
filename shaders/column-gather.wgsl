// y[n,d,m] = weight[d, m, tokens[n]] + bias[d,m]: W·x + b of a one-hot x, without the matrix of zeros that x would be.
// Tokens that the host gives were checked; a computed one outside the vocabulary gives NaN.

struct Params {
  N: u32, // tokens
  D: u32, // directions
  M: u32, // rows of a weight
  V: u32, // vocabulary
  row: u32, // stride of n in y
  batch: u32, // stride of d in y
  hasBias: u32,
  nan: u32, // bits of NaN, given at run time because a constant one does not compile
  tokensOffset: u32,
  weightOffset: u32,
  biasOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [N]
@group(0) @binding(2) var<storage, read> weight: array<f32>; // [D,M,V]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [D,M]
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [N,D,M] by strides

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let columns = params.D * params.M;
  for (var i = id.x; i < params.N * columns; i += groups.x * 64u) {
    let n = i / columns;
    let column = i % columns; // d * M + m
    let token = u32(tokens[params.tokensOffset + n]);
    var value = weight[params.weightOffset + column * params.V + min(token, params.V - 1u)];
    if (params.hasBias != 0u) {
      value += bias[params.biasOffset + column];
    }
    let at = params.yOffset + n * params.row + column / params.M * params.batch + column % params.M;
    y[at] = select(value, bitcast<f32>(params.nan), token >= params.V);
  }
}
