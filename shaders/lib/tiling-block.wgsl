// Which units and rows an invocation owns: a word of four units of ROWS rows, in any workgroup. One step a dispatch. SHARED
// invocations after each other have the same rows; the last ones of a row may have no units.

fn ownersOf(words: u32) -> u32 {
  return (words + SHARED - 1u) / SHARED * SHARED;
}
fn wordOf(id: u32, group: u32, lane: u32, words: u32) -> u32 {
  return id % ownersOf(words);
}
fn firstRowOf(id: u32, group: u32, words: u32) -> u32 {
  return id / ownersOf(words) * ROWS;
}
// Four, as a number that compilers do not know: software adapters take a second to compile loads that are written out.
fn unitsOfWord() -> u32 {
  return select(0u, 4u, params.layer.B > 0u);
}
fn ownsResults(lane: u32) -> bool {
  return true;
}
fn sumOfSlices(own: array<vec4f, PARTS>, lane: u32) -> array<vec4f, PARTS> {
  return own;
}
fn endStep() {}
