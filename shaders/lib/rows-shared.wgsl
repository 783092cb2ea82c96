// Numbers of ROWS rows that all SHARED invocations of a subgroup need, `operand(base[r] + at)`: each reads some of them and hands
// them on. A software adapter reads for one invocation after the other, and hands on in one instruction.
enable subgroups;
// Invocations of a subgroup have the same rows, and as many rounds of every loop around a call.
diagnostic(off, subgroup_uniformity);

// Where the rows are that this invocation reads: every SHARED-th.
fn basesOf(base: array<u32, ROWS>) -> array<u32, ROWS> {
  let rank = subgroupExclusiveAdd(1u);
  var all = base;
  var own: array<u32, ROWS>;
  // #unroll
  for (var r = 0u; r < ROWS; r++) {
    if (r % SHARED == 0u) {
      own[r / SHARED] = all[r + rank];
    }
  }
  return own;
}
fn rowValues(base: array<u32, ROWS>, at: u32) -> array<f32, ROWS> {
  var own: array<f32, ROWS>;
  // #unroll
  for (var r = 0u; r < ROWS; r++) {
    if (r % SHARED == 0u) {
      own[r / SHARED] = operand(base[r / SHARED] + at);
    }
  }
  var values: array<f32, ROWS>;
  // #unroll
  for (var r = 0u; r < ROWS; r++) {
    values[r] = subgroupBroadcast(own[r / SHARED], r % SHARED);
  }
  return values;
}
