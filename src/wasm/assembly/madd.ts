/** x·y + sum, rounded twice. In the build for engines with relaxed SIMD, madd-relaxed.ts stands in its place. */
export function madd(x: v128, y: v128, sum: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, y));
}
