// Weights as f32, four units in a vec4f.
alias WeightWord = vec4f;
const NUMBERS = 4u; // that `weightOffset` counts, for four units
const SCALE_COLUMNS = 0u;

fn weightAt(i: u32) -> vec4f {
  return weight[i];
}
fn scaledSums(r: array<vec4f, ROWS * GATES>, d: u32, word: u32, words: u32) -> array<vec4f, ROWS * GATES> {
  return r;
}
