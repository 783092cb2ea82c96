// Which units and rows an invocation owns: a workgroup has all units of one row, a word a lane, so that the cell can take means
// over them, and go from step to step.

var<workgroup> parts: array<f32, LANES>;

fn wordOf(id: u32, group: u32, lane: u32, words: u32) -> u32 {
  return lane;
}
fn firstRowOf(id: u32, group: u32, words: u32) -> u32 {
  return group;
}
fn unitsOfWord() -> u32 {
  return select(0u, 4u, params.layer.B > 0u);
}
fn ownsResults(lane: u32) -> bool {
  return true;
}
fn sumOfSlices(own: array<vec4f, PARTS>, lane: u32) -> array<vec4f, PARTS> {
  return own;
}
fn endStep() {
  storageBarrier();
}

// The mean of a value over the H units of this row. Every lane adds up all parts, in the order of the lanes: two barriers,
// where a tree would take one for each of its levels. Software adapters take seconds to compile either that or a loop
// whose end they know and unroll; this one's end is not known to them.
fn meanOverUnits(v: Real) -> f32 {
  let H = params.layer.H;
  let u = cellLane * 4u;
  let own = select(Real(0.0), v, vec4u(u, u + 1u, u + 2u, u + 3u) < vec4u(H));
  parts[cellLane] = own.x + own.y + own.z + own.w;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i * 4u < H; i++) {
    sum += parts[i];
  }
  workgroupBarrier();
  return sum / f32(H);
}
