// One time step of a recurrent layer in one dispatch: r = R·h_{t-1} + b_hh for every gate, then the cell's pointwise maths.
// `work` holds x = W·x_t + b_ih when the step begins and what the cell saves for backward when it ends.
// An invocation owns four units (a vec4f) of ROWS sequences and all their gates, so the cell needs no exchange.
// Both directions run in one dispatch, along z. The layout of `states` is in lib/recurrent-states.wgsl; behind h and the other
// states lie, where they are needed, what R hears of h (recurrent dropout), and the inner vector: what a cell multiplies in
// a second product of the same step, or what a projection makes h from.
// INNER: the first of two products; its gates' whole sums go into x, and the inner vector is made.

// #include PLACE
// #include "lib/recurrent-time.wgsl"
// #include "lib/recurrent-states.wgsl"
// #include "lib/recurrent-work.wgsl"
// #include "lib/recurrent-noise.wgsl"
// #include CELL

struct Params {
  t: u32, // step of this dispatch, 0 <= t < T
  T: u32,
  B: u32,
  D: u32,
  H: u32, // units
  P: u32, // size of h: H, or less with a projection
  K: u32, // numbers that a row of R multiplies: P, divided by the number of heads
  headUnits: u32, // units that share a block of R: H without heads
  W: u32, // slots of `work`
  slots: u32, // times of `states`
  restAt: u32, // where in `states` the states after h begin
  heardAt: u32,
  innerAt: u32,
  firstDirection: u32, // the direction of z = 0
  workD: u32, // directions that `work` holds, from firstDirection on
  workStart: u32, // first time that `work` holds
  backwards: u32, // bit d: direction d runs from the end
  projected: u32, // 1: the cell's h goes into the inner vector
  hasBias: u32,
  hasInitial: u32, // 0: states before the first step are zero
  hasMask: u32,
  maskAt: u32, // where in `control` the mask begins
  hasNoise: u32,
  stream: u32,
  zoneoutH: f32,
  zoneoutRest: f32,
  recurrentDropout: f32,
  weightOffset: u32,
  biasOffset: u32,
  learnedOffset: u32,
  h0Offset: u32,
  rest0Offset: u32,
  controlOffset: u32,
  workOffset: u32,
  statesOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,K,G,⌈H/4⌉] R by column, four units in a word
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [D,G,H] b_hh
@group(0) @binding(3) var<storage, read> learned: array<f32>; // [D,N,H]
@group(0) @binding(4) var<storage, read> h0: array<f32>; // [D,B,P]
@group(0) @binding(5) var<storage, read> rest0: array<f32>; // [S-1,D,B,H]
@group(0) @binding(6) var<storage, read> control: array<i32>; // [1+T*B] seed, mask
@group(0) @binding(7) var<storage, read_write> work: array<f32>; // [T,B,workD,W,H] from workStart on
@group(0) @binding(8) var<storage, read_write> states: array<f32>; // h [slots,B,D,P], rest [S-1,slots,B,D,H], heard, inner

fn heard(i: u32) -> f32 {
  if (FIRST) {
    return h0[i];
  }
  return states[i];
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let H = params.H;
  let words = (H + 3u) / 4u;
  let word = wordOf(id, lane, words);
  let row0 = firstRowOf(id, group, words);
  let z = group.z;
  let d = params.firstDirection + z;
  if (row0 >= params.B) {
    return;
  }
  let u = word * 4u;
  cellDirection = d;
  ownUnits(lane, u, H);
  let time = timeOf(params.t, d);
  let slot = time + 1u;
  let before = slotBefore(time, d);
  // The last units of H when it is no multiple of four: lanes beyond it read a valid word and store nothing.
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(H - 1u));
  let outUnit = min(unit, vec4u(params.P - 1u));
  let stored = select(min(4u, H - u), 0u, u >= H);
  let storedOut = select(min(4u, params.P - u), 0u, u >= params.P);

  // r = R·h_{t-1}, or R times the inner vector for the gates that come after it
  var r: array<vec4f, ROWS * GATES>;
  if (COUNT > 0u && (!FIRST || params.hasInitial != 0u)) {
    var base: array<u32, ROWS>;
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      let row = min(row0 + b, params.B - 1u);
      if (FIRST) {
        base[b] = params.h0Offset + (d * params.B + row) * params.P;
      } else if (FROM > 0u) {
        base[b] = stateIndex(params.innerAt, H, slot, row, d);
      } else {
        base[b] = stateIndex(select(0u, params.heardAt, params.recurrentDropout > 0.0), params.P, before, row, d);
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
          hk = vec4f(heard(i.x), heard(i.y), heard(i.z), heard(i.w));
        } else {
          hk = vec4f(heard(base[b] + k));
        }
        if (FIRST && params.recurrentDropout > 0.0) {
          hk *= heardPart(min(row0 + b, params.B - 1u), d, head + k);
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
    if (row >= params.B) {
      break;
    }
    let at = workIndex(time, row, z);
    var x = array<Real, GATES>();
    var rh = array<Real, GATES>();
    // #unroll
    for (var g = 0u; g < GATES; g++) {
      let i = vec4u(at + g * H) + unit;
      x[g] = vec4f(work[i.x], work[i.y], work[i.z], work[i.w]);
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

    // Previous state of these units. In the first step it comes from h0 and rest0 and is put into the initial slot.
    var prev = array<Real, STATES>();
    let hBefore = stateIndex(0u, params.P, before, row, d);
    if (FIRST) {
      if (params.hasInitial != 0u) {
        let initial = d * params.B + row;
        let i = vec4u(params.h0Offset + initial * params.P) + outUnit;
        prev[0] = vec4f(h0[i.x], h0[i.y], h0[i.z], h0[i.w]);
        for (var s = 1u; s < STATES; s++) {
          let j = vec4u(params.rest0Offset + ((s - 1u) * params.D * params.B + initial) * H) + unit;
          prev[s] = vec4f(rest0[j.x], rest0[j.y], rest0[j.z], rest0[j.w]);
        }
      }
      let heardBefore = prev[0] * heardPart(row, d, outUnit);
      for (var l = 0u; l < storedOut; l++) {
        states[hBefore + u + l] = prev[0][l];
        if (params.recurrentDropout > 0.0) {
          states[stateIndex(params.heardAt, params.P, before, row, d) + u + l] = heardBefore[l];
        }
      }
      for (var l = 0u; l < stored; l++) {
        for (var s = 1u; s < STATES; s++) {
          states[restIndex(s, before, row, d) + u + l] = prev[s][l];
        }
      }
    } else {
      let i = vec4u(hBefore) + outUnit;
      prev[0] = vec4f(states[i.x], states[i.y], states[i.z], states[i.w]);
      for (var s = 1u; s < STATES; s++) {
        let j = vec4u(restIndex(s, before, row, d)) + unit;
        prev[s] = vec4f(states[j.x], states[j.y], states[j.z], states[j.w]);
      }
    }

    if (INNER) {
      // #unroll
      for (var g = 0u; g < COUNT; g++) {
        x[g] += rh[g];
      }
      let q = cellInner(gatesFrom(x), stateFrom(prev), learnedFrom(p)) * heardPart(row, d, unit);
      var total = x;
      for (var l = 0u; l < stored; l++) {
        for (var g = 0u; g < COUNT; g++) {
          work[at + g * H + u + l] = total[g][l];
        }
        states[stateIndex(params.innerAt, H, slot, row, d) + u + l] = q[l];
      }
      continue;
    }

    let step = cellForward(gatesFrom(x), gatesFrom(rh), stateFrom(prev), learnedFrom(p));

    var next = stateArray(step.state);
    for (var s = params.projected; s < STATES; s++) {
      let held = heldBack(s, time, row, d, unit);
      // Where all is held, what the cell made of a step that does not exist is not even multiplied.
      next[s] = select(next[s] + held * (prev[s] - next[s]), prev[s], held == vec4f(1.0));
    }
    var saved = workArray(step.work);
    let heardNow = next[0] * heardPart(row, d, unit);
    let out = select(stateIndex(0u, params.P, slot, row, d), stateIndex(params.innerAt, H, slot, row, d), params.projected != 0u);
    for (var l = 0u; l < stored; l++) {
      states[out + u + l] = next[0][l];
      if (params.recurrentDropout > 0.0 && params.projected == 0u) {
        states[stateIndex(params.heardAt, params.P, slot, row, d) + u + l] = heardNow[l];
      }
      for (var s = 1u; s < STATES; s++) {
        states[restIndex(s, slot, row, d) + u + l] = next[s][l];
      }
      if (SAVE) {
        for (var w = 0u; w < WORK; w++) {
          work[at + w * H + u + l] = saved[w][l];
        }
      }
    }
  }
}
