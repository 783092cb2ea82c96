// The optimizers, a function for each kernel of src/kernels/optimizer.ts, which has the equations and says what `hyper` holds.
// They take the kernel's bindings and its params, in order. Factors that 1 is reduced by come as f64: 1 - f32(0.999) is 5e-5 off.
import { put } from "./lanes";

/** Gradients clipped by value, but for infinities and NaN, and by the norm. */
export function clipped(gradient: usize, norm: usize, clipValue: f32): v128 {
  const g = v128.load(gradient);
  const within = f32x4.min(f32x4.max(g, f32x4.splat(-clipValue)), f32x4.splat(clipValue));
  const isInfinite = f32x4.eq(f32x4.abs(g), f32x4.splat(Infinity));
  return f32x4.mul(v128.bitselect(g, within, isInfinite), v128.load_splat<f32>(norm + 4));
}

/** a + factor·b */
export function plus(a: v128, factor: f32, b: v128): v128 {
  return f32x4.add(a, f32x4.mul(f32x4.splat(factor), b));
}

/** a - factor·b */
export function minus(a: v128, factor: f32, b: v128): v128 {
  return f32x4.sub(a, f32x4.mul(f32x4.splat(factor), b));
}

/** A moving average: keep·average + (1 - keep)·x. */
export function averaged(average: usize, keep: f64, x: v128): v128 {
  return plus(f32x4.mul(f32x4.splat(<f32>keep), v128.load(average)), <f32>(1 - keep), x);
}

export function sgd(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  momentum: f32,
  dampening: f64,
  nesterov: i32,
): void {
  const lr = load<f32>(hyper);
  const isFirst = load<f32>(hyper + 4) !== 0;
  const own = <f32>(1 - dampening);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    let d = plus(clipped(gradient, norm, clipValue), weightDecay, weight);
    if (momentum !== 0) {
      const kept = f32x4.mul(f32x4.splat(momentum), v128.load(moment0));
      const v = isFirst ? d : plus(kept, own, d);
      put(moment0, v, P);
      d = nesterov ? plus(d, momentum, v) : v;
      moment0 += 16;
    }
    put(parameter, minus(weight, lr, d), P);
    parameter += 16;
    gradient += 16;
  }
}

export function adam(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  moment2: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  beta1: f64,
  beta2: f64,
  eps: f32,
  decoupled: i32,
  amsgrad: i32,
): void {
  const lr = load<f32>(hyper);
  const rate = lr / load<f32>(hyper, 4);
  const scale = f32x4.splat(1 / sqrt<f32>(load<f32>(hyper, 8)));
  for (; P > 0; P -= 4) {
    let weight = v128.load(parameter);
    let d = clipped(gradient, norm, clipValue);
    if (decoupled) weight = minus(weight, lr * weightDecay, weight);
    else d = plus(d, weightDecay, weight);
    const m = averaged(moment0, beta1, d);
    let v = averaged(moment1, beta2, f32x4.mul(d, d));
    put(moment0, m, P);
    put(moment1, v, P);
    if (amsgrad) {
      v = f32x4.max(v128.load(moment2), v);
      put(moment2, v, P);
      moment2 += 16;
    }
    const size = f32x4.add(f32x4.mul(f32x4.sqrt(v), scale), f32x4.splat(eps));
    put(parameter, f32x4.sub(weight, f32x4.div(f32x4.mul(f32x4.splat(rate), m), size)), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
    moment1 += 16;
  }
}

export function rmsprop(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  moment2: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  alpha: f64,
  eps: f32,
  momentum: f32,
  centered: i32,
): void {
  const lr = load<f32>(hyper);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    const d = plus(clipped(gradient, norm, clipValue), weightDecay, weight);
    let variance = averaged(moment0, alpha, f32x4.mul(d, d));
    put(moment0, variance, P);
    if (centered) {
      const mean = averaged(moment2, alpha, d);
      put(moment2, mean, P);
      // Rounding must not take it below zero.
      variance = f32x4.max(f32x4.sub(variance, f32x4.mul(mean, mean)), f32x4.splat(0));
      moment2 += 16;
    }
    let update = f32x4.div(d, f32x4.add(f32x4.sqrt(variance), f32x4.splat(eps)));
    if (momentum > 0) {
      update = plus(update, momentum, v128.load(moment1));
      put(moment1, update, P);
      moment1 += 16;
    }
    put(parameter, minus(weight, lr, update), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
  }
}
