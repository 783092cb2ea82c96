// gradient[a,r,c] (+)= sum of outputGradient[a,k,c] over the k with index[a,k,c] = r. Each number has one owner, which goes through
// all entries in order: equal indices need no atomics, and the result is the same every time.

struct Params {
  A: u32,
  R: u32,
  C: u32,
  K: u32,
  accumulate: u32,
  indexOffset: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<i32>; // [A,K,C]
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>; // [A,K,C]
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>; // [A,R,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.A * params.R * params.C; i += groups.x * 64u) {
    let a = i / (params.R * params.C);
    let r = i32(i / params.C % params.R);
    var sum = 0.0;
    for (var k = 0u; k < params.K; k++) {
      let at = (a * params.K + k) * params.C + i % params.C;
      if (index[params.indexOffset + at] == r) {
        sum += outputGradient[params.outputGradientOffset + at];
      }
    }
    let at = params.gradientOffset + i;
    if (params.accumulate != 0u) {
      sum += gradient[at];
    }
    gradient[at] = sum;
  }
}
