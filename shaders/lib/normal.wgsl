// The normal distribution function, (1 + erf(x / sqrt 2)) / 2, by exp(-x^2 / 2) times a polynomial in t that was fitted for
// this file: its relative error is below 5e-8 for all x down to -13, where the function is 6e-39. For x > 0, 1 minus that.
fn normalBelow(x: f32) -> f32 {
  let z = min(abs(x), 13.0);
  let t = 1.0 / (1.0 + 0.353553391 * z);
  let high = 0.137988184 + t * (-0.242691083 + t * (0.141850616 - t * 0.029445314));
  let low = 0.141176733 + t * (0.121630572 + t * (0.101034650 + t * (-0.012588217 + t * high)));
  let tail = t * (0.141043839 + t * low) * exp(-0.5 * z * z);
  return select(select(tail, 0.0, x < -13.0), 1.0 - tail, x > 0.0);
}

fn normalDensity(x: f32) -> f32 {
  let z = min(abs(x), 13.0);
  return select(0.398942280 * exp(-0.5 * z * z), 0.0, abs(x) > 13.0);
}

// erf(x) by its series near 0, where 1 minus twice the tail would lose digits.
fn errorFunction(x: f32) -> f32 {
  let q = min(x * x, 1.0);
  let high = -1.0 / 42.0 + q * (1.0 / 216.0 + q * (-1.0 / 1320.0 + q * (1.0 / 9360.0 - q * (1.0 / 75600.0))));
  let near = 1.12837917 * x * (1.0 + q * (-1.0 / 3.0 + q * (0.1 + q * high)));
  let far = 1.0 - 2.0 * normalBelow(-1.41421356 * abs(x));
  return select(select(far, -far, x < 0.0), near, abs(x) < 0.7);
}
