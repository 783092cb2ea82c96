// exp, log, powers and roots to about 1e-7. WGSL allows its own log an absolute error of 5e-7 near 1, its exp a relative one
// that grows with x, and its pow both (https://www.w3.org/TR/WGSL/#floating-point-accuracy). Infinities and NaN come from
// `params.zero`, which is 0 but not known to the compiler: constant ones do not compile.

fn infinity() -> f32 {
  return bitcast<f32>(0x7f800000u | params.zero);
}
fn notANumber() -> f32 {
  return bitcast<f32>(0x7fc00000u | params.zero);
}
fn isNotANumber(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}
fn twoToThe(n: i32) -> f32 {
  return bitcast<f32>(u32(n + 127) << 23u);
}

// exp(x) = 2^k exp(r) with |r| <= log(2) / 2, where the Taylor polynomial is exact to 1e-8. 2^k in two factors, because one
// alone would overflow before the result does.
fn exponential(x: f32) -> f32 {
  let cutX = clamp(x, -104.0, 89.0);
  let k = round(cutX * 1.44269504);
  let r = (cutX - k * 0.693359375) + k * 2.12194440e-4;
  let high = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
  let y = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * high)));
  let half = i32(k) / 2;
  return select(y * twoToThe(half) * twoToThe(i32(k) - half), x, isNotANumber(x));
}

// x = 2^k m with m from sqrt(1/2) to sqrt(2), and log(m) = 2 artanh(s) with s = (m - 1) / (m + 1), by its series.
fn logarithm(x: f32) -> f32 {
  let bits = bitcast<i32>(x);
  let k = (bits - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bits - (k << 23u));
  let s = (m - 1.0) / (m + 1.0);
  let q = s * s;
  let l = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
  let y = f32(k) * 0.693359375 + (l - f32(k) * 2.12194440e-4);
  // The sign, zero (and what is too small to be told from it) and what is no number are told from the bits.
  let size = bits & 0x7fffffff;
  let positive = select(y, x, size >= 0x7f800000);
  let signed = select(positive, notANumber(), bits < 0);
  return select(select(signed, -infinity(), size < 0x00800000), x, size > 0x7f800000);
}

// As C's pow: of a negative number only whole powers exist, and anything to the power of 0 is 1.
fn power(x: f32, y: f32) -> f32 {
  let size = exponential(y * logarithm(abs(x)));
  let isWhole = floor(y) == y;
  let isOdd = isWhole && floor(y * 0.5) * 2.0 != y;
  let isInfinite = bitcast<u32>(x) == 0xff800000u;
  let negative = select(notANumber(), select(size, -size, isOdd), isWhole || isInfinite);
  return select(select(size, negative, x < 0.0), 1.0, y == 0.0);
}

fn squareRoot(x: f32) -> f32 {
  return select(select(sqrt(abs(x)), notANumber(), x < 0.0), x, isNotANumber(x));
}
