// The gates of minGRU and minLSTM and their gradients (src/kernels/scan-gates.ts).
import { put, putOrAdd } from "./lanes";
import { exp } from "./math";

const LARGEST: f32 = 3.4e38;

/** For e^-x of one gate's pre-activation that is as large as f32 allows. */
function negated(x: v128): v128 {
  return f32x4.pmax(f32x4.pmin(f32x4.neg(x), f32x4.splat(LARGEST)), f32x4.splat(-LARGEST));
}

/** Of a pair f, i the share to keep is σ(f) / (σ(f) + σ(i)) = (1 + e^-i) / (2 + e^-f + e^-i); all terms times e^-this are at most 1. */
function largest(f: v128, i: v128): v128 {
  return f32x4.max(f32x4.max(f, i), f32x4.splat(0));
}

/** a and b of `h_t = a_t * h_{t-1} + b_t`. */
export function scanGates(x: usize, mask: usize, a: usize, b: usize, R: i32, H: i32, hasMask: i32, pair: i32): void {
  const row = (<usize>H) << 2;
  const one = f32x4.splat(1);
  for (let r: i32 = 0; r < R; r++) {
    const isReal = !hasMask || load<i32>(mask + ((<usize>r) << 2)) !== 0;
    for (let at: usize = 0; at < row; at += 16) {
      let keep = one;
      let taken = f32x4.splat(0);
      if (isReal && pair) {
        const f = negated(v128.load(x + at));
        const i = negated(v128.load(x + row + at));
        const m = largest(f, i);
        const e0 = exp(f32x4.neg(m));
        const eF = exp(f32x4.sub(f, m));
        const eI = exp(f32x4.sub(i, m));
        const kept = f32x4.add(e0, eI);
        const took = f32x4.add(e0, eF);
        const all = f32x4.div(one, f32x4.add(kept, took));
        keep = f32x4.mul(kept, all);
        taken = f32x4.mul(f32x4.mul(took, all), v128.load(x + row * 2 + at));
      } else if (isReal) {
        const z = v128.load(x + at);
        const e = exp(f32x4.neg(f32x4.abs(z)));
        const larger = f32x4.div(one, f32x4.add(one, e));
        const smaller = f32x4.mul(e, larger);
        const isOpen = f32x4.ge(z, f32x4.splat(0));
        keep = v128.bitselect(smaller, larger, isOpen);
        taken = f32x4.mul(v128.bitselect(larger, smaller, isOpen), v128.load(x + row + at));
      }
      const left = <i32>((row - at) >> 2);
      put(a + at, keep, left);
      put(b + at, taken, left);
    }
    a += row;
    b += row;
    x += pair ? row * 3 : row * 2;
  }
}

/** The gradient by the pre-activations. */
export function scanGatesBackward(
  x: usize,
  mask: usize,
  aGradient: usize,
  bGradient: usize,
  xGradient: usize,
  R: i32,
  H: i32,
  hasMask: i32,
  accumulate: i32,
  pair: i32,
): void {
  const row = (<usize>H) << 2;
  const size = pair ? row * 3 : row * 2;
  const last = size - row;
  const one = f32x4.splat(1);
  for (let r: i32 = 0; r < R; r++) {
    if (hasMask && load<i32>(mask + ((<usize>r) << 2)) === 0) {
      if (!accumulate) memory.fill(xGradient, 0, size);
    } else {
      for (let at: usize = 0; at < row; at += 16) {
        const left = <i32>((row - at) >> 2);
        const db = v128.load(bGradient + at);
        const q = f32x4.sub(v128.load(aGradient + at), f32x4.mul(db, v128.load(x + last + at)));
        if (pair) {
          const f = negated(v128.load(x + at));
          const i = negated(v128.load(x + row + at));
          const m = largest(f, i);
          const e0 = exp(f32x4.neg(m));
          const eF = exp(f32x4.sub(f, m));
          const eI = exp(f32x4.sub(i, m));
          const kept = f32x4.add(e0, eI);
          const took = f32x4.add(e0, eF);
          const all = f32x4.div(one, f32x4.add(kept, took));
          // keep·take·σ(-f) is keep·e^-f / all, without a quotient of two numbers that may both be 0.
          const byKeep = f32x4.mul(q, f32x4.mul(f32x4.mul(kept, all), f32x4.mul(eF, all)));
          const byTake = f32x4.mul(q, f32x4.mul(f32x4.mul(took, all), f32x4.mul(eI, all)));
          putOrAdd(xGradient + at, byKeep, left, accumulate);
          putOrAdd(xGradient + row + at, f32x4.neg(byTake), left, accumulate);
          putOrAdd(xGradient + last + at, f32x4.mul(db, f32x4.mul(took, all)), left, accumulate);
        } else {
          const z = v128.load(x + at);
          const e = exp(f32x4.neg(f32x4.abs(z)));
          const larger = f32x4.div(one, f32x4.add(one, e));
          const smaller = f32x4.mul(e, larger);
          const take = v128.bitselect(larger, smaller, f32x4.ge(z, f32x4.splat(0)));
          putOrAdd(xGradient + at, f32x4.neg(f32x4.mul(q, f32x4.mul(larger, smaller))), left, accumulate);
          putOrAdd(xGradient + last + at, f32x4.mul(db, take), left, accumulate);
        }
      }
    }
    x += size;
    xGradient += size;
    aGradient += row;
    bGradient += row;
  }
}
