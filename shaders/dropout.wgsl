// y[i] (+)= x[i] * scale with probability 1 - p, else 0. Whether is a hash of (seed, stream, i % period), so that the
// gradient draws the same numbers again; a period shorter than N repeats the mask: one for all steps.

// #include "lib/random.wgsl"

struct Params {
  N: u32, // numbers
  period: u32,
  stream: u32, // of this use of this layer
  accumulate: u32, // 1: add to what y holds
  p: f32,
  scale: f32, // 1 / (1 - p)
  xOffset: u32,
  seedOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [N]
@group(0) @binding(2) var<storage, read> seed: array<i32>; // [1]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let start = bitcast<u32>(seed[params.seedOffset]);
  for (var i = id.x; i < params.N; i += groups.x * 64u) {
    let kept = uniformOf(pcg4d(vec4u(start, params.stream, i % params.period, 0u)).x) >= params.p;
    let at = params.yOffset + i;
    var value = select(0.0, x[params.xOffset + i] * params.scale, kept);
    if (params.accumulate != 0u) {
      value += y[at];
    }
    y[at] = value;
  }
}
