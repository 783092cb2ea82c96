// scores[t,b,s] = sum over a of v[a] * tanh(queries[t,b,a] + keys[s,b,a]): additive attention, without the [T,S,B,A] in between.

// #include "lib/activations.wgsl"

alias Real = f32;
alias Bits = u32;

struct Params {
  T: u32, // queries of a sequence
  S: u32, // keys of a sequence
  B: u32, // sequences
  A: u32, // units
  queriesOffset: u32,
  keysOffset: u32,
  vOffset: u32,
  scoresOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<f32>; // [T,B,A]
@group(0) @binding(2) var<storage, read> keys: array<f32>; // [S,B,A]
@group(0) @binding(3) var<storage, read> v: array<f32>; // [A]
@group(0) @binding(4) var<storage, read_write> scores: array<f32>; // [T,B,S]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let count = params.T * params.B * params.S;
  for (var i = id.x; i < count; i += groups.x * 64u) {
    let s = i % params.S;
    let row = i / params.S; // t * B + b
    let query = params.queriesOffset + row * params.A;
    let key = params.keysOffset + (s * params.B + row % params.B) * params.A;
    var sum = 0.0;
    for (var a = 0u; a < params.A; a++) {
      sum += v[params.vOffset + a] * hyperbolicTangent(queries[query + a] + keys[key + a]);
    }
    scores[params.scoresOffset + i] = sum;
  }
}
