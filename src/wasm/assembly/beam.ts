// The likeliest next tokens of hypotheses, as shaders/beam-candidates.wgsl has them.
import { firstLanes, sumOfLanes } from "./lanes";
import { exp, expOne, logOne } from "./math";

/** Stands for minus infinity: the log-probability of what is never taken. */
const LOWEST: f32 = -3.4028234663852886e38;

export function beamCandidates(
  logits: usize,
  settings: usize,
  totals: usize,
  hypotheses: usize,
  tokens: usize,
  sums: usize,
  scores: usize,
  W: i32,
  V: i32,
  K: i32,
): void {
  const penalty = load<f32>(settings);
  const finished = hypotheses + ((<usize>W) << 2);
  for (let w: usize = 0; w < <usize>W; w++) {
    const total = load<f32>(totals + (w << 2));
    let length = load<i32>(hypotheses + (w << 2));
    if (load<i32>(finished + (w << 2))) {
      for (let k: usize = 0; k < <usize>K; k++) {
        store<i32>(tokens + (k << 2), 0);
        store<f32>(sums + (k << 2), k === 0 ? total : LOWEST);
      }
    } else {
      length++;
      likeliest(logits, V, K, tokens, sums);
      const peak = load<f32>(sums);
      const logSum = logOne(sumOfExp(logits, V, peak));
      for (let k: usize = 0; k < <usize>K; k++) {
        const x = load<f32>(sums + (k << 2));
        const isOut = x <= LOWEST || total <= LOWEST;
        store<f32>(sums + (k << 2), isOut ? LOWEST : max(LOWEST, total + (x - peak - logSum)));
      }
    }
    const factor = expOne(-penalty * logOne(<f32>length));
    for (let k: usize = 0; k < <usize>K; k++) {
      const sum = load<f32>(sums + (k << 2));
      store<f32>(scores + (k << 2), sum <= LOWEST ? LOWEST : max(LOWEST, sum * factor));
    }
    logits += (<usize>V) << 2;
    tokens += (<usize>K) << 2;
    sums += (<usize>K) << 2;
    scores += (<usize>K) << 2;
  }
}

/** Finite, with LOWEST for NaN. */
function bounded(x: v128): v128 {
  const lowest = f32x4.splat(LOWEST);
  return f32x4.pmin(f32x4.splat(-LOWEST), f32x4.pmax(lowest, x));
}

function sumOfExp(row: usize, V: i32, peak: f32): f32 {
  const shift = f32x4.splat(peak);
  let sum = f32x4.splat(0);
  for (let v: i32 = 0; v < V; v += 4) {
    const e = exp(f32x4.sub(bounded(v128.load(row + ((<usize>v) << 2))), shift));
    sum = f32x4.add(sum, v128.and(e, firstLanes(V - v)));
  }
  return sumOfLanes(sum);
}

/** The K largest logits in order, of equal ones the first, and their tokens. */
function likeliest(row: usize, V: i32, K: i32, tokens: usize, found: usize): void {
  const last = (<usize>(K - 1)) << 2;
  for (let v: i32 = 0; v < V; v++) {
    const x = f32x4.extract_lane(bounded(v128.load_splat<f32>(row + ((<usize>v) << 2))), 0);
    if (v >= K && x <= load<f32>(found + last)) continue;
    let at = v < K ? (<usize>v) << 2 : last;
    while (at > 0 && x > load<f32>(found + at - 4)) {
      store<f32>(found + at, load<f32>(found + at - 4));
      store<i32>(tokens + at, load<i32>(tokens + at - 4));
      at -= 4;
    }
    store<f32>(found + at, x);
    store<i32>(tokens + at, v);
  }
}
