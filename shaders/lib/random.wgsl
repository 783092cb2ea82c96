// Counter-based random numbers: the same four counters give the same number on every machine and in the CPU twin.
// pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
fn pcg4d(counters: vec4u) -> vec4u {
  var v = counters * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

// 24 random bits as a number in [0, 1).
fn uniformOf(bits: u32) -> f32 {
  return f32(bits >> 8u) * (1.0 / 16777216.0);
}
