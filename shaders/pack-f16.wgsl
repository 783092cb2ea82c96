// Weights [D,G,H,K], by strides in H and K, as f16 by columns, see lib/weights-f16.wgsl: rounded to the nearest one, of two
// equally near to the one whose last bit is 0. Numbers beyond ±65504 become that; infinity and NaN stay. All is done with the
// bits of f32: what WGSL's own pack2x16float rounds to is up to the adapter.

struct Params {
  D: u32,
  G: u32,
  H: u32,
  K: u32,
  unitStride: u32, // of H in weight
  columnStride: u32, // of K in weight
  weightOffset: u32,
  toOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<u32>; // [D,G,H,K] by strides
@group(0) @binding(2) var<storage, read_write> to: array<u32>; // [D,K,G,⌈H/4⌉,2]

fn halfOf(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size >= 0x7f800000u) {
    return sign | select(0x7c00u, 0x7e00u, size > 0x7f800000u);
  }
  // Below 2^-14 the last bit is worth 2^-24; what is below half of that has no bit left.
  let lost = select(min(126u - (size >> 23u), 25u), 13u, size >= 0x38800000u);
  let whole = select((size & 0x7fffffu) | 0x800000u, size - 0x38000000u, lost == 13u);
  let rounded = (whole + (1u << (lost - 1u)) - 1u + ((whole >> lost) & 1u)) >> lost;
  return sign | min(rounded, 0x7bffu);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let H = params.H;
  let pairs = (H + 3u) / 4u * 2u;
  let count = params.D * params.K * params.G * pairs;
  for (var i = id.x; i < count; i += groups.x * 64u) {
    let u = i % pairs * 2u;
    let g = i / pairs % params.G;
    let k = i / pairs / params.G % params.K;
    let matrix = i / pairs / params.G / params.K * params.G + g;
    let at = params.weightOffset + matrix * H * params.K + u * params.unitStride + k * params.columnStride;
    var word = 0u;
    if (u < H) {
      word = halfOf(weight[at]);
    }
    if (u + 1u < H) {
      word |= halfOf(weight[at + params.unitStride]) << 16u;
    }
    to[params.toOffset + i] = word;
  }
}
