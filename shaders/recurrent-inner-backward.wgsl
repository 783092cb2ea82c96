// The second dispatch of a backward step of a cell with an inner product: the gradient by the inner vector is Rᵀ times the
// gradients of the gates that it went into; from it the cell makes the rest of the step's gradients.

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
  weightOffset: u32,
  learnedOffset: u32,
  controlOffset: u32,
  statesOffset: u32,
  workOffset: u32,
  carryOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>; // [D,G,K,⌈U/4⌉] R by row, four units in a word
@group(0) @binding(2) var<storage, read> learned: array<f32>; // [D,N,H]
@group(0) @binding(3) var<storage, read> control: array<i32>; // [1+T*B] seed, mask
@group(0) @binding(4) var<storage, read> states: array<f32>; // as in recurrent-forward
@group(0) @binding(5) var<storage, read_write> work: array<f32>; // [T,B,workD,W,H] from workStart on
@group(0) @binding(6) var<storage, read_write> carry: array<f32>; // h [D,B,P], rest [S-1,D,B,H]

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
  let unit = min(vec4u(u, u + 1u, u + 2u, u + 3u), vec4u(H - 1u));
  let stored = select(min(4u, H - u), 0u, u >= H);
  let time = timeOf(params.t, d);
  let before = slotBefore(time, d);
  let product = transposedProduct(time, row0, d, z, word, unit);

  // A copy for the loop below, whose index is not constant: product itself then stays in registers.
  var products = product;
  for (var b = 0u; b < ROWS; b++) {
    let row = row0 + b;
    if (row >= params.B) {
      break;
    }
    var prev = array<Real, STATES>();
    let i = vec4u(stateIndex(0u, H, before, row, d)) + unit;
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

    let grad = products[b] * heardPart(row, d, unit);
    let step = cellInnerBackward(workFrom(saved), stateFrom(prev), grad, learnedFrom(p));

    var gradients = workArray(step.work);
    var through = stateArray(step.state);
    for (var l = 0u; l < stored; l++) {
      for (var w = 0u; w < WORK; w++) {
        // The slots that the product reads stay as they are: other invocations may be reading them still.
        if (w < FROM || w >= FROM + COUNT) {
          work[at + w * H + u + l] = gradients[w][l];
        }
      }
      for (var s = 0u; s < STATES; s++) {
        carry[params.carryOffset + ((s * params.D + d) * params.B + row) * H + u + l] += through[s][l];
      }
    }
  }
}
