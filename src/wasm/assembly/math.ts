// Elementary functions of four numbers at a time. NaN is kept. Polynomials are minimax fits in the relative error, made for this
// file; how arguments are reduced is as in Cody and Waite, "Software Manual for the Elementary Functions", 1980.

/** ln 2 in two parts: whole multiples of the first, below 2^15, are exact. */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.1219444e-4;
const LOG2_E: f32 = 1.44269504;
/** Added to a number, it leaves the nearest whole number in the lowest bits. */
const ROUNDING: f32 = 12582912;
/** The exponent of 1, in its place. */
const ONE_BITS: i32 = 127 << 23;

/** e^x, to 1.5e-7 of it; 0 below -86.5, where f32 ends soon, and Infinity above 88.7. */
export function exp(x: v128): v128 {
  // A NaN is not smaller than the bound, so it stays.
  const inside = f32x4.pmin(x, f32x4.splat(89));
  // x = n ln 2 + r
  const rounded = f32x4.add(f32x4.mul(inside, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDING));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDING));
  const rest = f32x4.sub(inside, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  const r = f32x4.sub(rest, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let p = f32x4.splat(0.0013814466);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.0083687808));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.0416683927));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.1666651964));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.4999999404));
  p = f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r);
  p = f32x4.add(p, f32x4.splat(1));
  // 2^n in two parts, as 2^128 is no f32.
  const half = i32x4.add(i32x4.shl(rounded, 23), i32x4.splat(ONE_BITS - (1 << 23)));
  const y = f32x4.mul(p, half);
  return v128.andnot(f32x4.add(y, y), f32x4.lt(x, f32x4.splat(-86.5)));
}

/** The logarithm to base e, to 1.5e-7 of it; NaN below 0. */
export function log(x: v128): v128 {
  // Numbers with fewer bits than others are made larger by 2^23.
  const small = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, small);
  // x = 2^k (1 + f), 1 + f from √½ to √2.
  const bits = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const k = i32x4.sub(i32x4.shr_s(bits, 23), v128.and(small, i32x4.splat(23)));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const f = f32x4.sub(m, f32x4.splat(1));
  // ln(1 + f) = 2 artanh(s) with s = f / (2 + f), so that f - f²/2, which is exact to the last bits, is what is corrected.
  const s = f32x4.div(f, f32x4.add(f, f32x4.splat(2)));
  const z = f32x4.mul(s, s);
  let p = f32x4.splat(0.2222222222);
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.2857142857));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.4));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.6666666667));
  p = f32x4.mul(p, z);
  const square = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5));
  const whole = f32x4.convert_i32x4_s(k);
  const tail = f32x4.add(f32x4.mul(s, f32x4.add(square, p)), f32x4.mul(whole, f32x4.splat(LN2_LOW)));
  let y = f32x4.sub(f, f32x4.sub(square, tail));
  y = f32x4.add(y, f32x4.mul(whole, f32x4.splat(LN2_HIGH)));
  // Infinity and NaN are their own logarithms.
  const finite = f32x4.lt(x, f32x4.splat(Infinity));
  y = v128.bitselect(y, x, finite);
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
  return v128.bitselect(f32x4.splat(NaN), y, f32x4.lt(x, f32x4.splat(0)));
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
}

/** The hyperbolic tangent, to 3e-7 of it, near 0 too. */
export function tanh(x: v128): v128 {
  // From 8 on it is 1 but for 2e-7. A NaN is on no side of the bounds, so it stays.
  const inside = f32x4.pmax(f32x4.pmin(x, f32x4.splat(8)), f32x4.splat(-8));
  const z = f32x4.mul(inside, inside);
  let p = f32x4.splat(1.5230360549e-8);
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.1894621086e-5));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.0035715955477));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(0.13444495894));
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1));
  let q = f32x4.splat(8.5224233589e-7);
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(3.411287964e-4));
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(0.026164433514));
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(0.46777823213));
  q = f32x4.add(f32x4.mul(q, z), f32x4.splat(1));
  return f32x4.div(f32x4.mul(inside, p), q);
}

/** e^x of one number. */
export function expOne(x: f32): f32 {
  return f32x4.extract_lane(exp(f32x4.splat(x)), 0);
}

/** The logarithm to base e of one number. */
export function logOne(x: f32): f32 {
  return f32x4.extract_lane(log(f32x4.splat(x)), 0);
}

/** 1 / (1 + e^-x) of one number. */
export function sigmoidOne(x: f32): f32 {
  return f32x4.extract_lane(sigmoid(f32x4.splat(x)), 0);
}

/** The hyperbolic tangent of one number. */
export function tanhOne(x: f32): f32 {
  return f32x4.extract_lane(tanh(f32x4.splat(x)), 0);
}
