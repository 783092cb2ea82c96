// The W slots of one row at time s, for kernels that bind `work`.
fn workIndex(s: u32, row: u32, z: u32) -> u32 {
  return params.workOffset + (((s - params.workStart) * params.B + row) * params.workD + z) * params.W * params.H;
}
