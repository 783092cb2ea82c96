// gradient[v,e] += sum of outputGradient[n,e] over all n with tokens[n] = v, in the order of n: no atomics, repeatable.
// The first n that holds a token owns its row and adds up all later ones, so work grows with N times the number of
// different tokens, never with the size of the vocabulary. Rows of absent tokens were cleared before.

struct Params {
  N: u32, // tokens
  E: u32, // embedding dimension
  V: u32, // vocabulary
  tokensOffset: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [N]
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>; // [N,E]
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>; // [V,E]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.N * params.E; i += groups.x * 64u) {
    let n = i / params.E;
    let e = i % params.E;
    let token = tokens[params.tokensOffset + n];
    var earlier = 0u;
    while (earlier < n && tokens[params.tokensOffset + earlier] != token) {
      earlier++;
    }
    if (earlier == n && u32(token) < params.V) {
      var sum = 0.0;
      for (var m = n; m < params.N; m++) {
        if (tokens[params.tokensOffset + m] == token) {
          sum += outputGradient[params.outputGradientOffset + m * params.E + e];
        }
      }
      gradient[params.gradientOffset + u32(token) * params.E + e] += sum;
    }
  }
}
