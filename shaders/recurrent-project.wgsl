// A step's projection (Sak, Senior and Beaufays 2014; torch.nn.LSTM's proj_size): h_t = W_hr·m_t, where m_t is the cell's
// output, which recurrent-forward left in the inner vector. An invocation owns four outputs of ROWS rows.

// #include "lib/recurrent-time.wgsl"
// #include "lib/recurrent-states.wgsl"
// #include "lib/recurrent-noise.wgsl"

struct Params {
  t: u32,
  T: u32,
  B: u32,
  D: u32,
  H: u32,
  P: u32,
  W: u32,
  slots: u32,
  restAt: u32,
  heardAt: u32,
  innerAt: u32,
  firstDirection: u32,
  workD: u32,
  workStart: u32,
  backwards: u32,
  hasMask: u32,
  maskAt: u32,
  hasNoise: u32,
  stream: u32,
  zoneoutH: f32,
  zoneoutRest: f32,
  recurrentDropout: f32,
  weightOffset: u32,
  controlOffset: u32,
  statesOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,H,⌈P/4⌉] W_hr by column, four outputs in a word
@group(0) @binding(2) var<storage, read> control: array<i32>; // [1+T*B] seed, mask
@group(0) @binding(3) var<storage, read_write> states: array<f32>; // as in recurrent-forward

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let words = (params.P + 3u) / 4u;
  let word = id.x % words;
  let row0 = id.x / words * ROWS;
  let d = params.firstDirection + id.z;
  if (row0 >= params.B) {
    return;
  }
  let u = word * 4u;
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(params.P - 1u));
  let time = timeOf(params.t, d);

  var sums: array<vec4f, ROWS>;
  var base: array<u32, ROWS>;
  // #unroll
  for (var b = 0u; b < ROWS; b++) {
    base[b] = stateIndex(params.innerAt, params.H, time + 1u, min(row0 + b, params.B - 1u), d);
  }
  for (var k = 0u; k < params.H; k++) {
    let w = weight[params.weightOffset / 4u + (d * params.H + k) * words + word];
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      sums[b] += states[base[b] + k] * w;
    }
  }

  var totals = sums;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= params.B) {
      break;
    }
    let i = vec4u(stateIndex(0u, params.P, slotBefore(time, d), row, d)) + unit;
    let prev = vec4f(states[i.x], states[i.y], states[i.z], states[i.w]);
    let held = heldBack(0u, time, row, d, unit);
    let next = select(totals[b] + held * (prev - totals[b]), prev, held == vec4f(1.0));
    let heardNow = next * heardPart(row, d, unit);
    for (var l = 0u; l < min(4u, params.P - u); l++) {
      states[stateIndex(0u, params.P, time + 1u, row, d) + u + l] = next[l];
      if (params.recurrentDropout > 0.0) {
        states[stateIndex(params.heardAt, params.P, time + 1u, row, d) + u + l] = heardNow[l];
      }
    }
  }
}
