// sin and cos to about 1e-7 for |x| up to 8000, and to 1e-6 up to 1e5; beyond that the angle is lost, and they are NaN (from
// `params.zero`, which is 0 but not known to the compiler: a constant one does not compile). WGSL's own are allowed an absolute error of 5e-4 within a period, and any outside
// (https://www.w3.org/TR/WGSL/#floating-point-accuracy).

// x - k pi/2 with |.| <= pi/4: pi/2 in three parts, the first two with so few digits that k times them is exact.
fn turned(x: f32, k: f32) -> f32 {
  return ((x - k * 1.5703125) - k * 4.83751296997e-4) - k * 7.54978995489e-8;
}

fn nearSine(r: f32) -> f32 {
  let q = r * r;
  return r + r * q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * (-1.0 / 5040.0 + q * (1.0 / 362880.0))));
}
fn nearCosine(r: f32) -> f32 {
  let q = r * r;
  return 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * (-1.0 / 720.0 + q * (1.0 / 40320.0))));
}

// sin(x + quarters pi/2)
fn wave(x: f32, quarters: i32) -> f32 {
  let k = round(x * 0.636619772);
  let r = turned(x, k);
  let turn = (i32(k) + quarters) & 3;
  let y = select(nearSine(r), nearCosine(r), (turn & 1) == 1);
  return select(select(y, -y, turn >= 2), bitcast<f32>(0x7fc00000u | params.zero), abs(x) > 1e5);
}

fn sine(x: f32) -> f32 {
  return wave(x, 0);
}
fn cosine(x: f32) -> f32 {
  return wave(x, 1);
}
