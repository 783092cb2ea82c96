// The K likeliest next tokens of each hypothesis of a beam search, likeliest first, of equal ones the lowest token first: their
// sums of log-probabilities, and their scores, sum / length^lengthPenalty. A finished hypothesis has one candidate, itself.
// LANES invocations share a hypothesis. LOWEST stands for minus infinity, and for NaN: what has it is never taken.

// #include "lib/finite.wgsl"
// #include "lib/group-index.wgsl"

struct Params {
  W: u32, // hypotheses
  V: u32, // vocabulary
  K: u32, // candidates of each, at most V
  logitsOffset: u32,
  settingsOffset: u32,
  totalsOffset: u32,
  hypothesesOffset: u32,
  tokensOffset: u32,
  sumsOffset: u32,
  scoresOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [W,V]
@group(0) @binding(2) var<storage, read> settings: array<i32>; // [3] bits of lengthPenalty, endToken (-1: none), most tokens
@group(0) @binding(3) var<storage, read> totals: array<f32>; // [W]
@group(0) @binding(4) var<storage, read> hypotheses: array<i32>; // [2,W] lengths, then 1 where finished
@group(0) @binding(5) var<storage, read_write> tokens: array<i32>; // [W,K]
@group(0) @binding(6) var<storage, read_write> sums: array<f32>; // [W,K]
@group(0) @binding(7) var<storage, read_write> scores: array<f32>; // [W,K]

const LARGEST = 3.4028234e38;
const LOWEST = -LARGEST;

var<workgroup> values: array<f32, LANES>;
var<workgroup> places: array<i32, LANES>;

struct Candidate {
  logit: f32,
  token: i32,
}

// A logit as a number that is finite.
fn logitAt(at: u32) -> f32 {
  let x = logits[at];
  if (isBad(x)) {
    return select(LOWEST, LARGEST, bitcast<u32>(x) == 0x7f800000u);
  }
  return x;
}

fn isBefore(a: Candidate, b: Candidate) -> bool {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

// The first of the candidates of a row that come after another one.
fn nextAfter(last: Candidate, row: u32, lane: u32) -> Candidate {
  var found = Candidate(LOWEST, i32(params.V));
  for (var v = lane; v < params.V; v += LANES) {
    let candidate = Candidate(logitAt(row + v), i32(v));
    if (isBefore(last, candidate) && isBefore(candidate, found)) {
      found = candidate;
    }
  }
  values[lane] = found.logit;
  places[lane] = found.token;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let other = Candidate(values[lane + half], places[lane + half]);
      if (isBefore(other, Candidate(values[lane], places[lane]))) {
        values[lane] = other.logit;
        places[lane] = other.token;
      }
    }
    workgroupBarrier();
  }
  found = Candidate(values[0], places[0]);
  workgroupBarrier();
  return found;
}

// log of the sum of exp(logit - peak) over a row.
fn logSumExp(peak: f32, row: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var v = lane; v < params.V; v += LANES) {
    // exp(-104) is 0 in f32, and the difference may be too large for a number.
    sum += exp(max(logitAt(row + v) - peak, -104.0));
  }
  values[lane] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      values[lane] += values[lane + half];
    }
    workgroupBarrier();
  }
  let total = values[0];
  workgroupBarrier();
  return log(total);
}

fn scoreOf(sum: f32, length: i32) -> f32 {
  if (sum <= LOWEST) {
    return LOWEST;
  }
  let score = sum * pow(f32(length), -bitcast<f32>(settings[params.settingsOffset]));
  return select(score, LOWEST, isBad(score));
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let w = groupIndex(group, groups);
  if (w >= params.W) {
    return;
  }
  let total = totals[params.totalsOffset + w];
  let length = hypotheses[params.hypothesesOffset + w];
  let first = w * params.K;
  if (hypotheses[params.hypothesesOffset + params.W + w] != 0) {
    for (var k = lane; k < params.K; k += LANES) {
      tokens[params.tokensOffset + first + k] = 0;
      sums[params.sumsOffset + first + k] = select(LOWEST, total, k == 0u);
      scores[params.scoresOffset + first + k] = select(LOWEST, scoreOf(total, length), k == 0u);
    }
    return;
  }

  let row = params.logitsOffset + w * params.V;
  var candidate = nextAfter(Candidate(LARGEST, -1), row, lane);
  let peak = candidate.logit;
  let logSum = logSumExp(peak, row, lane);
  for (var k = 0u; k < params.K; k++) {
    if (k > 0u) {
      candidate = nextAfter(candidate, row, lane);
    }
    if (lane == 0u) {
      var sum = total + (candidate.logit - peak - logSum);
      if (candidate.logit <= LOWEST || total <= LOWEST || isBad(sum)) {
        sum = LOWEST;
      }
      tokens[params.tokensOffset + first + k] = candidate.token;
      sums[params.sumsOffset + first + k] = sum;
      scores[params.scoresOffset + first + k] = scoreOf(sum, length + 1);
    }
  }
}
