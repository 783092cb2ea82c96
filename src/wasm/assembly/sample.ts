// Tokens drawn from rows of logits, as shaders/sample.wgsl has them, and the largest numbers of rows.
import { largestLane } from "./lanes";
import { exp } from "./math";
import { uniformFour } from "./random";

/** Larger numbers have larger keys, and 0 and -0 the same. */
function keys(x: v128): v128 {
  const bits = f32x4.add(x, f32x4.splat(0));
  return v128.xor(bits, i32x4.shr_u(i32x4.shr_s(bits, 31), 1));
}

/** `workspace`: twice V numbers, V rounded up to a multiple of four. */
export function sample(
  logits: usize,
  settings: usize,
  tokens: usize,
  B: i32,
  V: i32,
  step: i32,
  workspace: usize,
): void {
  const temperature = load<f32>(settings);
  const topP = load<f32>(settings, 4);
  const topK = load<i32>(settings, 8);
  const seed = load<i32>(settings, 12);
  const index = load<i32>(settings, 16) + step;
  const size = <usize>(((V + 3) & ~3) << 2);
  const order = workspace + size;
  for (let b: i32 = 0; b < B; b++) {
    const largest = largestOf(logits, V);
    let token: i32;
    if (temperature <= 0) {
      token = firstOf(logits, V, largest);
    } else {
      prepare(logits, V, largest, temperature, workspace, order);
      let least: i32 = i32.MIN_VALUE;
      if (topK > 0 && topK < V) least = bound(order, 0, size, least, <f64>topK);
      if (topP < 1) {
        const goal = <f64>topP * mass(order, workspace, size, least);
        least = bound(order, workspace, size, least, goal);
      }
      const drawn = uniformFour(i32x4.splat(seed), i32x4.splat(0), i32x4.splat(index), i32x4.splat(b));
      const goal = <f64>f32x4.extract_lane(drawn, 0) * mass(order, workspace, size, least);
      token = draw(order, workspace, V, least, goal);
    }
    store<i32>(tokens, token);
    logits += (<usize>V) << 2;
    tokens += 4;
  }
}

function largestOf(row: usize, V: i32): f32 {
  const first = v128.load_splat<f32>(row);
  let most = first;
  let v: i32 = 0;
  for (; v + 4 <= V; v += 4) most = f32x4.pmax(most, v128.load(row + ((<usize>v) << 2)));
  for (; v < V; v++) most = f32x4.pmax(most, v128.load_splat<f32>(row + ((<usize>v) << 2)));
  return largestLane(most);
}

function firstOf(row: usize, V: i32, x: f32): i32 {
  for (let v: i32 = 0; v < V; v++) if (load<f32>(row + ((<usize>v) << 2)) === x) return v;
  return 0;
}

/** Every token's weight and key; those that fill the last four have none, and the smallest key. */
function prepare(row: usize, V: i32, largest: f32, temperature: f32, weights: usize, order: usize): void {
  const shift = f32x4.splat(largest);
  const scale = f32x4.splat(1 / temperature);
  for (let v: i32 = 0; v < V; v += 4) {
    const place = (<usize>v) << 2;
    const x = v128.load(row + place);
    v128.store(weights + place, exp(f32x4.mul(f32x4.sub(x, shift), scale)));
    v128.store(order + place, keys(x));
  }
  for (let v = V; v & 3; v++) {
    store<f32>(weights + ((<usize>v) << 2), 0);
    store<i32>(order + ((<usize>v) << 2), i32.MIN_VALUE);
  }
}

/** The sum of the weights, or where they are 0 the number, of those whose key is `least` or larger. */
function mass(order: usize, weights: usize, size: usize, least: i32): f64 {
  const bounds = i32x4.splat(least);
  const one = f32x4.splat(1);
  let low = f64x2.splat(0);
  let high = low;
  for (let place: usize = 0; place < size; place += 16) {
    const x = weights ? v128.load(weights + place) : one;
    const kept = v128.and(x, i32x4.ge_s(v128.load(order + place), bounds));
    low = f64x2.add(low, f64x2.promote_low_f32x4(kept));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(kept, kept, 2, 3, 0, 1)));
  }
  const both = f64x2.add(low, high);
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
}

/** The largest key whose mass, with nothing below `least`, reaches a goal above 0; found bit by bit. */
function bound(order: usize, weights: usize, size: usize, least: i32, goal: f64): i32 {
  let found: i32 = 0;
  for (let bit: i32 = 31; bit >= 0; bit--) {
    const candidate = found | (1 << bit);
    // Bits are tried in the order of numbers without a sign.
    const key = max(candidate ^ i32.MIN_VALUE, least);
    if (mass(order, weights, size, key) >= goal) found = candidate;
  }
  return max(found ^ i32.MIN_VALUE, least);
}

/** The first token at which the sum of what is kept passes the goal; where rounding leaves something over, the last one kept. */
function draw(order: usize, weights: usize, V: i32, least: i32, goal: f64): i32 {
  let before: f64 = 0;
  let last: i32 = 0;
  for (let v: i32 = 0; v < V; v++) {
    const place = (<usize>v) << 2;
    if (load<i32>(order + place) < least) continue;
    before += <f64>load<f32>(weights + place);
    if (before > goal) return v;
    last = v;
  }
  return last;
}
