// One time step of a recurrent layer's gradient in one dispatch: dh_t = dy_t + carry + Rᵀ·(gradient by r of the step after),
// then the cell's pointwise backward, which turns what `work` saved into the gradients by x (and by r where apart).
// Layout and owners are those of recurrent-forward.wgsl; t is again the step, so this runs from T-1 down to 0.
// FINISH: no step at all, only carry.h += Rᵀ·(gradient by r of step t): after step 0 carry is then the gradient by the
// initial states; where `work` comes in parts, the next part goes on from it.

// #include CELL

struct Params {
  t: u32, // step of this dispatch
  T: u32,
  B: u32,
  D: u32,
  H: u32,
  firstDirection: u32, // the direction of z = 0
  workD: u32, // directions that `work` holds, from firstDirection on
  workStart: u32, // first time that `work` holds
  hasCarry: u32, // 0: nothing flows in from the step after (the last step without gradient by the final state)
  hasProduct: u32, // 0: there is no step after, or carry has its part
  hasOutput: u32, // 0: the outputs y have no gradient
  weightOffset: u32,
  hOffset: u32,
  restOffset: u32,
  outputGradientOffset: u32,
  workOffset: u32,
  carryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,G,H,⌈H/4⌉] R by row, four units in a word
@group(0) @binding(2) var<storage, read> h: array<f32>; // [T+D,B,D,H]
@group(0) @binding(3) var<storage, read> rest: array<f32>; // [S-1,T+D,B,D,H]
@group(0) @binding(4) var<storage, read> outputGradient: array<f32>; // [T,B,D,H]
@group(0) @binding(5) var<storage, read_write> work: array<f32>; // [T,B,workD,W,H] from workStart on
@group(0) @binding(6) var<storage, read_write> carry: array<f32>; // [S,D,B,H]

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
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(H - 1u));
  let slotSize = params.B * params.D * H;
  let stepSize = params.B * params.workD * WORK * H;
  let time = select(params.t, params.T - 1u - params.t, d == 1u);

  // Rᵀ·(gradient by r) of the step after; in FINISH of step t itself.
  var product: array<vec4f, ROWS>;
  if (params.hasProduct != 0u) {
    var after = time;
    if (!FINISH) {
      after = select(time + 1u, time - 1u, d == 1u);
    }
    var base: array<u32, ROWS>;
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      let row = min(row0 + b, params.B - 1u);
      base[b] = params.workOffset + (after - params.workStart) * stepSize + (row * params.workD + id.z) * WORK * H;
    }
    // #unroll
    for (var g = 0u; g < GATES; g++) {
      let slot = select(g, g + APART, g >= GATES - APART);
      let weightBase = params.weightOffset / 4u + (d * GATES + g) * H * words + word;
      for (var k = 0u; k < H; k++) {
        let w = weight[weightBase + k * words];
        // #unroll
        for (var b = 0u; b < ROWS; b++) {
          product[b] += work[base[b] + slot * H + k] * w;
        }
      }
    }
  }

  // A copy for the loop below, whose index is not constant: product itself then stays in registers.
  var products = product;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= params.B) {
      break;
    }
    let own = (row * params.D + d) * H;
    let initial = (d * params.B + row) * H;

    // Gradient by the state after this step. The zeros are written out because Dawn (webgpu 0.6.2) leaves a variable that
    // is declared in a loop without a value as the last round left it, as did wgpu (its issue 9489).
    var grad = array<Real, STATES>();
    if (params.hasCarry != 0u) {
      for (var s = 0u; s < STATES; s++) {
        let i = vec4u(params.carryOffset + s * params.D * params.B * H + initial) + unit;
        grad[s] = vec4f(carry[i.x], carry[i.y], carry[i.z], carry[i.w]);
      }
    }
    grad[0] += products[b];
    if (FINISH) {
      for (var lane = 0u; lane < min(4u, H - u); lane++) {
        carry[params.carryOffset + initial + u + lane] = grad[0][lane];
      }
      continue;
    }
    if (params.hasOutput != 0u) {
      let i = vec4u(params.outputGradientOffset + time * slotSize + own) + unit;
      grad[0] += vec4f(outputGradient[i.x], outputGradient[i.y], outputGradient[i.z], outputGradient[i.w]);
    }

    let slot = time + 1u;
    let before = select(slot - 1u, slot + 1u, d == 1u);
    var prev: array<Real, STATES>;
    var next: array<Real, STATES>;
    let i = vec4u(params.hOffset + before * slotSize + own) + unit;
    prev[0] = vec4f(h[i.x], h[i.y], h[i.z], h[i.w]);
    let j = vec4u(params.hOffset + slot * slotSize + own) + unit;
    next[0] = vec4f(h[j.x], h[j.y], h[j.z], h[j.w]);
    for (var s = 1u; s < STATES; s++) {
      let states = params.restOffset + (s - 1u) * (params.T + params.D) * slotSize + own;
      let p = vec4u(states + before * slotSize) + unit;
      prev[s] = vec4f(rest[p.x], rest[p.y], rest[p.z], rest[p.w]);
      let n = vec4u(states + slot * slotSize) + unit;
      next[s] = vec4f(rest[n.x], rest[n.y], rest[n.z], rest[n.w]);
    }
    let at = params.workOffset + (time - params.workStart) * stepSize + (row * params.workD + id.z) * WORK * H;
    var saved: array<Real, WORK>;
    // #unroll
    for (var w = 0u; w < WORK; w++) {
      let q = vec4u(at + w * H) + unit;
      saved[w] = vec4f(work[q.x], work[q.y], work[q.z], work[q.w]);
    }

    let step = cellBackward(workFrom(saved), stateFrom(prev), stateFrom(next), stateFrom(grad));

    var gradients = workArray(step.work);
    var straight = stateArray(step.state);
    for (var lane = 0u; lane < min(4u, H - u); lane++) {
      for (var w = 0u; w < WORK; w++) {
        work[at + w * H + u + lane] = gradients[w][lane];
      }
      for (var s = 0u; s < STATES; s++) {
        carry[params.carryOffset + s * params.D * params.B * H + initial + u + lane] = straight[s][lane];
      }
    }
  }
}
