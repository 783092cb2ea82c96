// Weights as f16, four units in two words. Adapters need no feature for it; they may read those below 2^-14 as zero.
alias WeightWord = u32;
const NUMBERS = 2u;
const SCALE_COLUMNS = 0u;

fn weightAt(i: u32) -> vec4f {
  return vec4f(unpack2x16float(weight[2u * i]), unpack2x16float(weight[2u * i + 1u]));
}
fn scaledSums(r: array<vec4f, ROWS * GATES>, d: u32, word: u32, words: u32) -> array<vec4f, ROWS * GATES> {
  return r;
}
