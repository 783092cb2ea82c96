// Weights [D,G,H,K] as whole numbers from -127 to 127 by columns, with a scale for each row: see lib/weights-int8.wgsl. The scale
// is 1/127 of the row's largest size, and a weight becomes the whole number that is nearest to weight/scale, of two equally near
// the smaller. A row whose largest size is below 2^-118 becomes zeros, as one of zeros does; one with infinity or NaN becomes NaN.
// An invocation packs four rows.

struct Params {
  D: u32,
  G: u32,
  H: u32,
  K: u32,
  weightOffset: u32,
  toOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<u32>; // [D,G,H,K]
@group(0) @binding(2) var<storage, read_write> to: array<u32>; // [D,K+4,G,⌈H/4⌉]

const INVERSE = 0x1.020408p-7f; // the f32 nearest to 1/127

// The whole number, in eight bits. Adapters round products correctly, but quotients only nearly.
fn wholeOf(value: f32, scale: f32) -> u32 {
  let size = abs(value);
  var near = floor(size / scale);
  near += select(0.0, 1.0, size > (near + 0.5) * scale);
  near -= select(0.0, 1.0, size <= (near - 0.5) * scale);
  return u32(i32(select(near, -near, value < 0.0))) & 0xffu;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let H = params.H;
  let K = params.K;
  let words = (H + 3u) / 4u;
  let column = params.G * words;
  for (var i = id.x; i < params.D * column; i += groups.x * 64u) {
    let u = i % words * 4u;
    let row = i / words * H + u;
    let first = params.toOffset + i / column * (K + 4u) * column + i % column;
    let units = min(4u, H - u);
    var scale: vec4f;
    for (var l = 0u; l < 4u; l++) {
      var most = 0u;
      for (var k = 0u; k < select(0u, K, l < units); k++) {
        most = max(most, weight[params.weightOffset + (row + l) * K + k] & 0x7fffffffu);
      }
      scale[l] = select(0.0, bitcast<f32>(most) * INVERSE, most >= 0x04800000u && most < 0x7f800000u);
      to[first + (K + l) * column] = select(bitcast<u32>(scale[l]), 0x7fc00000u, most >= 0x7f800000u);
    }
    for (var k = 0u; k < K; k++) {
      var word = 0u;
      for (var l = 0u; l < units; l++) {
        if (scale[l] > 0.0) {
          let value = bitcast<f32>(weight[params.weightOffset + (row + l) * K + k]);
          word |= wholeOf(value, scale[l]) << (8u * l);
        }
      }
      to[first + k * column] = word;
    }
  }
}
