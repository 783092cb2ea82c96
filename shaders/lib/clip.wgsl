// #include "lib/finite.wgsl"
// A gradient clipped by value. NaN and infinities stay what they are, so that the norm shows them.
fn clippedByValue(g: f32, clipValue: f32) -> f32 {
  return select(clamp(g, -clipValue, clipValue), g, isBad(g));
}

// The gradient that an optimizer sees: clipped by value, then by norm.
fn clipped(g: f32, clipValue: f32, clipFactor: f32) -> f32 {
  return clippedByValue(g, clipValue) * clipFactor;
}
