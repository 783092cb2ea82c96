// One time step of a recurrent layer in one dispatch: r = R·h_{t-1} + b_hh for every gate, then the cell's pointwise maths.
// `gates` holds x = W·x_t + b_ih when the step begins and what the cell saves for backward when it ends. The states before the
// first step lie in their slots already (recurrent-initial).
// An invocation owns four units (a vec4f) of ROWS sequences and all their gates, so the cell needs no exchange.
// Both directions run in one dispatch, along z.
// INTERMEDIATE: the first of two products; its gates' complete sums go into x, and the intermediate vector is made: what the cell
// multiplies in the second product of the same step. With a projection the cell's output goes there, and h is made from it.

// #include TILING
// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-noise.wgsl"
// #include CELL

struct Params {
  layer: Recurrence,
  K: u32, // numbers that a row of R multiplies: P, divided by the number of heads
  headUnits: u32, // units that share a block of R: H without heads
  hasBias: u32,
  weightOffset: u32,
  biasOffset: u32,
  learnedOffset: u32,
  controlOffset: u32,
  gatesOffset: u32,
  hOffset: u32,
  statesOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,K,G,⌈H/4⌉] R by column, four units in a word
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [D,G,H] b_hh
@group(0) @binding(3) var<storage, read> learned: array<f32>; // [D,N,H]
@group(0) @binding(4) var<storage, read> control: array<i32>; // seed [1], mask [T,B]
@group(0) @binding(5) var<storage, read_write> gates: array<f32>; // [times,B,directions,W,H]
@group(0) @binding(6) var<storage, read_write> h: array<f32>; // [slots,B,D,P], twice with recurrent dropout
@group(0) @binding(7) var<storage, read_write> states: array<f32>; // [slots,S-1,B,directions,H], intermediate [slots,B,directions,H]

// What R reads: h, or the intermediate vector for the gates that come after it.
fn operand(i: u32) -> f32 {
  if (FROM > 0u) {
    return states[i];
  }
  return h[i];
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let H = params.layer.H;
  let P = params.layer.P;
  let B = params.layer.B;
  let words = (H + 3u) / 4u;
  let word = wordOf(id, lane, words);
  let row0 = firstRowOf(id, group, words);
  let z = group.z;
  let d = params.layer.direction + z;
  if (row0 >= B) {
    return;
  }
  let u = word * 4u;
  cellDirection = d;
  ownUnits(lane, u, H);
  let step = params.layer.steps[d];
  // The last units of H when it is no multiple of four: lanes beyond it read a valid word and store nothing.
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(H - 1u));
  let outUnit = min(unit, vec4u(P - 1u));
  let stored = select(min(4u, H - u), 0u, u >= H);
  let isProjected = P < H;

  // r = R·h_{t-1}, or R times the intermediate vector
  var r: array<vec4f, ROWS * GATES>;
  if (COUNT > 0u) {
    var base: array<u32, ROWS>;
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      let row = min(row0 + b, B - 1u);
      if (FROM > 0u) {
        base[b] = params.statesOffset + intermediateIndex(step.after, row, z);
      } else {
        base[b] = params.hOffset + select(0u, params.layer.droppedAt, dropsH()) + hIndex(step.before, row, d);
      }
    }
    let head = unit / params.headUnits * params.K;
    let weightBase = params.weightOffset / 4u + (d * params.K * GATES + FROM) * words + min(word, words - 1u);
    for (var k = 0u; k < params.K; k++) {
      var w: array<vec4f, GATES>;
      // #unroll
      for (var g = 0u; g < COUNT; g++) {
        w[g] = weight[weightBase + (k * GATES + g) * words];
      }
      // #unroll
      for (var b = 0u; b < ROWS; b++) {
        var hk: vec4f;
        if (HEADS) {
          let i = vec4u(base[b] + k) + head;
          hk = vec4f(operand(i.x), operand(i.y), operand(i.z), operand(i.w));
        } else {
          hk = vec4f(operand(base[b] + k));
        }
        // #unroll
        for (var g = 0u; g < COUNT; g++) {
          r[b * GATES + FROM + g] += hk * w[g];
        }
      }
    }
  }

  // A copy for the loop below, whose index is not constant: r itself then stays in registers.
  var sums = r;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= B) {
      break;
    }
    let at = params.gatesOffset + gatesIndex(step.time, row, z);
    var x = array<Real, GATES>();
    var rh = array<Real, GATES>();
    // #unroll
    for (var g = 0u; g < GATES; g++) {
      let i = vec4u(at + g * H) + unit;
      x[g] = vec4f(gates[i.x], gates[i.y], gates[i.z], gates[i.w]);
      rh[g] = sums[b * GATES + g];
      if (params.hasBias != 0u && g >= FROM && g < FROM + COUNT) {
        let j = vec4u(params.biasOffset + (d * GATES + g) * H) + unit;
        rh[g] += vec4f(bias[j.x], bias[j.y], bias[j.z], bias[j.w]);
      }
    }
    var p = array<Real, max(1u, LEARNED)>();
    // #unroll
    for (var n = 0u; n < LEARNED; n++) {
      let i = vec4u(params.learnedOffset + (d * LEARNED + n) * H) + unit;
      p[n] = vec4f(learned[i.x], learned[i.y], learned[i.z], learned[i.w]);
    }

    var prev = array<Real, STATES>();
    let i = vec4u(params.hOffset + hIndex(step.before, row, d)) + outUnit;
    prev[0] = vec4f(h[i.x], h[i.y], h[i.z], h[i.w]);
    for (var s = 1u; s < STATES; s++) {
      let j = vec4u(params.statesOffset + cellStateIndex(s, step.before, row, z)) + unit;
      prev[s] = vec4f(states[j.x], states[j.y], states[j.z], states[j.w]);
    }

    let intermediate = params.statesOffset + intermediateIndex(step.after, row, z) + u;
    if (INTERMEDIATE) {
      // #unroll
      for (var g = 0u; g < COUNT; g++) {
        x[g] += rh[g];
      }
      let q = cellIntermediate(gatesFrom(x), stateFrom(prev), learnedFrom(p)) * dropFactor(row, d, unit);
      var total = x;
      for (var l = 0u; l < stored; l++) {
        for (var g = 0u; g < COUNT; g++) {
          gates[at + g * H + u + l] = total[g][l];
        }
        states[intermediate + l] = q[l];
      }
      continue;
    }

    let made = cellForward(gatesFrom(x), gatesFrom(rh), stateFrom(prev), learnedFrom(p));

    var next = stateArray(made.state);
    for (var s = select(0u, 1u, isProjected); s < STATES; s++) {
      let part = keep(s, step.time, row, d, unit);
      // Where all is kept, what the cell made of a step that does not exist is not even multiplied.
      next[s] = select(next[s] + part * (prev[s] - next[s]), prev[s], part == vec4f(1.0));
    }
    var saved = savedArray(made.saved);
    let dropped = next[0] * dropFactor(row, d, unit);
    let out = params.hOffset + hIndex(step.after, row, d) + u;
    for (var l = 0u; l < stored; l++) {
      if (isProjected) {
        states[intermediate + l] = next[0][l];
      } else {
        h[out + l] = next[0][l];
        if (dropsH()) {
          h[params.layer.droppedAt + out + l] = dropped[l];
        }
      }
      for (var s = 1u; s < STATES; s++) {
        states[params.statesOffset + cellStateIndex(s, step.after, row, z) + u + l] = next[s][l];
      }
      if (SAVE) {
        for (var w = 0u; w < SAVED; w++) {
          gates[at + w * H + u + l] = saved[w][l];
        }
      }
    }
  }
}
