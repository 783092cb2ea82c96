// A stack of layers backward: the gradient by a layer's output is Wᵀ times what the layer above made in the dispatch before.
// #include "lib/stack.wgsl"

// The product and Wᵀ·(gradients by x of the layer above); W lies behind R of all layers.
fn withAbove(product: array<vec4f, ROWS>, time: u32, row0: u32, d: u32, z: u32, word: u32, slice: u32) -> array<vec4f, ROWS> {
  var sums = product;
  let H = params.layer.H;
  let words = (H + 3u) / 4u;
  var base: array<u32, ROWS>;
  // #unroll
  for (var b = 0u; b < ROWS; b++) {
    base[b] = params.gatesOffset + gatesIndex(time, min(row0 + b, params.layer.B - 1u), z + 1u);
  }
  let own = basesOf(base);
  let weightBase = params.weightOffset / NUMBERS + (params.layer.D + d) * GATES * H * words + min(word, words - 1u);
  for (var k = slice; k < GATES * H; k += SLICES) {
    let w = weightAt(weightBase + k * words);
    let values = rowValues(own, k);
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      sums[b] += values[b] * w;
    }
  }
  return sums;
}
