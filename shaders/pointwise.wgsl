// y[i] (+)= expression(i) for every index of a space of four axes: chains of operations, forward and backward. The expression is
// written by src/kernels/expression.ts, which also declares its type, Result. Buffers hold f32 or i32, and are bound as bits,
// because f32 may lose those of small whole numbers.

// #include EXPRESSION

struct Params {
  N: u32, // indices
  n1: u32, // lengths of the axes of the index space, but the first
  n2: u32,
  n3: u32,
  accumulate: u32, // 1: add to what y holds
  zero: u32, // 0: from it come infinities and NaN, which do not compile as constants
  x0s0: i32, // strides of the inputs along the four axes
  x0s1: i32,
  x0s2: i32,
  x0s3: i32,
  x1s0: i32,
  x1s1: i32,
  x1s2: i32,
  x1s3: i32,
  x2s0: i32,
  x2s1: i32,
  x2s2: i32,
  x2s3: i32,
  x3s0: i32,
  x3s1: i32,
  x3s2: i32,
  x3s3: i32,
  x4s0: i32,
  x4s1: i32,
  x4s2: i32,
  x4s3: i32,
  x5s0: i32,
  x5s1: i32,
  x5s2: i32,
  x5s3: i32,
  x0Offset: u32,
  x1Offset: u32,
  x2Offset: u32,
  x3Offset: u32,
  x4Offset: u32,
  x5Offset: u32,
  yOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<u32>; // [n0,n1,n2,n3] by strides
@group(0) @binding(2) var<storage, read> x1: array<u32>; // [n0,n1,n2,n3] by strides
@group(0) @binding(3) var<storage, read> x2: array<u32>; // [n0,n1,n2,n3] by strides
@group(0) @binding(4) var<storage, read> x3: array<u32>; // [n0,n1,n2,n3] by strides
@group(0) @binding(5) var<storage, read> x4: array<u32>; // [n0,n1,n2,n3] by strides
@group(0) @binding(6) var<storage, read> x5: array<u32>; // [n0,n1,n2,n3] by strides
@group(0) @binding(7) var<storage, read_write> y: array<u32>; // [N]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < params.N; i += groups.x * 64u) {
    let at = params.yOffset + i;
    var value = expression(i);
    if (params.accumulate != 0u) {
      value += bitcast<Result>(y[at]);
    }
    y[at] = bitcast<u32>(value);
  }
}
