// to[l,n,c] = source[l,rows[n],c]: reorders the rows of states. Numbers are moved bit for bit, whatever they are.

struct Params {
  L: u32, // layers
  N: u32, // rows of each
  C: u32, // length of a row
  sourceOffset: u32,
  rowsOffset: u32,
  toOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<i32>; // [L,N,C]
@group(0) @binding(2) var<storage, read> rows: array<i32>; // [N]
@group(0) @binding(3) var<storage, read_write> to: array<i32>; // [L,N,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.L * params.N * params.C; i += groups.x * 64u) {
    let l = i / params.C / params.N;
    let row = u32(rows[params.rowsOffset + i / params.C % params.N]);
    to[params.toOffset + i] = source[params.sourceOffset + (l * params.N + row) * params.C + i % params.C];
  }
}
