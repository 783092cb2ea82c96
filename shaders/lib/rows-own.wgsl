// Numbers of ROWS rows that several invocations need, `operand(base[r] + at)`: each reads all of them for itself.
fn basesOf(base: array<u32, ROWS>) -> array<u32, ROWS> {
  return base;
}
fn rowValues(base: array<u32, ROWS>, at: u32) -> array<f32, ROWS> {
  var values: array<f32, ROWS>;
  // #unroll
  for (var r = 0u; r < ROWS; r++) {
    values[r] = operand(base[r] + at);
  }
  return values;
}
