// The second dispatch of a backward step of a cell with an intermediate vector: the gradient by it is Rᵀ times the gradients
// of the gates that it went into; from it the cell makes what is missing of the step's gradients.

// #include TILING
// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-product.wgsl"
// #include "lib/recurrent-noise.wgsl"
// #include CELL

const WORDS = LANES / SLICES; // of four units, a workgroup
const PARTS = 1u;

struct Params {
  layer: Recurrence,
  product: Transposed,
  weightOffset: u32,
  learnedOffset: u32,
  controlOffset: u32,
  hOffset: u32,
  statesOffset: u32,
  gatesOffset: u32,
  carryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<WeightWord>; // [D,G,K,⌈U/4⌉] R by row, four units in a word
@group(0) @binding(2) var<storage, read> learned: array<f32>; // [D,N,H]
@group(0) @binding(3) var<storage, read> control: array<i32>; // seed [1], mask [T,B]
@group(0) @binding(4) var<storage, read> h: array<f32>; // [slots,B,D,P]
@group(0) @binding(5) var<storage, read> states: array<f32>; // as in recurrent-forward
@group(0) @binding(6) var<storage, read_write> gates: array<f32>; // [times,B,directions,W,H]
@group(0) @binding(7) var<storage, read_write> carry: array<f32>; // h [D,B,P], cell states [S-1,D,B,H]

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
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(H - 1u));
  let stored = select(min(4u, H - u), 0u, u >= H);
  let step = params.layer.steps[d];

  let product = transposedProduct(step.time, row0, d, z, word, unit, 0u, 1u);

  // A copy for the loop below, whose index is not constant: product itself then stays in registers.
  var products = product;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= B) {
      break;
    }
    var prev = array<Real, STATES>();
    let i = vec4u(params.hOffset + hIndex(step.before, row, d)) + unit;
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

    let grad = products[b] * dropFactor(row, d, unit);
    let made = cellIntermediateBackward(savedFrom(saved), stateFrom(prev), grad, learnedFrom(p));

    var gradients = savedArray(made.grads);
    var through = stateArray(made.state);
    for (var l = 0u; l < stored; l++) {
      for (var w = 0u; w < SAVED; w++) {
        // The slots that the product reads stay as they are: other invocations may be reading them still.
        if (w < FROM || w >= FROM + COUNT) {
          gates[at + w * H + u + l] = gradients[w][l];
        }
      }
      for (var s = 0u; s < STATES; s++) {
        carry[params.carryOffset + ((s * params.layer.D + d) * B + row) * H + u + l] += through[s][l];
      }
    }
  }
}
