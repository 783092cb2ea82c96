// The transposed product of a backward step, for kernels that bind `weight` and `work`: weight by rows times the gradients
// that stand in `productGates` slots of `work` at time s, for the four units of `word` in ROWS rows from row0 on.
// #include "lib/recurrent-work.wgsl"
fn transposedProduct(s: u32, row0: u32, d: u32, z: u32, word: u32, unit: vec4u) -> array<vec4f, ROWS> {
  var product: array<vec4f, ROWS>;
  var base: array<u32, ROWS>;
  let words = (params.U + 3u) / 4u;
  let head = unit / params.headUnits * params.K;
  // #unroll
  for (var b = 0u; b < ROWS; b++) {
    base[b] = workIndex(s, min(row0 + b, params.B - 1u), z);
  }
  for (var g = 0u; g < params.productGates; g++) {
    let gate = params.productFrom + g;
    let slot = (gate + select(0u, APART, gate >= GATES - APART && gate < GATES)) * params.H;
    let weightBase = params.weightOffset / 4u + (d * params.weightGates + params.weightFrom + g) * params.K * words + min(word, words - 1u);
    for (var k = 0u; k < params.K; k++) {
      let w = weight[weightBase + k * words];
      // #unroll
      for (var b = 0u; b < ROWS; b++) {
        if (HEADS) {
          let i = vec4u(base[b] + slot + k) + head;
          product[b] += vec4f(work[i.x], work[i.y], work[i.z], work[i.w]) * w;
        } else {
          product[b] += work[base[b] + slot + k] * w;
        }
      }
    }
  }
  return product;
}
