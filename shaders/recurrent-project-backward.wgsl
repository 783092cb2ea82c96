// The first dispatch of a backward step with a projection: dh_t = dy_t + carry.h + Rᵀ·(gradient by r of the step after), put
// into the last slot of `gates`, where the step's own backward and the gradient of W_hr find it.

// #include "lib/recurrence.wgsl"
// #include "lib/recurrent-product.wgsl"
// #include "lib/recurrent-noise.wgsl"

const SEPARATE = 0u; // no cell with separate products has a projection
const GATES = 1u; // one sum a unit

struct Params {
  layer: Recurrence,
  product: Transposed,
  hasOutput: u32, // 0: the outputs y have no gradient
  weightOffset: u32,
  outputGradientOffset: u32,
  controlOffset: u32,
  gatesOffset: u32,
  carryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<WeightWord>; // [D,G,H,⌈P/4⌉] R by row, four outputs in a word
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>; // [T,B,D,P]
@group(0) @binding(3) var<storage, read> control: array<i32>; // seed [1], mask [T,B]
@group(0) @binding(4) var<storage, read_write> gates: array<f32>; // [times,B,directions,W,H]
@group(0) @binding(5) var<storage, read_write> carry: array<f32>; // h [D,B,P], cell states [S-1,D,B,H]

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
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

  var product: array<vec4f, ROWS>;
  if (params.product.count > 0u) {
    product = transposedProduct(step.next, row0, d, id.z, word, unit, 0u, 1u);
  }

  // A copy for the loop below, whose index is not constant: product itself then stays in registers.
  var products = product;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= B) {
      break;
    }
    let own = params.carryOffset + (d * B + row) * P;
    var grad = products[b] * dropFactor(row, d, unit);
    if (params.product.hasCarry != 0u) {
      let i = vec4u(own) + unit;
      grad += vec4f(carry[i.x], carry[i.y], carry[i.z], carry[i.w]);
    }
    if (params.hasOutput != 0u && !isOutputZero(step.time, row)) {
      let i = vec4u(params.outputGradientOffset + hIndex(step.time, row, d)) + unit;
      grad += vec4f(outputGradient[i.x], outputGradient[i.y], outputGradient[i.z], outputGradient[i.w]);
    }
    let straight = keep(0u, step.time, row, d, unit) * grad;
    let made = grad - straight;
    let at = params.gatesOffset + gatesIndex(step.time, row, id.z) + (params.layer.W - 1u) * params.layer.H;
    for (var l = 0u; l < min(4u, P - u); l++) {
      gates[at + u + l] = made[l];
      carry[own + u + l] = straight[l];
    }
  }
}
