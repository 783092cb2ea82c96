// Elementary functions of four numbers at a time. NaN is kept. Polynomials are minimax fits in the relative error, made for this
// file; how arguments are reduced is as in Cody and Waite, "Software Manual for the Elementary Functions", 1980.

/** The exponent of 1, in its place. */
const ONE_BITS: i32 = 127 << 23;

// Constants lie in memory: V8 loads one in an instruction, and makes it out of three otherwise, each time anew.

/**
 * 0: from where on e^x is Infinity; 4: where it ends; 8: 1 / ln 2, near enough, as the polynomial reaches a little farther; 12: what
 * leaves the nearest whole number in the lowest bits of what it is added to; 16 and 20: ln 2 in two parts, whole multiples of the
 * first exact; 24: the polynomial, from the highest power down to that of x².
 */
const EXP: usize = memory.data<f32>([
  89, -86.5, 1.4425, 12582912, 0.693359375, -2.1219444e-4, 0.00138065033, 0.00837262999, 0.0416687876, 0.1666648686,
  0.4999999106,
]);

/** e^x, to 1.5e-7 of it; 0 below -86.5, where f32 ends soon, and Infinity above 88.7. */
export function exp(x: v128): v128 {
  // A NaN is not larger than the bound, so it stays.
  const inside = f32x4.pmin(x, v128.load_splat<f32>(EXP));
  // x = n ln 2 + r
  const rounding = v128.load_splat<f32>(EXP, 12);
  const rounded = f32x4.add(f32x4.mul(inside, v128.load_splat<f32>(EXP, 8)), rounding);
  const n = f32x4.sub(rounded, rounding);
  const rest = f32x4.sub(inside, f32x4.mul(n, v128.load_splat<f32>(EXP, 16)));
  const r = f32x4.sub(rest, f32x4.mul(n, v128.load_splat<f32>(EXP, 20)));
  let p = v128.load_splat<f32>(EXP, 24);
  p = f32x4.add(f32x4.mul(p, r), v128.load_splat<f32>(EXP, 28));
  p = f32x4.add(f32x4.mul(p, r), v128.load_splat<f32>(EXP, 32));
  p = f32x4.add(f32x4.mul(p, r), v128.load_splat<f32>(EXP, 36));
  p = f32x4.add(f32x4.mul(p, r), v128.load_splat<f32>(EXP, 40));
  p = f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r);
  p = f32x4.add(p, f32x4.splat(1));
  // 2^n as twice 2^(n - 1), for 2^128 is no f32.
  const half = i32x4.add(i32x4.shl(rounded, 23), i32x4.splat(ONE_BITS - (1 << 23)));
  const y = f32x4.mul(p, half);
  return v128.andnot(f32x4.add(y, y), f32x4.lt(x, v128.load_splat<f32>(EXP, 4)));
}

/** 0: the bits of √½; 4 and 8: ln 2 in two parts; 12: the series of the inverse hyperbolic tangent, doubled. */
const LOG: usize = memory.data<f32>([
  0.70710677, 0.693359375, -2.1219444e-4, 0.2222222222, 0.2857142857, 0.4, 0.6666666667,
]);

/** The logarithm to base e, to 1e-7 of it; NaN below 0. */
export function log(x: v128): v128 {
  // Numbers that have fewer bits than others are made larger by 2^23.
  const small = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, small);
  // x = 2^k (1 + f), 1 + f from √½ to √2.
  const root = v128.load_splat<f32>(LOG);
  const bits = i32x4.sub(scaled, root);
  const k = i32x4.sub(i32x4.shr_s(bits, 23), v128.and(small, i32x4.splat(23)));
  const m = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), root);
  const f = f32x4.sub(m, f32x4.splat(1));
  // ln(1 + f) = 2 artanh(s) with s = f / (2 + f), written as f - f²/2 and a small rest, so that f is not rounded.
  const s = f32x4.div(f, f32x4.add(f, f32x4.splat(2)));
  const z = f32x4.mul(s, s);
  let p = v128.load_splat<f32>(LOG, 12);
  p = f32x4.add(f32x4.mul(p, z), v128.load_splat<f32>(LOG, 16));
  p = f32x4.add(f32x4.mul(p, z), v128.load_splat<f32>(LOG, 20));
  p = f32x4.add(f32x4.mul(p, z), v128.load_splat<f32>(LOG, 24));
  p = f32x4.mul(p, z);
  const square = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5));
  const powers = f32x4.convert_i32x4_s(k);
  const low = f32x4.mul(powers, v128.load_splat<f32>(LOG, 8));
  const rest = f32x4.add(f32x4.mul(s, f32x4.add(square, p)), low);
  let y = f32x4.sub(f, f32x4.sub(square, rest));
  y = f32x4.add(y, f32x4.mul(powers, v128.load_splat<f32>(LOG, 4)));
  // Infinity and NaN are their own logarithms.
  y = v128.bitselect(y, x, f32x4.lt(x, f32x4.splat(Infinity)));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
  return v128.or(y, f32x4.lt(x, f32x4.splat(0)));
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
}

/** 0 and 4: from where to where; 8 and 24: the polynomials in x² above and below the line, from the highest power down to that of x². */
const TANH: usize = memory.data<f32>([
  8, -8, 1.5230360549e-8, 2.1894621086e-5, 0.0035715955477, 0.13444495894, 8.5224233589e-7, 3.411287964e-4,
  0.026164433514, 0.46777823213,
]);

/** The hyperbolic tangent, to 3.5e-7 of it, near 0 too. */
export function tanh(x: v128): v128 {
  // From 8 on it is 1 but for 2e-7. A NaN is on no side of the bounds, so it stays.
  const inside = f32x4.pmax(f32x4.pmin(x, v128.load_splat<f32>(TANH)), v128.load_splat<f32>(TANH, 4));
  const z = f32x4.mul(inside, inside);
  const one = f32x4.splat(1);
  let p = v128.load_splat<f32>(TANH, 8);
  p = f32x4.add(f32x4.mul(p, z), v128.load_splat<f32>(TANH, 12));
  p = f32x4.add(f32x4.mul(p, z), v128.load_splat<f32>(TANH, 16));
  p = f32x4.add(f32x4.mul(p, z), v128.load_splat<f32>(TANH, 20));
  p = f32x4.add(f32x4.mul(p, z), one);
  let q = v128.load_splat<f32>(TANH, 24);
  q = f32x4.add(f32x4.mul(q, z), v128.load_splat<f32>(TANH, 28));
  q = f32x4.add(f32x4.mul(q, z), v128.load_splat<f32>(TANH, 32));
  q = f32x4.add(f32x4.mul(q, z), v128.load_splat<f32>(TANH, 36));
  q = f32x4.add(f32x4.mul(q, z), one);
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
