// Which units and rows an invocation owns: a workgroup has all units of one row, so that the cell can take means over them.
var<workgroup> parts: array<f32, LANES>;
var<private> unitLane: u32;
var<private> isUnit: vec4<bool>; // false beyond H
var<private> unitCount: u32;

fn wordOf(id: vec3u, lane: u32, words: u32) -> u32 {
  return lane;
}
fn firstRowOf(id: vec3u, group: vec3u, words: u32) -> u32 {
  return group.x;
}
fn ownUnits(lane: u32, u: u32, H: u32) {
  unitLane = lane;
  isUnit = vec4u(u, u + 1u, u + 2u, u + 3u) < vec4u(H);
  unitCount = H;
}

// The mean of a value over the H units of this row. Every lane adds up all parts, in the order of the lanes: two barriers,
// where a tree would take one for each of its levels. Software adapters take seconds to compile either that or a loop
// whose end they know and unroll; this one's end is not known to them.
fn meanOverUnits(v: Real) -> f32 {
  let own = select(Real(0.0), v, isUnit);
  parts[unitLane] = own.x + own.y + own.z + own.w;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i * 4u < unitCount; i++) {
    sum += parts[i];
  }
  workgroupBarrier();
  return sum / f32(unitCount);
}
