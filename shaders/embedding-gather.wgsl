// output[n,e] = table[tokens[n], e]. Tokens that the host gives were checked; a computed one outside the table gives NaN.

struct Params {
  N: u32, // tokens
  E: u32, // embedding dimension
  V: u32, // vocabulary
  nan: u32, // bits of NaN, given at run time because a constant one does not compile
  tokensOffset: u32,
  tableOffset: u32,
  outputOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<i32>; // [N]
@group(0) @binding(2) var<storage, read> table: array<f32>; // [V,E]
@group(0) @binding(3) var<storage, read_write> output: array<f32>; // [N,E]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.N * params.E; i += groups.x * 64u) {
    let token = u32(tokens[params.tokensOffset + i / params.E]);
    let value = table[params.tableOffset + min(token, params.V - 1u) * params.E + i % params.E];
    output[params.outputOffset + i] = select(value, bitcast<f32>(params.nan), token >= params.V);
  }
}
