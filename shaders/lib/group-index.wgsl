// The number of a workgroup in a grid that spreadGrid of kernel.ts may have spread over several axes.
fn groupIndex(group: vec3u, groups: vec3u) -> u32 {
  return (group.z * groups.y + group.y) * groups.x + group.x;
}
