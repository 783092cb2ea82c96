// Time steps of a recurrent layer's gradient: dh_t = dy_t + carry + Rᵀ·(gradient by r of the step after), then the cell's
// pointwise backward, which turns what `gates` saved into the gradients by x (by r where separate, and by the learned vectors).
// Layout and owners are those of recurrent-forward.wgsl; steps come from the last to the first.
// With a projection, recurrent-project-backward has made dh_t, and the product is W_hrᵀ·dh_t.
// STACK and the like: nothing, or lib/stack-backward.wgsl for several layers in the place of directions.
// FINISH: no step at all, only carry.h += Rᵀ·(gradient by r of this step): after the first step carry is then the gradient by
// the initial states; where `gates` comes in chunks, the next chunk goes on from it.

// #include TILING
// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-product.wgsl"
// #include "lib/recurrent-noise.wgsl"
// #include STACK
// #include CELL

const WORDS = LANES / SLICES; // of four units, a workgroup
const PARTS = ROWS;

struct Params {
  layer: Recurrence,
  product: Transposed,
  hasOutput: u32, // 0: the outputs y have no gradient
  hasProduct: u32, // 0: Rᵀ is not for the first step of the dispatch
  stepCount: u32, // steps of this dispatch, as in recurrent-forward
  T: u32, // steps of a layer
  weightOffset: u32,
  learnedOffset: u32,
  outputGradientOffset: u32,
  controlOffset: u32,
  hOffset: u32,
  statesOffset: u32,
  gatesOffset: u32,
  carryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<WeightWord>; // [D,G,K,⌈U/4⌉] R by row, four units in a word; then the stack's W
@group(0) @binding(2) var<storage, read> learned: array<f32>; // [D,N,H]
@group(0) @binding(3) var<storage, read> outputGradient: array<f32>; // [T,B,D,P]
@group(0) @binding(4) var<storage, read> control: array<i32>; // seed [1], mask [T,B]
@group(0) @binding(5) var<storage, read> h: array<f32>; // [slots,B,D,P]
@group(0) @binding(6) var<storage, read> states: array<f32>; // as in recurrent-forward
@group(0) @binding(7) var<storage, read_write> gates: array<f32>; // [times,B,directions,W,H]
@group(0) @binding(8) var<storage, read_write> carry: array<f32>; // h [D,B,P], cell states [S-1,D,B,H]

// Step i of the dispatch in direction d: i before the first one.
fn stepOf(d: u32, i: u32) -> Step {
  var step = params.layer.steps[min(d, 1u)];
  let one = step.before - step.after;
  let moved = i * one;
  step.next = select(step.time + moved - one, step.next, i == 0u);
  step.time += moved;
  step.before += moved;
  step.after += moved;
  return step;
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let U = params.product.U;
  let B = params.layer.B;
  let words = (U + 3u) / 4u;
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
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(U - 1u));
  let isProjected = !FINISH && params.layer.P < params.layer.H;

  for (var i = 0u; i < params.stepCount; i++) {
    let step = stepOf(d, i);
    var time = step.time;
    var flowing = select(step.next, time, FINISH || isProjected); // the time of the gates that the product reads
    var hasProduct = i > 0u || params.hasProduct != 0u;
    // #include STACK_STEP
    // Zeros are written out as in recurrent-forward.
    var product = array<vec4f, ROWS>();
    if (hasProduct && params.product.count > 0u) {
      product = transposedProduct(flowing, row0, d, z, word, unit, lane / WORDS, SLICES);
    }
    // #include STACK_PRODUCT

    var products = sumOfSlices(product, lane);
    for (var b = 0u; b < ROWS; b++) {
      if (row0 + b >= B) {
        break;
      }
      if (ownsResults(lane)) {
        finishStep(step, time, row0 + b, d, z, u, unit, products[b], i > 0u || params.product.hasCarry != 0u);
      }
    }
    endStep();
  }
}

// The cell's backward maths for four units of a row, from the product that flows in.
fn finishStep(step: Step, time: u32, row: u32, d: u32, z: u32, u: u32, unit: vec4u, product: vec4f, hasCarry: bool) {
  let H = params.layer.H;
  let P = params.layer.P;
  let B = params.layer.B;
  let D = params.layer.D;
  let U = params.product.U;
  let outUnit = min(unit, vec4u(P - 1u));
  let stored = select(min(4u, U - u), 0u, u >= U);
  let isProjected = !FINISH && P < H;
  let carryH = params.carryOffset + (d * B + row) * P;
  let carryCell = params.carryOffset + D * B * P + (d * B + row) * H;
  let carryStride = D * B * H;

  // Gradient by the state after this step, the state before it, and what forward saved.
  var grad = array<Real, STATES>();
  if (isProjected) {
    grad[0] = product;
  } else {
    grad[0] = product * dropFactor(row, d, unit);
  }
  var prev = array<Real, STATES>();
  var saved = array<Real, SAVED>();
  var p = array<Real, max(1u, LEARNED)>();
  let at = params.gatesOffset + gatesIndex(step.time, row, z);
  var output = hIndex(time, row, d);
  var hasOutput = params.hasOutput != 0u && !isProjected && !isOutputZero(time, row);
  // #include STACK_OUTPUT
  for (var l = 0u; l < unitsOfWord(); l++) {
    if (hasCarry && !isProjected) {
      grad[0][l] += carry[carryH + outUnit[l]];
    }
    if (!FINISH) {
      if (hasCarry) {
        // #unroll
        for (var s = 0u; s < CELL_STATES; s++) {
          grad[s + 1u][l] = carry[carryCell + s * carryStride + unit[l]];
        }
      }
      if (hasOutput) {
        grad[0][l] += outputGradient[params.outputGradientOffset + output + outUnit[l]];
      }
      prev[0][l] = h[params.hOffset + hIndex(step.before, row, d) + outUnit[l]];
      // #unroll
      for (var s = 0u; s < CELL_STATES; s++) {
        prev[s + 1u][l] = states[params.statesOffset + cellStateIndex(s + 1u, step.before, row, z) + unit[l]];
      }
      // #unroll
      for (var w = 0u; w < SAVED; w++) {
        saved[w][l] = gates[at + w * H + unit[l]];
      }
      // #unroll
      for (var n = 0u; n < LEARNED; n++) {
        p[n][l] = learned[params.learnedOffset + (d * LEARNED + n) * H + unit[l]];
      }
    }
  }
  if (FINISH) {
    for (var l = 0u; l < stored; l++) {
      carry[carryH + u + l] = grad[0][l];
    }
    return;
  }

  // The gradient by what a unit kept goes straight to the step before; the cell made the other part.
  var straight = array<Real, STATES>();
  for (var s = select(0u, 1u, isProjected); s < STATES; s++) {
    straight[s] = keep(s, time, row, d, unit) * grad[s];
    grad[s] -= straight[s];
  }
  let made = cellBackward(savedFrom(saved), stateFrom(prev), stateFrom(grad), learnedFrom(p));

  var gradients = savedArray(made.grads);
  var through = stateArray(made.state);
  for (var l = 0u; l < stored; l++) {
    for (var w = 0u; w < SAVED; w++) {
      gates[at + w * H + u + l] = gradients[w][l];
    }
    if (!isProjected) {
      carry[carryH + u + l] = straight[0][l] + through[0][l];
    }
    for (var s = 1u; s < STATES; s++) {
      carry[carryCell + (s - 1u) * carryStride + u + l] = straight[s][l] + through[s][l];
    }
  }
}
