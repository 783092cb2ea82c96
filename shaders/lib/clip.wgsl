// The gradient that an optimizer sees: clipped by value, then by norm.
fn clipped(g: f32, clipValue: f32, clipFactor: f32) -> f32 {
  return clamp(g, -clipValue, clipValue) * clipFactor;
}
