// The transposed product of a backward step, for kernels that bind `weight` and `gates`: weight by rows times the gradients
// that stand in some slots of `gates`. WEIGHTS says how four of a row are read.
struct Transposed {
  U: u32, // numbers that it makes for each row
  K: u32, // numbers of a slot that it reads for each of them
  headUnits: u32, // of its results share what they read: U without heads
  slot: u32, // first slot that it reads
  count: u32, // how many; 0: no product
  weightGate: u32, // gate of the weight that goes with the first slot
  weightGates: u32, // gates of the weight
  hasCarry: u32, // 0: no gradient flows in from the step after (the last step without gradient by the final state)
}

// #include ROW_VALUES
// #include WEIGHTS

fn operand(i: u32) -> f32 {
  return gates[i];
}

// At a time, for the four units of `word` in ROWS rows from row0 on: the part of one of `slices`.
fn transposedProduct(time: u32, row0: u32, d: u32, z: u32, word: u32, unit: vec4u, slice: u32, slices: u32) -> array<vec4f, ROWS> {
  var product = array<vec4f, ROWS>();
  var base: array<u32, ROWS>;
  let words = (params.product.U + 3u) / 4u;
  let head = unit / params.product.headUnits * params.product.K;
  // #unroll
  for (var b = 0u; b < ROWS; b++) {
    base[b] = params.gatesOffset + gatesIndex(time, min(row0 + b, params.layer.B - 1u), z);
  }
  let own = basesOf(base);
  for (var g = 0u; g < params.product.count; g++) {
    let gate = params.product.slot + g;
    let slot = (gate + select(0u, SEPARATE, gate >= GATES - SEPARATE && gate < GATES)) * params.layer.H;
    let weightBase = params.weightOffset / NUMBERS + (d * params.product.weightGates + params.product.weightGate + g) * params.product.K * words + min(word, words - 1u);
    for (var k = slice; k < params.product.K; k += slices) {
      let w = weightAt(weightBase + k * words);
      let values = rowValues(own, slot + k);
      // #unroll
      for (var b = 0u; b < ROWS; b++) {
        var value = vec4f(values[b]);
        if (HEADS) {
          let i = vec4u(base[b] + slot + k) + head;
          value = vec4f(gates[i.x], gates[i.y], gates[i.z], gates[i.w]);
        }
        product[b] += value * w;
      }
    }
  }
  return product;
}
