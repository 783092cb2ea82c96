// Which units and rows an invocation owns: a word of four units of ROWS rows, in any workgroup.
fn wordOf(id: vec3u, lane: u32, words: u32) -> u32 {
  return id.x % words;
}
fn firstRowOf(id: vec3u, group: vec3u, words: u32) -> u32 {
  return id.x / words * ROWS;
}
fn ownUnits(lane: u32, u: u32, H: u32) {}
