// gradient[s,b,c] (+)= sum of outputGradient[t,b,c,k] over the windows t and their steps k that show step s of x.

struct Params {
  T: u32,
  S: u32,
  B: u32,
  C: u32,
  K: u32,
  stride: u32,
  dilation: u32,
  padding: u32,
  accumulate: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>; // [T,B,C,K]
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>; // [S,B,C]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = params.B * params.C;
  for (var i = id.x; i < params.S * row; i += groups.x * 64u) {
    let s = i / row;
    var sum = 0.0;
    for (var k = 0u; k < params.K; k++) {
      // Steps from the beginning of the window that shows s at its step k.
      let begin = s + params.padding - k * params.dilation;
      let t = begin / params.stride;
      if (k * params.dilation <= s + params.padding && begin % params.stride == 0u && t < params.T) {
        sum += outputGradient[params.outputGradientOffset + (t * row + i % row) * params.K + k];
      }
    }
    let at = params.gradientOffset + i;
    if (params.accumulate != 0u) {
      sum += gradient[at];
    }
    gradient[at] = sum;
  }
}
