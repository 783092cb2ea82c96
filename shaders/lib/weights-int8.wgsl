// Weights as whole numbers from -127 to 127, four units in a word. What a unit's sum over k is multiplied by stands behind the
// K columns as the bits of an f32: four columns, one for each unit of a word.
alias WeightWord = u32;
const NUMBERS = 1u;
const SCALE_COLUMNS = 4u;

fn weightAt(i: u32) -> vec4f {
  return vec4f((vec4i(i32(weight[i])) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}
fn scaledSums(r: array<vec4f, ROWS * GATES>, d: u32, word: u32, words: u32) -> array<vec4f, ROWS * GATES> {
  var sums: array<vec4f, ROWS * GATES>;
  let own = r;
  let column = GATES * words;
  let first = params.weightOffset + (d * (params.K + SCALE_COLUMNS) + params.K) * column + min(word, words - 1u);
  // #unroll
  for (var g = 0u; g < GATES; g++) {
    let i = first + g * words;
    let bits = vec4u(weight[i], weight[i + column], weight[i + 2u * column], weight[i + 3u * column]);
    let scale = bitcast<vec4f>(bits);
    // #unroll
    for (var b = 0u; b < ROWS; b++) {
      sums[b * GATES + g] = own[b * GATES + g] * scale;
    }
  }
  return sums;
}
