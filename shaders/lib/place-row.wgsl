// Which units and rows an invocation owns: a workgroup has all units of one row, so that the cell can take means over them.
var<workgroup> parts: array<f32, LANES>;
var<private> unitLane: u32;
var<private> isUnit: vec4<bool>; // false beyond H
var<private> unitCount: f32;

fn wordOf(id: vec3u, lane: u32, words: u32) -> u32 {
  return lane;
}
fn firstRowOf(id: vec3u, group: vec3u, words: u32) -> u32 {
  return group.x;
}
fn ownUnits(lane: u32, u: u32, H: u32) {
  unitLane = lane;
  isUnit = vec4u(u, u + 1u, u + 2u, u + 3u) < vec4u(H);
  unitCount = f32(H);
}

// The mean of a value over the H units of this row; LANES is a power of two, so the order of the sum is fixed.
fn meanOverUnits(v: Real) -> f32 {
  let own = select(Real(0.0), v, isUnit);
  workgroupBarrier();
  parts[unitLane] = own.x + own.y + own.z + own.w;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (unitLane < half) {
      parts[unitLane] += parts[unitLane + half];
    }
  }
  workgroupBarrier();
  return parts[0] / unitCount;
}
