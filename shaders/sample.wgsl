// Draws the next token of every row from softmax(logits / temperature), of the topK largest and of the smallest set whose
// probability reaches topP. Tokens as likely as the last one kept are kept too, so no sort is needed: both bounds are
// found bit by bit on the order-preserving bits of the logits. Temperature 0 takes the largest logit, the first of equals.

// #include "lib/group-index.wgsl"
// #include "lib/random.wgsl"

struct Params {
  B: u32, // rows
  V: u32, // classes
  step: u32, // of this chunk: the random number's index is settings[4] + step
  logitsOffset: u32,
  settingsOffset: u32,
  tokensOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [B,V]
@group(0) @binding(2) var<storage, read> settings: array<i32>; // [5] bits of temperature and topP, topK (0: all), seed, first index
@group(0) @binding(3) var<storage, read_write> tokens: array<i32>; // [B]

var<workgroup> sums: array<f32, LANES>;
var<workgroup> best: array<u32, LANES>;

// Larger floats have larger keys, and 0 and -0 the same.
fn keyOf(x: f32) -> u32 {
  let bits = select(bitcast<u32>(x), 0u, x == 0.0);
  return bits ^ select(0x80000000u, 0xffffffffu, (bits >> 31u) == 1u);
}

// Sum over the lanes, in the order of the lanes.
fn total(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  sums[lane] = value;
  workgroupBarrier();
  var result = 0.0;
  for (var i = 0u; i < LANES; i++) {
    result += sums[i];
  }
  return result;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let b = groupIndex(group, groups);
  if (b >= params.B) {
    return;
  }
  let row = params.logitsOffset + b * params.V;
  let temperature = bitcast<f32>(settings[params.settingsOffset]);
  let topP = bitcast<f32>(settings[params.settingsOffset + 1u]);
  let topK = u32(settings[params.settingsOffset + 2u]);
  let seed = u32(settings[params.settingsOffset + 3u]);
  let index = u32(settings[params.settingsOffset + 4u]) + params.step;

  // Every lane looks after a contiguous share, so that a running sum goes through the tokens in order.
  let share = (params.V + LANES - 1u) / LANES;
  let begin = min(lane * share, params.V);
  let end = min(begin + share, params.V);

  var largest = 0u;
  for (var v = begin; v < end; v++) {
    largest = max(largest, keyOf(logits[row + v]));
  }
  best[lane] = largest;
  workgroupBarrier();
  for (var i = 0u; i < LANES; i++) {
    largest = max(largest, best[i]);
  }
  let sign = select(0xffffffffu, 0x80000000u, (largest >> 31u) == 1u);
  let peak = bitcast<f32>(largest ^ sign);
  let scale = select(1.0 / temperature, 0.0, temperature <= 0.0);

  // `least`: the smallest key that is kept.
  var least = select(0u, largest, temperature <= 0.0);
  if (temperature > 0.0 && topK > 0u && topK < params.V) {
    for (var bit = 0u; bit < 32u; bit++) {
      let candidate = least | (0x80000000u >> bit);
      var n = 0.0;
      for (var v = begin; v < end; v++) {
        n += select(0.0, 1.0, keyOf(logits[row + v]) >= candidate);
      }
      least = select(least, candidate, total(lane, n) >= f32(topK));
    }
  }
  var mass = 0.0;
  for (var v = begin; v < end; v++) {
    mass += select(0.0, exp((logits[row + v] - peak) * scale), keyOf(logits[row + v]) >= least);
  }
  var kept = total(lane, mass);
  if (temperature > 0.0 && topP < 1.0) {
    let goal = topP * kept;
    var bound = 0u;
    for (var bit = 0u; bit < 32u; bit++) {
      let candidate = bound | (0x80000000u >> bit);
      var m = 0.0;
      for (var v = begin; v < end; v++) {
        m += select(0.0, exp((logits[row + v] - peak) * scale), keyOf(logits[row + v]) >= max(candidate, least));
      }
      bound = select(bound, candidate, total(lane, m) >= goal && candidate <= largest);
    }
    least = max(least, bound);
    mass = 0.0;
    for (var v = begin; v < end; v++) {
      mass += select(0.0, exp((logits[row + v] - peak) * scale), keyOf(logits[row + v]) >= least);
    }
    kept = total(lane, mass);
  }

  // The first token whose running sum passes u * kept; at temperature 0 the first one kept.
  let u = select(uniformOf(pcg4d(vec4u(seed, 0u, index, b)).x), 0.0, temperature <= 0.0);
  let goal = u * kept;
  workgroupBarrier();
  sums[lane] = mass;
  workgroupBarrier();
  var before = 0.0;
  for (var i = 0u; i < lane; i++) {
    before += sums[i];
  }
  var choice = params.V;
  var last = 0u; // the last one kept, plus 1: what rounding may leave over goes to it
  for (var v = begin; v < end; v++) {
    if (keyOf(logits[row + v]) >= least) {
      before += exp((logits[row + v] - peak) * scale);
      last = v + 1u;
      if (choice == params.V && before > goal) {
        choice = v;
      }
    }
  }
  workgroupBarrier();
  best[lane] = select(choice, params.V + last, choice == params.V);
  workgroupBarrier();
  if (lane == 0u) {
    var token = params.V;
    var fallback = 1u;
    for (var i = 0u; i < LANES; i++) {
      if (best[i] < params.V) {
        token = min(token, best[i]);
      } else {
        fallback = max(fallback, best[i] - params.V);
      }
    }
    token = select(token, fallback - 1u, token == params.V);
    tokens[params.tokensOffset + b] = i32(token);
  }
}
