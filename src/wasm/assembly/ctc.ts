// Connectionist temporal classification (src/kernels/ctc.ts; shaders/ctc.wgsl has the equations), four positions at a time.
import { firstLanes, largestLane, put } from "./lanes";
import { exp, expOne, log, logOne } from "./math";

/** Stands for log 0. */
const NEVER: f32 = -1e30;
const ALMOST_NEVER: f32 = -1e29;
/** Floats around a row of positions: neighbours that are not there are never reached. */
const AROUND: usize = 4;

/** Bytes of a row of the workspace for sequences of at most S labels. */
function rowBytes(S: i32): usize {
  return (((<usize>(2 * S + 1) + 3) & ~3) + 2 * AROUND) << 2;
}

/** Bytes of workspace that `ctc` takes. */
export function ctcWorkspace(S: i32): i32 {
  return 4 * <i32>rowBytes(S);
}

/** The class of a position: a label, or the blank between them. */
function classOf(labels: usize, s: i32, blank: i32, C: i32): i32 {
  if (!(s & 1)) return blank;
  return min(max(load<i32>(labels + ((<usize>(s >> 1)) << 2)), 0), C - 1);
}

function fillNever(row: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(row + at, f32x4.splat(NEVER));
}

/** log(e^x + e^y + e^z) */
function logAdd(x: v128, y: v128, z: v128): v128 {
  const most = f32x4.max(x, f32x4.max(y, z));
  const sum = f32x4.add(exp(f32x4.sub(x, most)), f32x4.add(exp(f32x4.sub(y, most)), exp(f32x4.sub(z, most))));
  const isNever = f32x4.lt(most, f32x4.splat(ALMOST_NEVER));
  return v128.bitselect(f32x4.splat(NEVER), f32x4.add(most, log(sum)), isNever);
}

/** x + y, or NEVER where x is that. */
function reached(x: v128, y: v128): v128 {
  return v128.bitselect(f32x4.add(x, y), f32x4.splat(NEVER), f32x4.gt(x, f32x4.splat(ALMOST_NEVER)));
}

/** What is at positions that there are; NEVER at others. */
function within(x: v128, left: i32): v128 {
  return v128.bitselect(x, f32x4.splat(NEVER), firstLanes(left));
}

/** The largest of four; 0 for a step that no path gets to. */
function largest(x: v128): f32 {
  const most = largestLane(x);
  return most < ALMOST_NEVER ? 0 : most;
}

/** Lays out the logarithms of the classes' probabilities at each position. */
function gatherScores(to: usize, logits: usize, logSum: f32, labels: usize, count: i32, blank: i32, C: i32): void {
  const ofBlank = load<f32>(logits + ((<usize>blank) << 2)) - logSum;
  store<f32>(to, ofBlank);
  for (let i: i32 = 0; i < count; i++) {
    const label = classOf(labels, 2 * i + 1, blank, C);
    store<f32>(to, load<f32>(logits + ((<usize>label) << 2)) - logSum, 4);
    store<f32>(to, ofBlank, 8);
    to += 8;
  }
}

export function ctc(
  logits: usize,
  logSum: usize,
  labels: usize,
  stepCounts: usize,
  labelCounts: usize,
  paths: usize,
  beta: usize,
  rowLoss: usize,
  T: i32,
  B: i32,
  C: i32,
  S: i32,
  blank: i32,
  byLength: i32,
  zeroInfinity: i32,
  nan: i32,
  infinity: i32,
  workspace: usize,
): void {
  const size = rowBytes(S);
  const L = (<usize>(2 * S + 1)) << 2;
  const step = <usize>B * L;
  const classes = (<usize>C) << 2;
  // Rows of one sequence: what a step is told by its neighbour, twice; scores; where a path may pass over a blank.
  const row = workspace + AROUND * 4;
  const other = row + size;
  const scores = other + size;
  const skips = scores + size;
  const never = f32x4.splat(NEVER);

  for (let b: i32 = 0; b < B; b++) {
    const index = (<usize>b) << 2;
    const steps = load<i32>(stepCounts + index);
    const count = load<i32>(labelCounts + index);
    const positions = 2 * count + 1;
    const own = labels + ((<usize>(b * S)) << 2);
    const numbers = logits + <usize>b * classes;
    const path = paths + <usize>b * L;
    const end = path + <usize>T * step;
    fillNever(workspace, size * 2);
    memory.fill(skips - AROUND * 4, 0, size);
    for (let s: i32 = 3; s < positions; s += 2) {
      const isOther = classOf(own, s, blank, C) !== classOf(own, s - 2, blank, C);
      if (isOther) store<i32>(skips + ((<usize>s) << 2), -1);
    }

    // Forward: paths holds alpha, without the largest of the steps before.
    let isBad = false;
    let leftOut: f64 = 0;
    let before: f32 = 0;
    let from = row;
    let to = other;
    let alpha = path;
    for (let t: i32 = 0; t < steps; t++) {
      const logSumNow = load<f32>(logSum + <usize>t * ((<usize>B) << 2) + index);
      if (!(abs(logSumNow) < Infinity)) isBad = true;
      gatherScores(scores, numbers + <usize>(t * B) * classes, logSumNow, own, count, blank, C);
      let most = never;
      let left = positions;
      const less = f32x4.splat(before);
      for (let at: usize = 0; left > 0; at += 16) {
        let value = at === 0 ? f32x4(0, 0, NEVER, NEVER) : never;
        if (t > 0) {
          const skip = v128.bitselect(v128.load(from + at - 8), never, v128.load(skips + at));
          value = logAdd(v128.load(from + at), v128.load(from + at - 4), skip);
          value = reached(value, f32x4.neg(less));
        }
        value = within(reached(value, v128.load(scores + at)), left);
        v128.store(to + at, value);
        put(alpha + at, value, left);
        most = f32x4.max(most, value);
        left -= 4;
      }
      if (t > 0) leftOut += before;
      before = largest(most);
      alpha += step;
      const swap = from;
      from = to;
      to = swap;
    }

    // What leads to the last label or the blank behind it.
    let total: f32 = count === 0 ? 0 : NEVER;
    if (steps > 0) {
      const last = from + ((<usize>(positions - 1)) << 2);
      const x = load<f32>(last);
      const y = load<f32>(last - 4);
      const most = max(x, y);
      total = most < ALMOST_NEVER ? NEVER : most + logOne(expOne(x - most) + expOne(y - most));
    }
    const fits = total > ALMOST_NEVER;
    let loss: f32 = -(<f32>(<f64>total + leftOut));
    if (byLength) loss /= <f32>max(count, 1);
    if (!fits) loss = zeroInfinity ? 0 : reinterpret<f32>(infinity);
    store<f32>(rowLoss + index, isBad ? reinterpret<f32>(nan) : loss);

    // Backward: from the last step on, paths becomes e^(alpha + beta).
    let after: f32 = 0;
    if (steps < T) {
      for (let at = path + <usize>steps * step; at < end; at += step) memory.fill(at, 0, L);
    }
    fillNever(workspace, size * 2);
    for (let t = steps - 1; t >= 0; t--) {
      alpha -= step;
      const here = beta + <usize>((t & 1) * B + b) * L;
      let left = positions;
      const isLast = t + 1 === steps;
      if (!isLast) {
        const next = t + 1;
        const logSumNext = load<f32>(logSum + <usize>next * ((<usize>B) << 2) + index);
        gatherScores(scores, numbers + <usize>(next * B) * classes, logSumNext, own, count, blank, C);
        const less = f32x4.splat(after);
        for (let at: usize = 0; left > 0; at += 16) {
          const value = reached(v128.load(row + at), f32x4.sub(v128.load(scores + at), less));
          v128.store(other + at, within(value, left));
          left -= 4;
        }
      }
      let most = never;
      let mostOfBoth = never;
      left = positions;
      for (let at: usize = 0; left > 0; at += 16) {
        let value: v128;
        if (isLast) {
          // The last two positions.
          value = v128.bitselect(never, f32x4.splat(0), firstLanes(left - 2));
        } else {
          const skip = v128.bitselect(v128.load(other + at + 8), never, v128.load(skips + at + 8));
          value = logAdd(v128.load(other + at), v128.load(other + at + 4), skip);
        }
        value = within(value, left);
        v128.store(row + at, value);
        put(here + at, value, left);
        most = f32x4.max(most, value);
        mostOfBoth = f32x4.max(mostOfBoth, within(f32x4.add(v128.load(alpha + at), value), left));
        left -= 4;
      }
      after = largest(most);
      const less = f32x4.splat(largest(mostOfBoth));
      left = positions;
      for (let at: usize = 0; left > 0; at += 16) {
        let share = exp(f32x4.sub(f32x4.add(v128.load(alpha + at), v128.load(row + at)), less));
        share = v128.and(share, f32x4.gt(share, f32x4.splat(1e-30)));
        put(alpha + at, fits ? share : f32x4.splat(0), left);
        left -= 4;
      }
      const written = (<usize>positions) << 2;
      memory.fill(alpha + written, 0, L - written);
    }
  }
}

/** softmax less the part of all paths that goes through each class. */
export function ctcGradient(
  logits: usize,
  logSum: usize,
  labels: usize,
  labelCounts: usize,
  paths: usize,
  gradient: usize,
  N: i32,
  B: i32,
  C: i32,
  S: i32,
  blank: i32,
  byLength: i32,
  scale: f32,
): void {
  const row = (<usize>C) << 2;
  const L = (<usize>(2 * S + 1)) << 2;
  for (let n: i32 = 0; n < N; n++) {
    const b = n % B;
    const own = labels + ((<usize>(b * S)) << 2);
    const count = load<i32>(labelCounts + ((<usize>b) << 2));
    const positions = 2 * count + 1;
    let total: f32 = 0;
    for (let s: i32 = 0; s < positions; s++) total += load<f32>(paths + ((<usize>s) << 2));
    if (total > 0) {
      const factor: f32 = byLength ? scale / <f32>max(count, 1) : scale;
      const less = v128.load_splat<f32>(logSum + ((<usize>n) << 2));
      for (let c: i32 = 0; c < C; c += 4) {
        const at = (<usize>c) << 2;
        const p = exp(f32x4.sub(v128.load(logits + at), less));
        put(gradient + at, f32x4.mul(f32x4.splat(factor), p), C - c);
      }
      for (let s: i32 = 0; s < positions; s++) {
        const at = gradient + ((<usize>classOf(own, s, blank, C)) << 2);
        store<f32>(at, load<f32>(at) - (factor * load<f32>(paths + ((<usize>s) << 2))) / total);
      }
    } else {
      memory.fill(gradient, 0, row);
    }
    logits += row;
    gradient += row;
    paths += L;
  }
}
