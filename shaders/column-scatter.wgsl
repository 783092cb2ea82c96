// gradient[d,m,v] += sum of outputGradient[n,d,m] over all n with tokens[n] = v, in the order of n: no atomics, repeatable.
// As in embedding-scatter the first n that holds a token owns its column and adds up all later ones; columns of absent
// tokens stay as they are.

struct Params {
  N: u32, // tokens
  D: u32, // directions
  M: u32, // rows of a weight
  V: u32, // vocabulary
  row: u32, // stride of n in outputGradient
  batch: u32, // stride of d in outputGradient
  tokensOffset: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [N]
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>; // [N,D,M] by strides
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>; // [D,M,V]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let columns = params.D * params.M;
  for (var i = id.x; i < params.N * columns; i += groups.x * 64u) {
    let n = i / columns;
    let column = i % columns; // d * M + m
    let token = tokens[params.tokensOffset + n];
    var earlier = 0u;
    while (earlier < n && tokens[params.tokensOffset + earlier] != token) {
      earlier++;
    }
    if (earlier == n && u32(token) < params.V) {
      let first = params.outputGradientOffset + column / params.M * params.batch + column % params.M;
      var sum = 0.0;
      for (var k = n; k < params.N; k++) {
        if (tokens[params.tokensOffset + k] == token) {
          sum += outputGradient[first + k * params.row];
        }
      }
      gradient[params.gradientOffset + column * params.V + u32(token)] += sum;
    }
  }
}
