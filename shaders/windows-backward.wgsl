// gradient[n,c,s1,s2] (+)= sum of outputGradient[c,k1,k2,n,p1,p2] over the windows and their places that show this number of x:
// the gradient of windows, and what a transposed convolution puts together.

struct Params {
  N: u32, // images
  C: u32, // channels
  S1: u32, // numbers of x along either axis
  S2: u32,
  K1: u32, // numbers of a window along either axis
  K2: u32,
  P1: u32, // windows along either axis
  P2: u32,
  stride1: u32,
  stride2: u32,
  dilation1: u32,
  dilation2: u32,
  padding1: u32,
  padding2: u32,
  turned: u32, // outputGradient is [n,p1,p2,c,k1,k2]
  accumulate: u32,
  outputGradientOffset: u32,
  gradientOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> outputGradient: array<f32>; // [C,K1,K2,N,P1,P2]
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>; // [N,C,S1,S2]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var rowStep = params.N * params.P1 * params.P2;
  var columnStep = 1u;
  if (params.turned != 0u) {
    rowStep = 1u;
    columnStep = params.C * params.K1 * params.K2;
  }
  for (var i = id.x; i < params.N * params.C * params.S1 * params.S2; i += groups.x * 64u) {
    let s2 = i % params.S2;
    let s1 = i / params.S2 % params.S1;
    let c = i / params.S2 / params.S1 % params.C;
    let n = i / params.S2 / params.S1 / params.C;
    var sum = 0.0;
    for (var k1 = 0u; k1 < params.K1; k1++) {
      // Where the window begins that shows s1 at its place k1, if it begins somewhere.
      let begin1 = s1 + params.padding1 - k1 * params.dilation1;
      let p1 = begin1 / params.stride1;
      if (k1 * params.dilation1 <= s1 + params.padding1 && begin1 % params.stride1 == 0u && p1 < params.P1) {
        for (var k2 = 0u; k2 < params.K2; k2++) {
          let begin2 = s2 + params.padding2 - k2 * params.dilation2;
          let p2 = begin2 / params.stride2;
          if (k2 * params.dilation2 <= s2 + params.padding2 && begin2 % params.stride2 == 0u && p2 < params.P2) {
            let row = (c * params.K1 + k1) * params.K2 + k2;
            let column = (n * params.P1 + p1) * params.P2 + p2;
            sum += outputGradient[params.outputGradientOffset + row * rowStep + column * columnStep];
          }
        }
      }
    }
    let at = params.gradientOffset + i;
    if (params.accumulate != 0u) {
      sum += gradient[at];
    }
    gradient[at] = sum;
  }
}
