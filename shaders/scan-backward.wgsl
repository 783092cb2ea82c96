// The gradient of h_t = a_t * h_{t-1} + b_t, the same recurrence from the end: g_t = dh_t + a_{t+1} * g_{t+1} is the gradient
// by b_t, g_t * h_{t-1} that by a_t, and a_0 * g_0 that by h0. Chunks of L steps count from the end: chunk 0 starts from 0,
// chunk c from starts[c-1].

struct Params {
  T: u32, // steps
  N: u32, // columns
  L: u32, // steps of a chunk
  chunks: u32,
  hasInitial: u32,
  aOffset: u32,
  hOffset: u32,
  h0Offset: u32,
  hGradientOffset: u32,
  startsOffset: u32,
  gradientsOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // [T,N]
@group(0) @binding(2) var<storage, read> h: array<f32>; // [T,N]
@group(0) @binding(3) var<storage, read> h0: array<f32>; // [N]
@group(0) @binding(4) var<storage, read> hGradient: array<f32>; // [T,N]
@group(0) @binding(5) var<storage, read> starts: array<f32>; // [chunks-1,N]
@group(0) @binding(6) var<storage, read_write> gradients: array<f32>; // [2*T+1,N] by a, by b, by h0

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.chunks * params.N; i += groups.x * 64u) {
    let n = i % params.N;
    let chunk = i / params.N;
    var carry = 0.0;
    if (chunk > 0u) {
      carry = starts[params.startsOffset + i - params.N];
    }
    let end = min((chunk + 1u) * params.L, params.T);
    for (var s = chunk * params.L; s < end; s++) {
      let t = params.T - 1u - s;
      let at = t * params.N + n;
      var gradient = hGradient[params.hGradientOffset + at];
      if (s > 0u) {
        gradient += a[params.aOffset + at + params.N] * carry;
      }
      var previous = 0.0;
      if (t > 0u) {
        previous = h[params.hOffset + at - params.N];
      } else if (params.hasInitial != 0u) {
        previous = h0[params.h0Offset + n];
      }
      gradients[params.gradientsOffset + at] = gradient * previous;
      gradients[params.gradientsOffset + params.T * params.N + at] = gradient;
      carry = gradient;
    }
    if (end == params.T) {
      gradients[params.gradientsOffset + 2u * params.T * params.N + n] = a[params.aOffset + n] * carry;
    }
  }
}
