// pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020: as src/random.ts and shaders/lib/random.wgsl.

function begin(counter: v128): v128 {
  return i32x4.add(i32x4.mul(counter, i32x4.splat(1664525)), i32x4.splat(1013904223));
}

function mix(v: v128): v128 {
  return v128.xor(v, i32x4.shr_u(v, 16));
}

/** Four numbers in [0, 1) with 24 bits, one for each lane of the four counters. */
export function uniformFour(seed: v128, stream: v128, index: v128, lane: v128): v128 {
  let x = begin(seed);
  let y = begin(stream);
  let z = begin(index);
  let w = begin(lane);
  x = i32x4.add(x, i32x4.mul(y, w));
  y = i32x4.add(y, i32x4.mul(z, x));
  z = i32x4.add(z, i32x4.mul(x, y));
  w = i32x4.add(w, i32x4.mul(y, z));
  x = mix(x);
  y = mix(y);
  w = mix(w);
  x = i32x4.add(x, i32x4.mul(y, w));
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(x, 8)), f32x4.splat(1.0 / 16777216.0));
}
