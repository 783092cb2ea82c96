// The first dispatch of a backward step with a projection: dh_t = dy_t + carry.h + Rᵀ·(gradient by r of the step after), put
// into the last slot of `work`, where the step's own backward and the gradient of W_hr find it.

// #include "lib/recurrent-time.wgsl"
// #include "lib/recurrent-product.wgsl"
// #include "lib/recurrent-noise.wgsl"

const APART = 0u; // no cell with products apart has a projection
const GATES = 0u;

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
  hasCarry: u32, // 0: nothing flows in from the step after
  hasOutput: u32, // 0: the outputs y have no gradient
  zeroOutput: u32, // 1: outputs that the mask passes over are zero
  weightOffset: u32,
  outputGradientOffset: u32,
  controlOffset: u32,
  workOffset: u32,
  carryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,G,H,⌈P/4⌉] R by row, four outputs in a word
@group(0) @binding(2) var<storage, read> outputGradient: array<f32>; // [T,B,D,P]
@group(0) @binding(3) var<storage, read> control: array<i32>; // [1+T*B] seed, mask
@group(0) @binding(4) var<storage, read_write> work: array<f32>; // [T,B,workD,W,H] from workStart on
@group(0) @binding(5) var<storage, read_write> carry: array<f32>; // h [D,B,P], rest [S-1,D,B,H]

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let words = (params.P + 3u) / 4u;
  let word = id.x % words;
  let row0 = id.x / words * ROWS;
  let d = params.firstDirection + id.z;
  if (row0 >= params.B) {
    return;
  }
  let u = word * 4u;
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(params.P - 1u));
  let time = timeOf(params.t, d);

  var product: array<vec4f, ROWS>;
  if (params.productGates > 0u) {
    product = transposedProduct(select(time + 1u, time - 1u, runsBackwards(d)), row0, d, id.z, word, unit);
  }

  // A copy for the loop below, whose index is not constant: product itself then stays in registers.
  var products = product;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= params.B) {
      break;
    }
    let own = params.carryOffset + (d * params.B + row) * params.P;
    var grad = products[b] * heardPart(row, d, unit);
    if (params.hasCarry != 0u) {
      let i = vec4u(own) + unit;
      grad += vec4f(carry[i.x], carry[i.y], carry[i.z], carry[i.w]);
    }
    if (params.hasOutput != 0u && !(params.zeroOutput != 0u && isPassedOver(time, row))) {
      let i = vec4u(params.outputGradientOffset + ((time * params.B + row) * params.D + d) * params.P) + unit;
      grad += vec4f(outputGradient[i.x], outputGradient[i.y], outputGradient[i.z], outputGradient[i.w]);
    }
    let straight = heldBack(0u, time, row, d, unit) * grad;
    let made = grad - straight;
    let at = workIndex(time, row, id.z) + (params.W - 1u) * params.H;
    for (var l = 0u; l < min(4u, params.P - u); l++) {
      work[at + u + l] = made[l];
      carry[own + u + l] = straight[l];
    }
  }
}
