// Time steps of a recurrent layer: r = R·h_{t-1} + b_hh for every gate, then the cell's pointwise maths.
// `gates` holds x = W·x_t + b_ih when the step begins and what the cell saves for backward when it ends. The states before the
// first step lie in their slots already (recurrent-initial).
// An invocation owns four units (a vec4f) of ROWS sequences and all their gates, so the cell needs no exchange. A dispatch goes
// through several steps where a workgroup has all units of its rows: TILING says which, and who shares a product.
// Both directions run in one dispatch, along z.
// STACK, STACK_STEP: nothing, or lib/stack-forward.wgsl for several layers in the place of directions.
// INTERMEDIATE: the first of two products; its gates' complete sums go into x, and the intermediate vector is made: what the cell
// multiplies in the second product of the same step. With a projection the cell's output goes there, and h is made from it.

// #include TILING
// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-noise.wgsl"
// #include ROW_VALUES
// #include STACK
// #include WEIGHTS
// #include CELL

const WORDS = LANES / SLICES; // of four units, a workgroup
const PARTS = GATES;

struct Params {
  layer: Recurrence,
  K: u32, // numbers that a row of R multiplies: P, divided by the number of heads
  headUnits: u32, // units that share a block of R: H without heads
  hasBias: u32,
  stepCount: u32, // steps of this dispatch; each has its slots as far from those of the one before as `after` is from `before`
  T: u32, // steps of a layer
  weightOffset: u32,
  biasOffset: u32,
  learnedOffset: u32,
  controlOffset: u32,
  gatesOffset: u32,
  hOffset: u32,
  statesOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<WeightWord>; // [D,K,G,⌈H/4⌉] R by column, four units side by side; then the stack's W
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [D,G,H] b_hh, then the stack's b_ih
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

// Step i of the dispatch in direction d.
fn stepOf(d: u32, i: u32) -> Step {
  var step = params.layer.steps[min(d, 1u)];
  let moved = i * (step.after - step.before);
  step.time += moved;
  step.before += moved;
  step.after += moved;
  return step;
}

// The products of four units of ROWS rows for all gates: a weight matrix by column times the numbers that begin at `base`.
fn products(base: array<u32, ROWS>, matrix: u32, word: u32, unit: vec4u, lane: u32) -> array<vec4f, ROWS * GATES> {
  var r = array<vec4f, ROWS * GATES>();
  var rows = base;
  let own = basesOf(base);
  let words = (params.layer.H + 3u) / 4u;
  let head = unit / params.headUnits * params.K;
  let weightBase = params.weightOffset / NUMBERS + (matrix * (params.K + SCALE_COLUMNS) * GATES + FROM) * words + min(word, words - 1u);
  for (var k = lane / WORDS; k < params.K; k += SLICES) {
    var w: array<vec4f, GATES>;
    // #unroll
    for (var g = 0u; g < COUNT; g++) {
      w[g] = weightAt(weightBase + (k * GATES + g) * words);
    }
    let values = rowValues(own, k);
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      var hk = vec4f(values[b]);
      if (HEADS) {
        let i = vec4u(rows[b] + k) + head;
        hk = vec4f(operand(i.x), operand(i.y), operand(i.z), operand(i.w));
      }
      // #unroll
      for (var g = 0u; g < COUNT; g++) {
        r[b * GATES + FROM + g] += hk * w[g];
      }
    }
  }
  return scaledSums(r, matrix, word, words);
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let H = params.layer.H;
  let B = params.layer.B;
  let words = (H + 3u) / 4u;
  let word = wordOf(id.x, group.x, lane, words);
  let row0 = firstRowOf(id.x, group.x, words);
  let z = group.z;
  let d = params.layer.direction + z;
  if (row0 >= B) {
    return;
  }
  let u = word * 4u;
  cellDirection = d;
  cellLane = lane;
  // The last units of H when it is no multiple of four: lanes beyond it read a valid word and store nothing.
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(H - 1u));

  for (var i = 0u; i < params.stepCount; i++) {
    let step = stepOf(d, i);

    var time = step.time;
    // #include STACK_STEP

    // r = R·h_{t-1}, or R times the intermediate vector
    // Zeros are written out because Dawn (webgpu 0.6.2) leaves a variable that is declared in a loop without a value as the last
    // round left it, as did wgpu (its issue 9489).
    var r = array<vec4f, ROWS * GATES>();
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
      r = products(base, d, word, unit, lane);
    }

    // A copy for the loop below, whose index is not constant: r itself then stays in registers.
    var sums = r;
    for (var b = 0u; b < ROWS; b++) {
      if (row0 + b >= B) {
        break;
      }
      var own = array<vec4f, GATES>();
      // #unroll
      for (var g = 0u; g < GATES; g++) {
        own[g] = sums[b * GATES + g];
      }
      own = sumOfSlices(own, lane);
      if (ownsResults(lane)) {
        finishStep(step, time, row0 + b, d, z, u, unit, own);
      }
    }
    endStep();
  }
}

// The cell's maths for four units of a row, from R's products.
fn finishStep(step: Step, time: u32, row: u32, d: u32, z: u32, u: u32, unit: vec4u, r: array<vec4f, GATES>) {
  let H = params.layer.H;
  let P = params.layer.P;
  let outUnit = min(unit, vec4u(P - 1u));
  let stored = select(min(4u, H - u), 0u, u >= H);
  let isProjected = P < H;
  let at = params.gatesOffset + gatesIndex(step.time, row, z);
  var x = array<Real, GATES>();
  var rh = array<Real, GATES>();
  // #unroll
  for (var g = 0u; g < GATES; g++) {
    rh[g] = r[g];
  }
  var p = array<Real, max(1u, LEARNED)>();
  var prev = array<Real, STATES>();
  for (var l = 0u; l < unitsOfWord(); l++) {
    // #unroll
    for (var g = 0u; g < GATES; g++) {
      x[g][l] = gates[at + g * H + unit[l]];
    }
    if (params.hasBias != 0u) {
      // #unroll
      for (var g = 0u; g < COUNT; g++) {
        rh[FROM + g][l] += bias[params.biasOffset + (d * GATES + FROM + g) * H + unit[l]];
      }
    }
    // #unroll
    for (var n = 0u; n < LEARNED; n++) {
      p[n][l] = learned[params.learnedOffset + (d * LEARNED + n) * H + unit[l]];
    }
    prev[0][l] = h[params.hOffset + hIndex(step.before, row, d) + outUnit[l]];
    // #unroll
    for (var s = 0u; s < CELL_STATES; s++) {
      prev[s + 1u][l] = states[params.statesOffset + cellStateIndex(s + 1u, step.before, row, z) + unit[l]];
    }
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
    return;
  }

  let made = cellForward(gatesFrom(x), gatesFrom(rh), stateFrom(prev), learnedFrom(p));

  var next = stateArray(made.state);
  for (var s = select(0u, 1u, isProjected); s < STATES; s++) {
    let part = keep(s, time, row, d, unit);
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
