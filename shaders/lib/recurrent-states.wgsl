// Where the states of a recurrent layer lie, for kernels that bind `states`.
// Units of one row in a slot of an array of states that begins at `at` and has `size` units.
fn stateIndex(at: u32, size: u32, slot: u32, row: u32, d: u32) -> u32 {
  return params.statesOffset + at + ((slot * params.B + row) * params.D + d) * size;
}
// State s >= 1: [S-1,slots,B,D,H], behind h.
fn restIndex(s: u32, slot: u32, row: u32, d: u32) -> u32 {
  return stateIndex(params.restAt + (s - 1u) * params.slots * params.B * params.D * params.H, params.H, slot, row, d);
}
