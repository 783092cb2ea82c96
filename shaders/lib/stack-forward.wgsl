// A stack of layers forward: W of the upper layers is multiplied in the steps.
// #include "lib/stack.wgsl"

// x = W·(output of the layer below) + b_ih of an upper layer, into `gates`. W lies behind R of all layers, b_ih behind b_hh.
fn addInput(step: Step, row0: u32, d: u32, z: u32, word: u32, unit: vec4u, lane: u32) {
  if (d == 0u) {
    return;
  }
  let H = params.layer.H;
  let B = params.layer.B;
  let matrix = params.layer.D + d - 1u;
  var base: array<u32, ROWS>;
  // #unroll
  for (var b = 0u; b < ROWS; b++) {
    base[b] = params.hOffset + hIndex(step.before, min(row0 + b, B - 1u), d - 1u);
  }
  var sums = products(base, matrix, word, unit, lane);
  let u = word * 4u;
  let stored = select(min(4u, H - u), 0u, u >= H);
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
      let at = params.gatesOffset + gatesIndex(step.time, row0 + b, z) + u;
      for (var l = 0u; l < stored; l++) {
        for (var g = 0u; g < GATES; g++) {
          var x = own[g][l];
          if (params.hasBias != 0u) {
            x += bias[params.biasOffset + (matrix * GATES + g) * H + u + l];
          }
          gates[at + g * H + l] = x;
        }
      }
    }
  }
}
