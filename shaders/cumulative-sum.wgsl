// y[a,r,c] (+)= sum of x[a,s,c] over s <= r (reverse: over s >= r, which is the gradient).

struct Params {
  A: u32,
  R: u32,
  C: u32,
  reverse: u32,
  accumulate: u32,
  xOffset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [A,R,C]
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [A,R,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.A * params.C; i += groups.x * 64u) {
    let row = i / params.C * params.R * params.C + i % params.C;
    var sum = 0.0;
    for (var s = 0u; s < params.R; s++) {
      let at = row + select(s, params.R - 1u - s, params.reverse != 0u) * params.C;
      sum += x[params.xOffset + at];
      if (params.accumulate != 0u) {
        y[params.yOffset + at] += sum;
      } else {
        y[params.yOffset + at] = sum;
      }
    }
  }
}
