// h_t = a_t * h_{t-1} + b_t for every column, each chunk of L steps by an invocation of its own: the first chunk starts from
// h0 (or 0), chunk c from starts[c-1]. One chunk is the plain recurrence.

struct Params {
  T: u32, // steps
  N: u32, // columns
  L: u32, // steps of a chunk
  chunks: u32,
  hasInitial: u32,
  aOffset: u32,
  bOffset: u32,
  h0Offset: u32,
  startsOffset: u32,
  hOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // [T,N]
@group(0) @binding(2) var<storage, read> b: array<f32>; // [T,N]
@group(0) @binding(3) var<storage, read> h0: array<f32>; // [N]
@group(0) @binding(4) var<storage, read> starts: array<f32>; // [chunks-1,N]
@group(0) @binding(5) var<storage, read_write> h: array<f32>; // [T,N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.chunks * params.N; i += groups.x * 64u) {
    let n = i % params.N;
    let chunk = i / params.N;
    var state = 0.0;
    if (chunk > 0u) {
      state = starts[params.startsOffset + i - params.N];
    } else if (params.hasInitial != 0u) {
      state = h0[params.h0Offset + n];
    }
    let end = min((chunk + 1u) * params.L, params.T);
    for (var t = chunk * params.L; t < end; t++) {
      let at = t * params.N + n;
      state = a[params.aOffset + at] * state + b[params.bOffset + at];
      h[params.hOffset + at] = state;
    }
  }
}
