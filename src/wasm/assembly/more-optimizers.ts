// The optimizers that are used less; see optimizer.ts.
import { put, sign } from "./lanes";
import { exp, log } from "./math";
import { averaged, clipped, minus, plus } from "./optimizer";

export function adagrad(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  eps: f32,
): void {
  const lr = load<f32>(hyper);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    const d = plus(clipped(gradient, norm, clipValue), weightDecay, weight);
    const sum = f32x4.add(v128.load(moment0), f32x4.mul(d, d));
    put(moment0, sum, P);
    const size = f32x4.add(f32x4.sqrt(sum), f32x4.splat(eps));
    put(parameter, minus(weight, lr, f32x4.div(d, size)), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
  }
}

export function adamax(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  beta1: f64,
  beta2: f32,
  eps: f32,
): void {
  const lr = load<f32>(hyper);
  const rate = lr / load<f32>(hyper, 4);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    const d = plus(clipped(gradient, norm, clipValue), weightDecay, weight);
    const m = averaged(moment0, beta1, d);
    const kept = f32x4.mul(f32x4.splat(beta2), v128.load(moment1));
    const largest = f32x4.max(kept, f32x4.add(f32x4.abs(d), f32x4.splat(eps)));
    put(moment0, m, P);
    put(moment1, largest, P);
    put(parameter, minus(weight, rate, f32x4.div(m, largest)), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
    moment1 += 16;
  }
}

export function nadam(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  beta1: f64,
  beta2: f64,
  eps: f32,
  decoupled: i32,
): void {
  const lr = load<f32>(hyper);
  const ofGradient = load<f32>(hyper, 4);
  const ofAverage = load<f32>(hyper, 8);
  const scale = f32x4.splat(1 / sqrt<f32>(load<f32>(hyper, 12)));
  for (; P > 0; P -= 4) {
    let weight = v128.load(parameter);
    let d = clipped(gradient, norm, clipValue);
    if (decoupled) weight = minus(weight, lr * weightDecay, weight);
    else d = plus(d, weightDecay, weight);
    const m = averaged(moment0, beta1, d);
    const v = averaged(moment1, beta2, f32x4.mul(d, d));
    put(moment0, m, P);
    put(moment1, v, P);
    const step = plus(f32x4.mul(f32x4.splat(ofGradient), d), ofAverage, m);
    const size = f32x4.add(f32x4.mul(f32x4.sqrt(v), scale), f32x4.splat(eps));
    put(parameter, minus(weight, lr, f32x4.div(step, size)), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
    moment1 += 16;
  }
}

export function radam(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  beta1: f64,
  beta2: f64,
  eps: f32,
  decoupled: i32,
): void {
  const lr = load<f32>(hyper);
  const rate = lr / load<f32>(hyper, 4);
  // 0: the variance says too little yet, and the step is momentum alone.
  const rectified = load<f32>(hyper, 8);
  for (; P > 0; P -= 4) {
    let weight = v128.load(parameter);
    let d = clipped(gradient, norm, clipValue);
    if (decoupled) weight = minus(weight, lr * weightDecay, weight);
    else d = plus(d, weightDecay, weight);
    const m = averaged(moment0, beta1, d);
    const v = averaged(moment1, beta2, f32x4.mul(d, d));
    put(moment0, m, P);
    put(moment1, v, P);
    const size = f32x4.add(f32x4.sqrt(v), f32x4.splat(eps));
    const step = rectified ? f32x4.div(f32x4.mul(f32x4.splat(rectified), m), size) : m;
    put(parameter, minus(weight, rate, step), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
    moment1 += 16;
  }
}

export function lion(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  beta1: f64,
  beta2: f64,
): void {
  const lr = load<f32>(hyper);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    const g = clipped(gradient, norm, clipValue);
    const direction = sign(averaged(moment0, beta1, g));
    put(moment0, averaged(moment0, beta2, g), P);
    put(parameter, minus(minus(weight, lr * weightDecay, weight), lr, direction), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
  }
}

export function adadelta(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  rho: f64,
  eps: f32,
): void {
  const lr = load<f32>(hyper);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    const d = plus(clipped(gradient, norm, clipValue), weightDecay, weight);
    const square = averaged(moment0, rho, f32x4.mul(d, d));
    const before = f32x4.sqrt(f32x4.add(v128.load(moment1), f32x4.splat(eps)));
    const change = f32x4.mul(f32x4.div(before, f32x4.sqrt(f32x4.add(square, f32x4.splat(eps)))), d);
    put(moment0, square, P);
    put(moment1, averaged(moment1, rho, f32x4.mul(change, change)), P);
    put(parameter, minus(weight, lr, change), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
    moment1 += 16;
  }
}

export function asgd(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  lambd: f32,
): void {
  const lr = load<f32>(hyper);
  const share = load<f32>(hyper, 4);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    const d = plus(clipped(gradient, norm, clipValue), weightDecay, weight);
    const next = minus(minus(weight, lambd * lr, weight), lr, d);
    const average = v128.load(moment0);
    put(moment0, plus(average, share, f32x4.sub(next, average)), P);
    put(parameter, next, P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
  }
}

export function rprop(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  etaMinus: f32,
  etaPlus: f32,
  stepSizeMin: f32,
  stepSizeMax: f32,
): void {
  const lr = load<f32>(hyper);
  for (; P > 0; P -= 4) {
    const weight = v128.load(parameter);
    const d = plus(clipped(gradient, norm, clipValue), weightDecay, weight);
    const turn = f32x4.mul(sign(d), sign(v128.load(moment0)));
    const turns = f32x4.lt(turn, f32x4.splat(0));
    const goesOn = f32x4.gt(turn, f32x4.splat(0));
    let size = v128.load(moment1);
    // A step size of 0 has not begun.
    size = v128.bitselect(f32x4.splat(lr), size, f32x4.eq(size, f32x4.splat(0)));
    const shrunk = v128.bitselect(f32x4.splat(etaMinus), f32x4.splat(1), turns);
    size = f32x4.mul(size, v128.bitselect(f32x4.splat(etaPlus), shrunk, goesOn));
    size = f32x4.min(f32x4.max(size, f32x4.splat(stepSizeMin)), f32x4.splat(stepSizeMax));
    // After a turn the weight waits for a step, and the next sign is compared with none.
    const used = v128.andnot(d, turns);
    put(moment0, used, P);
    put(moment1, size, P);
    put(parameter, f32x4.sub(weight, f32x4.mul(sign(used), size)), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
    moment1 += 16;
  }
}

/** Sums of squares to a power. A root is more exact than a power, and two of them are subtracted. */
function raised(sum: v128, power: f32): v128 {
  return power === 0.5 ? f32x4.sqrt(sum) : exp(f32x4.mul(f32x4.splat(power), log(sum)));
}

export function ftrl(
  parameter: usize,
  gradient: usize,
  norm: usize,
  hyper: usize,
  moment0: usize,
  moment1: usize,
  P: i32,
  clipValue: f32,
  weightDecay: f32,
  power: f32,
  l1: f32,
  l2: f32,
  l2Shrinkage: f32,
  beta: f32,
): void {
  const lr = load<f32>(hyper);
  // At rate 0 there is no weight that the sums would stand for.
  if (lr === 0) return;
  for (; P > 0; P -= 4) {
    const g = clipped(gradient, norm, clipValue);
    const old = v128.load(parameter);
    const weight = minus(old, lr * weightDecay, old);
    const before = v128.load(moment0);
    const sum = f32x4.add(before, f32x4.mul(g, g));
    const scale = raised(sum, power);
    const sigma = f32x4.div(f32x4.sub(scale, raised(before, power)), f32x4.splat(lr));
    let linear = plus(f32x4.add(v128.load(moment1), g), 2 * l2Shrinkage, weight);
    linear = f32x4.sub(linear, f32x4.mul(sigma, weight));
    put(moment0, sum, P);
    put(moment1, linear, P);
    const within = f32x4.max(f32x4.splat(-l1), f32x4.min(f32x4.splat(l1), linear));
    const quadratic = f32x4.add(f32x4.div(scale, f32x4.splat(lr)), f32x4.splat(2 * (l2 + beta / (2 * lr))));
    put(parameter, f32x4.div(f32x4.sub(within, linear), quadratic), P);
    parameter += 16;
    gradient += 16;
    moment0 += 16;
    moment1 += 16;
  }
}
