// gradient[d,m,v] += sum of outputGradient[n,d,m] over all n with tokens[n] = v, in the order of n: no atomics, repeatable.
// An invocation has a run of equal tokens (group-tokens.wgsl) and a column; columns of absent tokens stay as they are.

struct Params {
  N: u32, // tokens
  D: u32, // directions
  M: u32, // rows of a weight
  V: u32, // vocabulary
  row: u32, // stride of n in outputGradient
  batch: u32, // stride of d in outputGradient
  tokensOffset: u32,
  groupedOffset: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [N]
@group(0) @binding(2) var<storage, read> grouped: array<i32>; // [2,N]
@group(0) @binding(3) var<storage, read> outputGradient: array<f32>; // [N,D,M] by strides
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>; // [D,M,V]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let columns = params.D * params.M;
  let runs = min(params.N, params.V);
  for (var i = id.x; i < runs * columns; i += groups.x * 64u) {
    let run = i / columns;
    let column = i % columns; // d * M + m
    let at = params.groupedOffset + params.N + run;
    let begin = u32(grouped[at]);
    if (begin < params.N) {
      var end = params.N;
      if (run + 1u < params.N) {
        end = u32(grouped[at + 1u]);
      }
      let token = u32(tokens[params.tokensOffset + u32(grouped[params.groupedOffset + begin])]);
      if (token < params.V) {
        let first = params.outputGradientOffset + column / params.M * params.batch + column % params.M;
        var sum = 0.0;
        for (var k = begin; k < end; k++) {
          sum += outputGradient[first + u32(grouped[params.groupedOffset + k]) * params.row];
        }
        gradient[params.gradientOffset + column * params.V + token] += sum;
      }
    }
  }
}
