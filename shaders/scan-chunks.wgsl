// What a chunk of L steps of h_t = a_t * h_{t-1} + b_t does to the state that it starts from: h_last = product * h_first + end.
// The first of a scan's three dispatches. Only products of a and sums, no quotient and no logarithm: with a in [0, 1] a long
// product goes to 0, which is then the right number of how much of the start is left.
//
// REVERSE takes the steps from the last to the first, with the coefficient of the step after: g_t = a_{t+1} * g_{t+1} + b_t.

struct Params {
  T: u32, // steps
  N: u32, // columns
  L: u32, // steps of a chunk
  chunks: u32, // all but the last one, whose end starts nothing
  aOffset: u32,
  bOffset: u32,
  summaryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>; // [T,N]
@group(0) @binding(2) var<storage, read> b: array<f32>; // [T,N]
@group(0) @binding(3) var<storage, read_write> summary: array<f32>; // [2,chunks,N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let count = params.chunks * params.N;
  for (var i = id.x; i < count; i += groups.x * 64u) {
    let n = i % params.N;
    let first = i / params.N * params.L;
    var product = 1.0;
    var end = 0.0;
    for (var s = first; s < first + params.L; s++) {
      var t = s;
      var factor = 0.0;
      if (REVERSE) {
        // Nothing comes after the last step.
        t = params.T - 1u - s;
        factor = select(a[params.aOffset + min(t + 1u, params.T - 1u) * params.N + n], 0.0, s == 0u);
      } else {
        factor = a[params.aOffset + t * params.N + n];
      }
      product *= factor;
      end = factor * end + b[params.bOffset + t * params.N + n];
    }
    summary[params.summaryOffset + i] = product;
    summary[params.summaryOffset + count + i] = end;
  }
}
