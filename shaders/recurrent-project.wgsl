// A step's projection (Sak, Senior and Beaufays 2014; torch.nn.LSTM's proj_size): h_t = W_hr·m_t, where m_t is the cell's
// output, which recurrent-forward left in the intermediate vector. An invocation owns four outputs of ROWS rows.

// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-noise.wgsl"

struct Params {
  layer: Recurrence,
  weightOffset: u32,
  controlOffset: u32,
  hOffset: u32,
  statesOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,H,⌈P/4⌉] W_hr by column, four outputs in a word
@group(0) @binding(2) var<storage, read> control: array<i32>; // seed [1], mask [T,B]
@group(0) @binding(3) var<storage, read_write> h: array<f32>; // [slots,B,D,P], twice with recurrent dropout
@group(0) @binding(4) var<storage, read> states: array<f32>; // as in recurrent-forward

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let H = params.layer.H;
  let P = params.layer.P;
  let B = params.layer.B;
  let words = (P + 3u) / 4u;
  let word = id.x % words;
  let row0 = id.x / words * ROWS;
  let d = params.layer.direction + id.z;
  if (row0 >= B) {
    return;
  }
  let u = word * 4u;
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(P - 1u));
  let step = params.layer.steps[d];

  var sums: array<vec4f, ROWS>;
  var base: array<u32, ROWS>;
  // #unroll
  for (var b = 0u; b < ROWS; b++) {
    base[b] = params.statesOffset + intermediateIndex(step.after, min(row0 + b, B - 1u), id.z);
  }
  for (var k = 0u; k < H; k++) {
    let w = weight[params.weightOffset / 4u + (d * H + k) * words + word];
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      sums[b] += states[base[b] + k] * w;
    }
  }

  var totals = sums;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= B) {
      break;
    }
    let i = vec4u(params.hOffset + hIndex(step.before, row, d)) + unit;
    let prev = vec4f(h[i.x], h[i.y], h[i.z], h[i.w]);
    let part = keep(0u, step.time, row, d, unit);
    let next = select(totals[b] + part * (prev - totals[b]), prev, part == vec4f(1.0));
    let dropped = next * dropFactor(row, d, unit);
    let out = params.hOffset + hIndex(step.after, row, d) + u;
    for (var l = 0u; l < min(4u, P - u); l++) {
      h[out + l] = next[l];
      if (dropsH()) {
        h[params.layer.droppedAt + out + l] = dropped[l];
      }
    }
  }
}
