// One time step of a recurrent layer's gradient in one dispatch: dh_t = dy_t + carry + Rᵀ·(gradient by r of the step after),
// then the cell's pointwise backward, which turns what `work` saved into the gradients by x (by r where apart, and by the
// learned vectors). Layout and owners are those of recurrent-forward.wgsl; t is again the step, so this runs from T-1 to 0.
// With a projection, recurrent-project-backward has made dh_t, and the product is W_hrᵀ·dh_t.
// FINISH: no step at all, only carry.h += Rᵀ·(gradient by r of step t): after step 0 carry is then the gradient by the
// initial states; where `work` comes in parts, the next part goes on from it.

// #include PLACE
// #include "lib/recurrent-time.wgsl"
// #include "lib/recurrent-states.wgsl"
// #include "lib/recurrent-product.wgsl"
// #include "lib/recurrent-noise.wgsl"
// #include CELL

struct Params {
  t: u32, // step of this dispatch
  T: u32,
  B: u32,
  D: u32,
  H: u32, // units
  P: u32, // size of h: H, or less with a projection
  W: u32, // slots of `work`
  slots: u32, // times of `states`
  restAt: u32, // where in `states` the states after h begin
  firstDirection: u32, // the direction of z = 0
  workD: u32, // directions that `work` holds, from firstDirection on
  workStart: u32, // first time that `work` holds
  backwards: u32, // bit d: direction d runs from the end
  hasMask: u32,
  maskAt: u32, // where in `control` the mask begins
  hasNoise: u32,
  stream: u32,
  zoneoutH: f32,
  zoneoutRest: f32,
  recurrentDropout: f32,
  // Of the product:
  U: u32, // numbers that it makes for each row
  K: u32, // numbers of a slot that it reads for each of them
  headUnits: u32, // of its results share what they read: U without heads
  productFrom: u32, // first slot that it reads
  productGates: u32, // how many; 0: no product
  weightFrom: u32, // gate of the weight that goes with the first slot
  weightGates: u32, // gates of the weight
  projected: u32, // 1: the gradient by the cell's h is the product alone
  hasCarry: u32, // 0: nothing flows in from the step after (the last step without gradient by the final state)
  hasOutput: u32, // 0: the outputs y have no gradient
  zeroOutput: u32, // 1: outputs that the mask passes over are zero, and their gradients are not looked at
  weightOffset: u32,
  learnedOffset: u32,
  outputGradientOffset: u32,
  controlOffset: u32,
  statesOffset: u32,
  workOffset: u32,
  carryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,G,K,⌈U/4⌉] R by row, four units in a word
@group(0) @binding(2) var<storage, read> learned: array<f32>; // [D,N,H]
@group(0) @binding(3) var<storage, read> outputGradient: array<f32>; // [T,B,D,P]
@group(0) @binding(4) var<storage, read> control: array<i32>; // [1+T*B] seed, mask
@group(0) @binding(5) var<storage, read> states: array<f32>; // as in recurrent-forward
@group(0) @binding(6) var<storage, read_write> work: array<f32>; // [T,B,workD,W,H] from workStart on
@group(0) @binding(7) var<storage, read_write> carry: array<f32>; // h [D,B,P], rest [S-1,D,B,H]

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let H = params.H;
  let words = (params.U + 3u) / 4u;
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
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(params.U - 1u));
  let outUnit = min(unit, vec4u(params.P - 1u));
  let stored = select(min(4u, params.U - u), 0u, u >= params.U);
  let time = timeOf(params.t, d);

  var product: array<vec4f, ROWS>;
  if (params.productGates > 0u) {
    var source = time;
    if (!FINISH && params.projected == 0u) {
      source = select(time + 1u, time - 1u, runsBackwards(d));
    }
    product = transposedProduct(source, row0, d, z, word, unit);
  }

  // A copy for the loop below, whose index is not constant: product itself then stays in registers.
  var products = product;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= params.B) {
      break;
    }
    let carryH = params.carryOffset + (d * params.B + row) * params.P;
    let carryRest = params.carryOffset + params.D * params.B * params.P + (d * params.B + row) * H;
    let carryStride = params.D * params.B * H;

    // Gradient by the state after this step. The zeros are written out because Dawn (webgpu 0.6.2) leaves a variable that
    // is declared in a loop without a value as the last round left it, as did wgpu (its issue 9489).
    var grad = array<Real, STATES>();
    if (params.projected == 0u) {
      grad[0] = products[b] * heardPart(row, d, unit);
    } else {
      grad[0] = products[b];
    }
    if (params.hasCarry != 0u) {
      if (params.projected == 0u) {
        let i = vec4u(carryH) + outUnit;
        grad[0] += vec4f(carry[i.x], carry[i.y], carry[i.z], carry[i.w]);
      }
      if (!FINISH) {
        for (var s = 1u; s < STATES; s++) {
          let i = vec4u(carryRest + (s - 1u) * carryStride) + unit;
          grad[s] = vec4f(carry[i.x], carry[i.y], carry[i.z], carry[i.w]);
        }
      }
    }
    if (FINISH) {
      for (var l = 0u; l < stored; l++) {
        carry[carryH + u + l] = grad[0][l];
      }
      continue;
    }
    if (params.hasOutput != 0u && params.projected == 0u && !(params.zeroOutput != 0u && isPassedOver(time, row))) {
      let i = vec4u(params.outputGradientOffset + ((time * params.B + row) * params.D + d) * params.P) + outUnit;
      grad[0] += vec4f(outputGradient[i.x], outputGradient[i.y], outputGradient[i.z], outputGradient[i.w]);
    }

    let before = slotBefore(time, d);
    var prev = array<Real, STATES>();
    let i = vec4u(stateIndex(0u, params.P, before, row, d)) + outUnit;
    prev[0] = vec4f(states[i.x], states[i.y], states[i.z], states[i.w]);
    for (var s = 1u; s < STATES; s++) {
      let j = vec4u(restIndex(s, before, row, d)) + unit;
      prev[s] = vec4f(states[j.x], states[j.y], states[j.z], states[j.w]);
    }
    let at = workIndex(time, row, z);
    var saved: array<Real, WORK>;
    // #unroll
    for (var w = 0u; w < WORK; w++) {
      let q = vec4u(at + w * H) + unit;
      saved[w] = vec4f(work[q.x], work[q.y], work[q.z], work[q.w]);
    }
    var p = array<Real, max(1u, LEARNED)>();
    // #unroll
    for (var n = 0u; n < LEARNED; n++) {
      let j = vec4u(params.learnedOffset + (d * LEARNED + n) * H) + unit;
      p[n] = vec4f(learned[j.x], learned[j.y], learned[j.z], learned[j.w]);
    }

    // What a unit held back goes straight to the step before; the cell made the rest.
    var straight = array<Real, STATES>();
    for (var s = params.projected; s < STATES; s++) {
      let held = heldBack(s, time, row, d, unit);
      straight[s] = held * grad[s];
      grad[s] -= straight[s];
    }
    let step = cellBackward(workFrom(saved), stateFrom(prev), stateFrom(grad), learnedFrom(p));

    var gradients = workArray(step.work);
    var through = stateArray(step.state);
    for (var l = 0u; l < stored; l++) {
      for (var w = 0u; w < WORK; w++) {
        work[at + w * H + u + l] = gradients[w][l];
      }
      if (params.projected == 0u) {
        carry[carryH + u + l] = straight[0][l] + through[0][l];
      }
      for (var s = 1u; s < STATES; s++) {
        carry[carryRest + (s - 1u) * carryStride + u + l] = straight[s][l] + through[s][l];
      }
    }
  }
}
