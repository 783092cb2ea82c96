// One time step of a recurrent layer in one dispatch: r = R·h_{t-1} + b_hh for every gate, then the cell's pointwise maths.
// `work` holds x = W·x_t + b_ih when the step begins and what the cell saves for backward when it ends.
// An invocation owns four units (a vec4f) of ROWS sequences and all their gates, so the cell needs no exchange.
// Both directions run in one dispatch, along z: direction 0 works on time t, direction 1 on time T-1-t.
// Time s lies in slot s+1 of `h`: direction 0 has its initial state in slot 0, direction 1 in slot T+1, so that
// slots 1..T are the layer's output [T,B,D*H] as it stands. `rest` holds the other states (LSTM's c) in the same way.

// #include CELL

struct Params {
  t: u32, // step of this dispatch, 0 <= t < T
  T: u32,
  B: u32,
  D: u32,
  H: u32,
  firstDirection: u32, // the direction of z = 0
  workD: u32, // directions that `work` holds, from firstDirection on
  workStart: u32, // first time that `work` holds
  hasBias: u32,
  hasInitial: u32, // 0: states before the first step are zero
  weightOffset: u32,
  biasOffset: u32,
  h0Offset: u32,
  rest0Offset: u32,
  workOffset: u32,
  hOffset: u32,
  restOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,H,G,⌈H/4⌉] R by column, four units in a word
@group(0) @binding(2) var<storage, read> bias: array<f32>; // [D,G,H] b_hh
@group(0) @binding(3) var<storage, read> h0: array<f32>; // [D,B,H]
@group(0) @binding(4) var<storage, read> rest0: array<f32>; // [S-1,D,B,H]
@group(0) @binding(5) var<storage, read_write> work: array<f32>; // [T,B,workD,W,H] from workStart on
@group(0) @binding(6) var<storage, read_write> h: array<f32>; // [T+D,B,D,H]
@group(0) @binding(7) var<storage, read_write> rest: array<f32>; // [S-1,T+D,B,D,H]

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let H = params.H;
  let words = (H + 3u) / 4u;
  let word = id.x % words;
  let row0 = id.x / words * ROWS;
  let d = params.firstDirection + id.z;
  if (row0 >= params.B) {
    return;
  }
  let u = word * 4u;
  let time = select(params.t, params.T - 1u - params.t, d == 1u);
  let slot = time + 1u;
  let before = select(slot - 1u, slot + 1u, d == 1u);
  let slotSize = params.B * params.D * H;
  // The last units of H when it is no multiple of four: lanes beyond it read a valid word and store nothing.
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(H - 1u));

  // r = R·h_{t-1}
  var hBase: array<u32, ROWS>;
  // #unroll
  for (var b = 0u; b < ROWS; b++) {
    let row = min(row0 + b, params.B - 1u);
    hBase[b] = select(params.hOffset + before * slotSize + (row * params.D + d) * H, params.h0Offset + (d * params.B + row) * H, FIRST);
  }
  var r: array<vec4f, ROWS * GATES>;
  let weightBase = params.weightOffset / 4u + d * H * GATES * words + word;
  if (!FIRST || params.hasInitial != 0u) {
    for (var k = 0u; k < H; k++) {
      var w: array<vec4f, GATES>;
      // #unroll
      for (var g = 0u; g < GATES; g++) {
        w[g] = weight[weightBase + (k * GATES + g) * words];
      }
      // #unroll
      for (var b = 0u; b < ROWS; b++) {
        var hk: f32;
        if (FIRST) {
          hk = h0[hBase[b] + k];
        } else {
          hk = h[hBase[b] + k];
        }
        // #unroll
        for (var g = 0u; g < GATES; g++) {
          r[b * GATES + g] += hk * w[g];
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
    let at = params.workOffset + (((time - params.workStart) * params.B + row) * params.workD + id.z) * WORK * H;
    var x: array<Real, GATES>;
    var rh: array<Real, GATES>;
    // #unroll
    for (var g = 0u; g < GATES; g++) {
      let i = vec4u(at + g * H) + unit;
      x[g] = vec4f(work[i.x], work[i.y], work[i.z], work[i.w]);
      rh[g] = sums[b * GATES + g];
      if (params.hasBias != 0u) {
        let j = vec4u(params.biasOffset + (d * GATES + g) * H) + unit;
        rh[g] += vec4f(bias[j.x], bias[j.y], bias[j.z], bias[j.w]);
      }
    }

    // Previous state of these units. In the first step it comes from h0 and rest0 and is put into the initial slot.
    var prev = array<Real, STATES>();
    let own = (row * params.D + d) * H;
    let initial = (d * params.B + row) * H;
    if (FIRST) {
      if (params.hasInitial != 0u) {
        let i = vec4u(params.h0Offset + initial) + unit;
        prev[0] = vec4f(h0[i.x], h0[i.y], h0[i.z], h0[i.w]);
        for (var s = 1u; s < STATES; s++) {
          let j = vec4u(params.rest0Offset + (s - 1u) * params.D * params.B * H + initial) + unit;
          prev[s] = vec4f(rest0[j.x], rest0[j.y], rest0[j.z], rest0[j.w]);
        }
      }
      for (var lane = 0u; lane < min(4u, H - u); lane++) {
        h[params.hOffset + before * slotSize + own + u + lane] = prev[0][lane];
        for (var s = 1u; s < STATES; s++) {
          rest[params.restOffset + ((s - 1u) * (params.T + params.D) + before) * slotSize + own + u + lane] = prev[s][lane];
        }
      }
    } else {
      let i = vec4u(params.hOffset + before * slotSize + own) + unit;
      prev[0] = vec4f(h[i.x], h[i.y], h[i.z], h[i.w]);
      for (var s = 1u; s < STATES; s++) {
        let j = vec4u(params.restOffset + ((s - 1u) * (params.T + params.D) + before) * slotSize + own) + unit;
        prev[s] = vec4f(rest[j.x], rest[j.y], rest[j.z], rest[j.w]);
      }
    }

    let step = cellForward(gatesFrom(x), gatesFrom(rh), stateFrom(prev));

    var next = stateArray(step.state);
    var saved = workArray(step.work);
    for (var lane = 0u; lane < min(4u, H - u); lane++) {
      h[params.hOffset + slot * slotSize + own + u + lane] = next[0][lane];
      for (var s = 1u; s < STATES; s++) {
        rest[params.restOffset + ((s - 1u) * (params.T + params.D) + slot) * slotSize + own + u + lane] = next[s][lane];
      }
      if (SAVE) {
        for (var w = 0u; w < WORK; w++) {
          work[at + w * H + u + lane] = saved[w][lane];
        }
      }
    }
  }
}
