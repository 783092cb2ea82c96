// One time step of a recurrent layer's gradient in one dispatch: dh_t = dy_t + carry + Rᵀ·(gradient by r of the step after),
// then the cell's pointwise backward, which turns what `gates` saved into the gradients by x (by r where separate, and by the
// learned vectors). Layout and owners are those of recurrent-forward.wgsl; steps come from the last to the first.
// With a projection, recurrent-project-backward has made dh_t, and the product is W_hrᵀ·dh_t.
// FINISH: no step at all, only carry.h += Rᵀ·(gradient by r of this step): after the first step carry is then the gradient by
// the initial states; where `gates` comes in chunks, the next chunk goes on from it.

// #include TILING
// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-product.wgsl"
// #include "lib/recurrent-noise.wgsl"
// #include CELL

struct Params {
  layer: Recurrence,
  product: Transposed,
  hasOutput: u32, // 0: the outputs y have no gradient
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
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,G,K,⌈U/4⌉] R by row, four units in a word
@group(0) @binding(2) var<storage, read> learned: array<f32>; // [D,N,H]
@group(0) @binding(3) var<storage, read> outputGradient: array<f32>; // [T,B,D,P]
@group(0) @binding(4) var<storage, read> control: array<i32>; // seed [1], mask [T,B]
@group(0) @binding(5) var<storage, read> h: array<f32>; // [slots,B,D,P]
@group(0) @binding(6) var<storage, read> states: array<f32>; // as in recurrent-forward
@group(0) @binding(7) var<storage, read_write> gates: array<f32>; // [times,B,directions,W,H]
@group(0) @binding(8) var<storage, read_write> carry: array<f32>; // h [D,B,P], cell states [S-1,D,B,H]

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let H = params.layer.H;
  let P = params.layer.P;
  let B = params.layer.B;
  let D = params.layer.D;
  let words = (params.product.U + 3u) / 4u;
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
  let U = params.product.U;
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(U - 1u));
  let outUnit = min(unit, vec4u(P - 1u));
  let stored = select(min(4u, U - u), 0u, u >= U);
  let step = params.layer.steps[d];
  let isProjected = !FINISH && P < H;

  var product: array<vec4f, ROWS>;
  if (params.product.count > 0u) {
    product = transposedProduct(select(step.next, step.time, FINISH || isProjected), row0, d, z, word, unit);
  }

  // A copy for the loop below, whose index is not constant: product itself then stays in registers.
  var products = product;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= B) {
      break;
    }
    let carryH = params.carryOffset + (d * B + row) * P;
    let carryCell = params.carryOffset + D * B * P + (d * B + row) * H;
    let carryStride = D * B * H;

    // Gradient by the state after this step. The zeros are written out because Dawn (webgpu 0.6.2) leaves a variable that
    // is declared in a loop without a value as the last round left it, as did wgpu (its issue 9489).
    var grad = array<Real, STATES>();
    if (isProjected) {
      grad[0] = products[b];
    } else {
      grad[0] = products[b] * dropFactor(row, d, unit);
    }
    if (params.product.hasCarry != 0u) {
      if (!isProjected) {
        let i = vec4u(carryH) + outUnit;
        grad[0] += vec4f(carry[i.x], carry[i.y], carry[i.z], carry[i.w]);
      }
      if (!FINISH) {
        for (var s = 1u; s < STATES; s++) {
          let i = vec4u(carryCell + (s - 1u) * carryStride) + unit;
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
    if (params.hasOutput != 0u && !isProjected && !isOutputZero(step.time, row)) {
      let i = vec4u(params.outputGradientOffset + hIndex(step.time, row, d)) + outUnit;
      grad[0] += vec4f(outputGradient[i.x], outputGradient[i.y], outputGradient[i.z], outputGradient[i.w]);
    }

    var prev = array<Real, STATES>();
    let i = vec4u(params.hOffset + hIndex(step.before, row, d)) + outUnit;
    prev[0] = vec4f(h[i.x], h[i.y], h[i.z], h[i.w]);
    for (var s = 1u; s < STATES; s++) {
      let j = vec4u(params.statesOffset + cellStateIndex(s, step.before, row, z)) + unit;
      prev[s] = vec4f(states[j.x], states[j.y], states[j.z], states[j.w]);
    }
    let at = params.gatesOffset + gatesIndex(step.time, row, z);
    var saved: array<Real, SAVED>;
    // #unroll
    for (var w = 0u; w < SAVED; w++) {
      let q = vec4u(at + w * H) + unit;
      saved[w] = vec4f(gates[q.x], gates[q.y], gates[q.z], gates[q.w]);
    }
    var p = array<Real, max(1u, LEARNED)>();
    // #unroll
    for (var n = 0u; n < LEARNED; n++) {
      let j = vec4u(params.learnedOffset + (d * LEARNED + n) * H) + unit;
      p[n] = vec4f(learned[j.x], learned[j.y], learned[j.z], learned[j.w]);
    }

    // The gradient by what a unit kept goes straight to the step before; the cell made the other part.
    var straight = array<Real, STATES>();
    for (var s = select(0u, 1u, isProjected); s < STATES; s++) {
      straight[s] = keep(s, step.time, row, d, unit) * grad[s];
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
}
