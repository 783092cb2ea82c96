// gradient[v,e] += sum of outputGradient[n,e] over all n with tokens[n] = v, in the order of n: no atomics, repeatable.
// An invocation has a run of equal tokens (group-tokens.wgsl) and a column, so work grows with the number of tokens and not
// with the vocabulary. Rows of absent tokens were cleared before.

struct Params {
  N: u32, // tokens
  E: u32, // embedding dimension
  V: u32, // vocabulary
  tokensOffset: u32,
  groupedOffset: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [N]
@group(0) @binding(2) var<storage, read> grouped: array<i32>; // [2,N]
@group(0) @binding(3) var<storage, read> outputGradient: array<f32>; // [N,E]
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>; // [V,E]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let runs = min(params.N, params.V);
  for (var i = id.x; i < runs * params.E; i += groups.x * 64u) {
    let run = i / params.E;
    let e = i % params.E;
    let at = params.groupedOffset + params.N + run;
    let begin = u32(grouped[at]);
    if (begin < params.N) {
      var end = params.N;
      if (run + 1u < params.N) {
        end = u32(grouped[at + 1u]);
      }
      let token = u32(tokens[params.tokensOffset + u32(grouped[params.groupedOffset + begin])]);
      if (token < params.V) {
        var sum = 0.0;
        for (var k = begin; k < end; k++) {
          let n = u32(grouped[params.groupedOffset + k]);
          sum += outputGradient[params.outputGradientOffset + n * params.E + e];
        }
        gradient[params.gradientOffset + token * params.E + e] += sum;
      }
    }
  }
}
